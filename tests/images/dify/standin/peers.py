"""Connections to peers: PostgreSQL, Redis, HTTP services, proxies, folders."""

from __future__ import annotations

import base64
import hashlib
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped]
import redis

LIMIT = 60 if os.environ.get("MODE") == "migration" else 4
"""Timeout per answer, in seconds: health checks are repeated, a job has one attempt."""


class Refused(Exception):  # noqa: N818 names the peer's reaction
    """A peer did not answer as expected."""


def need(name: str) -> str:
    """Return a required, non-empty variable."""
    value = os.environ.get(name, "")
    if not value:
        raise Refused(f"{name} is not set")
    return value


def query(database: str, statement: str, *values: object) -> list[Any]:
    """Return the rows of a statement on the configured PostgreSQL; an empty list if it returns none."""
    connection = psycopg2.connect(
        host=need("DB_HOST"),
        port=need("DB_PORT"),
        user=need("DB_USERNAME"),
        password=need("DB_PASSWORD"),
        dbname=database,
        sslmode=_sslmode(),  # libpq itself reads the authority's file: PGSSLROOTCERT
        connect_timeout=LIMIT,
    )
    try:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def _sslmode() -> str:
    """Return the SSL mode: the API reads DB_EXTRAS, the plugin daemon a variable with two possible values."""
    if os.environ.get("VARIANT") != "plugin_daemon":
        extras = dict(urllib.parse.parse_qsl(os.environ.get("DB_EXTRAS", "")))
        return extras.get("sslmode", "prefer")
    mode = os.environ.get("DB_SSL_MODE", "disable")
    if mode not in {"disable", "require"}:
        raise Refused(f"DB_SSL_MODE is {mode}")
    return mode


def cache() -> redis.Redis:
    """Return a client for the Redis in REDIS_HOST and related variables."""
    return redis.Redis(
        host=need("REDIS_HOST"),
        port=int(need("REDIS_PORT")),
        username=os.environ.get("REDIS_USERNAME") or None,
        password=need("REDIS_PASSWORD"),
        db=int(os.environ.get("REDIS_DB", "0")),
        socket_timeout=30,
        socket_connect_timeout=LIMIT,
        **({"ssl": True} | _checking() if os.environ.get("REDIS_USE_SSL") == "true" else {}),
    )


def by_url(name: str) -> redis.Redis:
    """Return a client for the Redis whose URL, including the password, is in a variable."""
    url = need(name)
    # Celery takes its checks from variables; the agent backend uses the client's defaults, which check.
    checking = _checking() if url.startswith("rediss:") and name.startswith("CELERY") else {}
    return redis.Redis.from_url(url, socket_timeout=30, socket_connect_timeout=LIMIT, **checking)


def _checking() -> dict[str, Any]:
    """Return the client's certificate options; without variables nothing is checked."""
    return {
        "ssl_cert_reqs": os.environ.get("REDIS_SSL_CERT_REQS", "CERT_NONE").removeprefix("CERT_").lower(),
        "ssl_ca_certs": os.environ.get("REDIS_SSL_CA_CERTS"),
    }


def ask(url: str, *headers: str, expect: int = 200, proxy: str | None = None) -> bytes:
    """Send a request to a peer; any status other than the expected one counts as a refusal."""
    handler = urllib.request.ProxyHandler({"http": proxy} if proxy else {})
    request = urllib.request.Request(url, headers=_pairs(headers))  # noqa: S310 plain HTTP
    try:
        with urllib.request.build_opener(handler).open(request, timeout=LIMIT) as response:
            status, body = response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read()
    if status != expect:
        raise Refused(f"{url}: {status}, not {expect}")
    return bytes(body)


def _pairs(headers: tuple[str, ...]) -> Mapping[str, str]:
    return dict(zip(headers[::2], headers[1::2], strict=True))


def check_key(url: str, header: str, value: str, *, expect: int = 200) -> None:
    """Check that a peer accepts this key and no other."""
    ask(url, header, value, expect=expect)
    ask(url, header, value[:-1] + ("x" if value[-1] != "x" else "y"), expect=401)


def check_folder(folder: str) -> None:
    """Check that a file written to the folder can be read back."""
    path = Path(folder) / f".standin-{os.uname().nodename}"
    path.write_text("written")
    if path.read_text() != "written":
        raise Refused(f"{folder} does not keep what is written")
    path.unlink()


def check_shared(name: str) -> None:
    """Check that a secret has the same value in every container."""
    found = hashlib.sha256(need(name).encode()).hexdigest()
    client = cache()
    client.setnx(f"standin:{name}", found)
    known = client.get(f"standin:{name}")
    if not isinstance(known, bytes) or known.decode() != found:
        raise Refused(f"{name} is not the same in all containers")


def check_agent_key(name: str) -> None:
    """Check that the key is unpadded Base64url of exactly 32 bytes."""
    value = need(name)
    if len(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))) != 32:
        raise Refused(f"{name} is not of 32 bytes")
