"""Store a file in a bucket and read it back, with boto3 and the variables of Dify's API.

The client gets the same arguments, and reads the same variables itself, as in langgenius/dify 028dd6e79b41,
api/extensions/storage/aws_s3_storage.py. Run with only those variables in the environment.
"""

from __future__ import annotations

import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def main(key: str, content: bytes) -> None:
    """Create the bucket if it does not exist; write and read an object and print it."""
    told = os.environ
    addressing = {"addressing_style": told["S3_ADDRESS_STYLE"]}
    client = boto3.client(
        "s3",
        aws_access_key_id=told["S3_ACCESS_KEY"],
        aws_secret_access_key=told["S3_SECRET_KEY"],
        endpoint_url=told["S3_ENDPOINT"],
        region_name=told["S3_REGION"],
        config=Config(s3=addressing, retries={"max_attempts": 1}),
    )
    bucket = told["S3_BUCKET_NAME"]
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key=key, Body=content)
    read = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    sys.stdout.buffer.write(read)


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.buffer.read())
