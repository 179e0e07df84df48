"""A piece of Dify's own work, done in one of its containers: `python3 - WHAT <probe.py`.

It goes the way that Dify goes, with what the container's environment says, leaves nothing behind, and ends
with a line and 1 where the work cannot be done. `bundler_dify/probes.py` says where each way was read.
"""

# ruff: noqa: INP001 a program of its own, not part of the package

from __future__ import annotations

import base64
import json
import os
import queue
import re
import secrets
import smtplib
import ssl
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

SECONDS = 6
"""For each answer."""
OLD = 600
"""Seconds after which what an interrupted probe left behind is removed."""
TICK = 600
"""Seconds in which beat writes its schedule again: with the first due task, one a minute, after three."""
VECTOR = [0.25, 0.5, 0.75]
PREFIX = "Vector_index_bundle_probe_"
"""Of collections: begins as Dify's own do, because roles on a server of the site may be for those alone."""
PROCESSES = Path("/proc")
NOBODY = str(uuid.UUID(int=0))
"""A workspace that has no plugins."""


class WorkError(Exception):
    """The work cannot be done."""


class StatusError(WorkError):
    """An HTTP status that is none of success."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def main(arguments: Sequence[str]) -> int:
    """Do what is asked for; the exit status."""
    try:
        WORK[arguments[0]]()
    except WorkError as error:
        return say(str(error))
    except Exception as error:  # noqa: BLE001 whatever it is, the work was not done
        return say(f"{type(error).__name__}: {error}")
    return 0


def say(text: str) -> int:
    """What is wrong, on one line."""
    print(" ".join(text.split()))  # noqa: T201 that is how it is told
    return 1


def ask(
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    context: ssl.SSLContext | None = None,
) -> Any:  # noqa: ANN401 JSON
    """A JSON answer with a status below 300. No proxy of the environment is between, as for Dify itself."""
    data = None if body is None else json.dumps(body).encode()
    said = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, said, method=method)  # noqa: S310 an address of the container's
    secure = [urllib.request.HTTPSHandler(context=context)] if context else []
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *secure)
    shown = f"{method} {url}"
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            words = error.read(200).decode(errors="replace")
            raise StatusError(f"{shown}: {error.code} {words}", error.code) from None
    except OSError as error:
        why = getattr(error, "reason", None) or error or type(error).__name__
        raise WorkError(f"{shown}: {why}") from None
    try:
        return json.loads(content) if content else None
    except ValueError:
        raise WorkError(f"{shown}: {content[:200]!r} is no JSON") from None


def run_snippet() -> None:
    """A snippet in the sandbox, asked for as the API asks."""
    wish = {"language": "python3", "code": "print(6 * 7)", "preload": "", "enable_network": True}
    url = os.environ["CODE_EXECUTION_ENDPOINT"].rstrip("/") + "/v1/sandbox/run"
    answer = ask("POST", url, wish, {"X-Api-Key": os.environ["CODE_EXECUTION_API_KEY"]})
    data = answer.get("data") or {}
    if answer.get("code") != 0 or data.get("error"):
        why = data.get("error") or answer.get("message")
        raise WorkError(f"the sandbox says {answer.get('code')}: {why}")
    if (data.get("stdout") or "").strip() != "42":
        raise WorkError(f"the sandbox ran the snippet, but it printed {data.get('stdout')!r}")


def list_plugins() -> None:
    """The plugins of a workspace, asked for as the API asks: answered out of the daemon's database."""
    base = os.environ["PLUGIN_DAEMON_URL"].rstrip("/")
    url = f"{base}/plugin/{NOBODY}/management/list?page=1&page_size=1&response_type=paged"
    answer = ask("GET", url, None, {"X-Api-Key": os.environ["PLUGIN_DAEMON_KEY"]})
    if answer.get("code") != 0 or answer.get("data") is None:
        raise WorkError(f"the plugin daemon says {answer.get('code')}: {answer.get('message')}")


def ask_workers() -> None:
    """Each queue that this worker was started for is one that a worker now says it takes tasks from."""
    wanted = wanted_queues()
    from celery_healthcheck import celery  # noqa: PLC0415 the API's image has it

    replies = celery.control.inspect(timeout=3, limit=1).active_queues() or {}
    if not replies:
        raise WorkError("no worker answers by way of the broker")
    taken = {one["name"] for queues in replies.values() for one in queues}
    if wanted - taken:
        raise WorkError("no worker takes tasks from: " + ", ".join(sorted(wanted - taken)))
    hand_out_task(celery, min(wanted))


def hand_out_task(celery: Any, name: str) -> None:  # noqa: ANN401 a Celery application
    """A task into a queue, which hands its argument on to a queue of our own; workers may be busy.

    Not into every queue: a worker of gevent looks at one after the other, a second for each.
    """
    own = f"bundle-probe-{secrets.token_hex(8)}"
    with celery.connection_or_acquire() as connection, connection.SimpleQueue(own) as answers:
        celery.send_task(
            "celery.accumulate",
            args=(own,),
            kwargs={"index": 0},
            queue=name,
            expires=3,
            link=celery.signature("bundle.probe", queue=own),
        )
        try:
            answers.get(timeout=3).ack()
        except queue.Empty:
            active = celery.control.inspect(timeout=1, limit=1).active() or {}
            if not any(active.values()):
                raise WorkError(f"a worker takes tasks from {name}, but does none") from None
        finally:
            answers.queue.delete()


def wanted_queues() -> set[str]:
    """What stands behind `-Q` in the command line of the container's worker."""
    for path in PROCESSES.glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
        found = re.search(r" worker .* -Q[ =]?([A-Za-z0-9_,.-]+)", line)
        if found:
            return set(found[1].split(",")) - {""}
    raise WorkError("no worker with queues runs in this container")


def look_at_beat() -> None:
    """Beat has written its schedule not long ago."""
    written = [path.stat().st_mtime for path in Path().glob("celerybeat-schedule*")]
    if not written:
        raise WorkError("beat has not written its schedule")
    age = time.time() - max(written)
    if age > TICK:
        raise WorkError(f"beat wrote its schedule {age:.0f} s ago, and should do so every four minutes")


def store_file() -> None:
    """A file into the storage, and out of it again."""
    content = secrets.token_bytes(64)
    name = f"bundle-probe-{secrets.token_hex(8)}"
    if os.environ["STORAGE_TYPE"] == "s3":
        found = store_object(name, content)
    else:
        path = Path(os.environ["OPENDAL_FS_ROOT"]) / name
        try:
            path.write_bytes(content)
            found = path.read_bytes()
        finally:
            path.unlink(missing_ok=True)
    if found != content:
        raise WorkError("the storage gives back something else than it was given")


def store_object(name: str, content: bytes) -> bytes:
    """The same in a bucket, with the client that Dify uses."""
    import boto3  # noqa: PLC0415 the API's image has it
    from botocore.client import Config  # noqa: PLC0415 likewise

    bucket = os.environ["S3_BUCKET_NAME"]
    client = boto3.client(
        "s3",
        endpoint_url=os.environ["S3_ENDPOINT"],
        aws_access_key_id=os.environ["S3_ACCESS_KEY"],
        aws_secret_access_key=os.environ["S3_SECRET_KEY"],
        region_name=os.environ["S3_REGION"],
        config=Config(
            s3={"addressing_style": os.environ["S3_ADDRESS_STYLE"]},
            connect_timeout=3,
            read_timeout=SECONDS,
            retries={"max_attempts": 1},
        ),
    )
    client.put_object(Bucket=bucket, Key=name, Body=content)
    try:
        return bytes(client.get_object(Bucket=bucket, Key=name)["Body"].read())
    finally:
        client.delete_object(Bucket=bucket, Key=name)


def greet_mail_server() -> None:
    """EHLO, in TLS where Dify would speak it; nothing is sent."""
    secure = os.environ.get("SMTP_USE_TLS") == "true"
    upgraded = secure and os.environ.get("SMTP_OPPORTUNISTIC_TLS") == "true"
    make = smtplib.SMTP_SSL if secure and not upgraded else smtplib.SMTP
    # With a name of its own, the client would ask for it by DNS.
    own = "[127.0.0.1]"
    server, port = os.environ["SMTP_SERVER"], int(os.environ["SMTP_PORT"])
    try:
        with make(server, port, local_hostname=own, timeout=SECONDS) as client:
            for greeting in range(2 if upgraded else 1):
                code, words = client.ehlo()
                if code // 100 != 2:  # noqa: PLR2004 RFC 5321 section 4.2.1
                    raise WorkError(f"{server}:{port} refuses EHLO: {code} {words.decode(errors='replace')}")
                if upgraded and not greeting:
                    client.starttls()
    except (OSError, smtplib.SMTPException) as error:
        raise WorkError(f"{server}:{port}: {type(error).__name__}: {error}") from None


def find_vector() -> None:
    """A vector into the store, and found again among its nearest."""
    STORES[os.environ["VECTOR_STORE"]]()


def probe_name() -> str:
    """For a collection that lives for a moment; says when it was made."""
    return f"{PREFIX}{int(time.time())}x{secrets.token_hex(4)}"


def left_behind(names: Iterable[str]) -> Iterator[str]:
    """Those that an interrupted probe made."""
    for name in names:
        found = re.fullmatch(PREFIX + r"([0-9]{10})x[0-9a-f]{8}", name)
        if found and time.time() - int(found[1]) > OLD:
            yield name


def find_in_weaviate() -> None:
    """By its REST and GraphQL API."""
    base = os.environ["WEAVIATE_ENDPOINT"].rstrip("/") + "/v1"
    key = {"Authorization": "Bearer " + os.environ["WEAVIATE_API_KEY"]}
    classes = [entry["class"] for entry in ask("GET", f"{base}/schema", None, key).get("classes") or []]
    for old in left_behind(classes):
        ask("DELETE", f"{base}/schema/{old}", None, key)
    name, identifier = probe_name(), str(uuid.uuid4())
    ask("POST", f"{base}/schema", {"class": name, "vectorizer": "none"}, key)
    try:
        ask("POST", f"{base}/objects", {"class": name, "id": identifier, "vector": VECTOR}, key)
        near = f"{{Get{{{name}(nearVector:{{vector:{json.dumps(VECTOR)}}},limit:1){{_additional{{id}}}}}}}}"
        answer = ask("POST", f"{base}/graphql", {"query": near}, key)
    finally:
        ask("DELETE", f"{base}/schema/{name}", None, key)
    if answer.get("errors"):
        raise WorkError(f"Weaviate: {json.dumps(answer['errors'])[:200]}")
    found = [entry["_additional"]["id"] for entry in answer["data"]["Get"][name]]
    if found != [identifier]:
        raise WorkError("Weaviate does not find the vector that it was given")


def find_in_qdrant() -> None:
    """By its REST API."""
    base = os.environ["QDRANT_URL"].rstrip("/") + "/collections"
    key = {"api-key": os.environ["QDRANT_API_KEY"]}
    known = ask("GET", base, None, key)["result"]["collections"]
    for old in left_behind(entry["name"] for entry in known):
        ask("DELETE", f"{base}/{old}", None, key)
    url = f"{base}/{probe_name()}"
    ask("PUT", url, {"vectors": {"size": len(VECTOR), "distance": "Cosine"}}, key)
    try:
        ask("PUT", f"{url}/points?wait=true", {"points": [{"id": 42, "vector": VECTOR}]}, key)
        answer = ask("POST", f"{url}/points/search", {"vector": VECTOR, "limit": 1}, key)
    finally:
        ask("DELETE", url, None, key)
    if [entry["id"] for entry in answer["result"]] != [42]:
        raise WorkError("Qdrant does not find the vector that it was given")


def find_in_pgvector() -> None:
    """By SQL, in a transaction that is rolled back: the extension too, where Dify has not made it yet."""
    import psycopg2  # type: ignore[import-untyped]  # noqa: PLC0415 the API's image has it

    parts = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "DATABASE"}
    server = {part: os.environ[f"PGVECTOR_{name}"] for part, name in parts.items()}
    connection = psycopg2.connect(**server, connect_timeout=SECONDS)
    try:
        cursor = connection.cursor()
        cursor.execute(f"SET LOCAL statement_timeout = '{SECONDS}s'")
        cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        cursor.execute("CREATE TEMPORARY TABLE bundle_probe (id int, v vector(3)) ON COMMIT DROP")
        text = json.dumps(VECTOR)
        cursor.execute("INSERT INTO bundle_probe VALUES (1, '[9,-9,9]'), (42, %s)", (text,))
        cursor.execute("SELECT id FROM bundle_probe ORDER BY v <=> %s LIMIT 1", (text,))
        found = cursor.fetchall()
    finally:
        connection.rollback()
        connection.close()
    if found != [(42,)]:
        raise WorkError("PostgreSQL does not find the vector that it was given")


def ask_milvus() -> None:
    """The list of its collections, by its REST API, as the user that Dify is."""
    user, password = os.environ["MILVUS_USER"], os.environ["MILVUS_PASSWORD"]
    url = os.environ["MILVUS_URI"].rstrip("/") + "/v2/vectordb/collections/list"
    database = os.environ.get("MILVUS_DATABASE")
    answer = ask(
        "POST", url, {"dbName": database} if database else {}, {"Authorization": f"Bearer {user}:{password}"}
    )
    if answer.get("code") != 0:
        raise WorkError(f"Milvus says {answer.get('code')}: {answer.get('message')}")


def ask_elasticsearch() -> None:
    """Whether there is an index, as Dify asks before it makes one."""
    host = os.environ["ELASTICSEARCH_HOST"]
    address = host if "://" in host else f"http://{host}"
    _look_for_index(
        f"{address}:{os.environ['ELASTICSEARCH_PORT']}",
        os.environ["ELASTICSEARCH_USERNAME"],
        os.environ["ELASTICSEARCH_PASSWORD"],
        checked=True,
    )


def ask_opensearch() -> None:
    """Likewise."""
    scheme = "https" if os.environ["OPENSEARCH_SECURE"] == "true" else "http"
    _look_for_index(
        f"{scheme}://{os.environ['OPENSEARCH_HOST']}:{os.environ['OPENSEARCH_PORT']}",
        os.environ["OPENSEARCH_USER"],
        os.environ["OPENSEARCH_PASSWORD"],
        checked=os.environ["OPENSEARCH_VERIFY_CERTS"] == "true",
    )


def _look_for_index(address: str, user: str, password: str, *, checked: bool) -> None:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    context = ssl.create_default_context()
    if not checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        ask("HEAD", f"{address}/{PREFIX.lower()}none", None, {"Authorization": f"Basic {token}"}, context)
    except StatusError as error:
        if error.status != 404:  # noqa: PLR2004 there is none, as expected
            raise


STORES: Mapping[str, Callable[[], None]] = {
    "weaviate": find_in_weaviate,
    "qdrant": find_in_qdrant,
    "pgvector": find_in_pgvector,
    "milvus": ask_milvus,
    "elasticsearch": ask_elasticsearch,
    "opensearch": ask_opensearch,
}
WORK: Mapping[str, Callable[[], None]] = {
    "sandbox": run_snippet,
    "plugins": list_plugins,
    "queues": ask_workers,
    "beat": look_at_beat,
    "storage": store_file,
    "mail": greet_mail_server,
    "vectors": find_vector,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
