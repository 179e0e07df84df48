"""Reach Redis with the variables of Dify's API and its queue, through the client libraries that they use.

Arguments of redis-py are those of langgenius/dify, api/extensions/ext_redis.py; those of Celery, whose
transport is kombu, of api/extensions/ext_celery.py. Run with only those variables in the environment. Prints
the result as JSON.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from typing import Any

from kombu import Connection
from redis import Redis
from redis.cluster import ClusterNode, RedisCluster
from redis.sentinel import Sentinel

TOLD = os.environ


def nodes(name: str) -> list[tuple[str, int]]:
    """Parse a list of servers as Dify does."""
    pairs = [node.split(":") for node in TOLD[name].split(",")]
    return [(host, int(port)) for host, port in pairs]


def checking() -> dict[str, Any]:
    """Return how certificates are checked; Dify's API and its queue read this from the same variable."""
    requirements = {"CERT_NONE": ssl.CERT_NONE, "CERT_REQUIRED": ssl.CERT_REQUIRED}
    return {
        "ssl_cert_reqs": requirements[TOLD.get("REDIS_SSL_CERT_REQS", "CERT_NONE")],
        "ssl_ca_certs": TOLD.get("REDIS_SSL_CA_CERTS"),
    }


def cache() -> Any:  # noqa: ANN401 redis-py's clients have no common type
    """Return the API's client."""
    if TOLD.get("REDIS_USE_CLUSTERS") == "true":
        start = [ClusterNode(host, port) for host, port in nodes("REDIS_CLUSTERS")]
        return RedisCluster(startup_nodes=start, password=TOLD["REDIS_CLUSTERS_PASSWORD"])
    if TOLD.get("REDIS_USE_SENTINEL") != "true":
        return Redis(
            host=TOLD["REDIS_HOST"],
            port=int(TOLD["REDIS_PORT"]),
            username=TOLD["REDIS_USERNAME"],
            password=TOLD["REDIS_PASSWORD"] or None,
            db=int(TOLD["REDIS_DB"]),
            ssl=TOLD["REDIS_USE_SSL"] == "true",
            **checking(),
        )
    sentinel = Sentinel(
        nodes("REDIS_SENTINELS"),
        sentinel_kwargs={
            "socket_timeout": float(TOLD["REDIS_SENTINEL_SOCKET_TIMEOUT"]),
            "username": TOLD.get("REDIS_SENTINEL_USERNAME"),
            "password": TOLD["REDIS_SENTINEL_PASSWORD"],
        },
    )
    return sentinel.master_for(
        TOLD["REDIS_SENTINEL_SERVICE_NAME"],
        username=TOLD["REDIS_USERNAME"],
        password=TOLD["REDIS_PASSWORD"] or None,
        db=int(TOLD["REDIS_DB"]),
    )


def queue() -> dict[str, int]:
    """Send a task through the broker."""
    options = {}
    if TOLD.get("CELERY_USE_SENTINEL") == "true":
        options = {
            "master_name": TOLD["CELERY_SENTINEL_MASTER_NAME"],
            "sentinel_kwargs": {
                "socket_timeout": float(TOLD["CELERY_SENTINEL_SOCKET_TIMEOUT"]),
                "password": TOLD["CELERY_SENTINEL_PASSWORD"],
            },
        }
    url = TOLD["CELERY_BROKER_URL"]
    tls = checking() if url.startswith("rediss://") else None
    with Connection(url, transport_options=options, ssl=tls) as connection:
        connection.ensure_connection(max_retries=2)
        simple = connection.SimpleQueue("dataset")
        simple.put({"task": 1})
        payload: dict[str, int] = simple.get(timeout=5).payload
        return payload


def main() -> None:
    """Write and read through both clients."""
    client = cache()
    client.set("standin:session", "value")
    found = {"read": client.get("standin:session").decode(), "queue": queue()}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
