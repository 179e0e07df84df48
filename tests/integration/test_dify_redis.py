"""Redis with TLS, with Sentinel and as a cluster: Dify's clients with the rendered settings, real servers."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from bundler_dify.connections import CA_FILE
from tests.support import dify
from tests.support.certificates import Authority
from tests.support.programs import need_module, need_program, run

CLIENTS = Path(__file__).parents[1] / "support/redis_clients.py"
PASSWORD = secrets.token_urlsafe(24)
LOCAL = secrets.token_urlsafe(24)
"""Password of the bundled Redis beside a cluster."""


def free_port() -> int:
    """Return a free port below 55000: a cluster also uses the port 10000 above."""
    while True:
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port: int = taken.getsockname()[1]
        if port < 55_000:
            return port


@contextmanager
def redis(folder: Path, port: int, *options: str, plain: int | None = None) -> Iterator[None]:
    """Run a Redis server and wait until it listens; `plain` is its port without TLS, 0 for none."""
    folder.mkdir(parents=True)
    program = need_program("redis-server")
    clear = str(port if plain is None else plain)
    command = [program, *options, "--port", clear, "--bind", "127.0.0.1", "--dir", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                break
        yield
    finally:
        process.terminate()
        process.wait()


def told(case: str, answers: dict[str, str]) -> dict[str, str]:
    """Return the API's Redis variables with the site's answers; the bundled Redis gets the test's address."""
    rendered = dify.environment(dify.model(dify.MATRIX[case]), "api")
    return {
        name: dify.fill(value, answers).replace("@redis:6379/", f"@127.0.0.1:{answers.get('local')}/")
        for name, value in rendered.items()
        if name.startswith(("REDIS_", "CELERY_"))
    }


def reach(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Connect with the API's client and with the queue's."""
    need_module("kombu")
    return subprocess.run(
        [sys.executable, "-P", CLIENTS],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def keys(port: int, database: int, password: str) -> list[str]:
    """Return the keys in a server's database."""
    command = ("redis-cli", "-p", str(port), "-n", str(database), "KEYS", "*")
    return run(*command, env={"REDISCLI_AUTH": password, "PATH": "/usr/bin:/bin"}).split()


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run a master with a password and three sentinels without; yield the site's answers for them."""
    with ExitStack() as stack:
        master = free_port()
        stack.enter_context(redis(tmp_path / "master", master, "--requirepass", PASSWORD, "--save", ""))
        answers = {
            "REDIS_SENTINEL_SERVICE_NAME": "bank",
            "REDIS_SENTINEL_PASSWORD": "",
            "REDIS_USERNAME": "",
            "REDIS_PASSWORD": PASSWORD,
            "master": str(master),
        }
        for index in (1, 2, 3):
            port = free_port()
            config = tmp_path / f"sentinel{index}.conf"
            config.write_text(
                f"sentinel monitor bank 127.0.0.1 {master} 2\nsentinel auth-pass bank {PASSWORD}\n"
            )
            stack.enter_context(redis(tmp_path / f"s{index}", port, str(config), "--sentinel"))
            answers[f"REDIS_SENTINEL_{index}"] = f"127.0.0.1:{port}"
        yield answers


def test_the_master_is_found_by_the_sentinels(sentinel: dict[str, str]) -> None:
    environment = told("sentinel", sentinel)
    done = reach(environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"read": "value", "queue": {"task": 1}}
    master = int(sentinel["master"])
    assert "standin:session" in keys(master, 0, PASSWORD)
    assert any("dataset" in key for key in keys(master, 1, PASSWORD))
    # A sentinel that is down is skipped; a wrong password is an error.
    gone = {
        name: value.replace(sentinel["REDIS_SENTINEL_1"], "127.0.0.1:1")
        for name, value in environment.items()
    }
    assert reach(gone).returncode == 0
    wrong = reach(told("sentinel", sentinel | {"REDIS_PASSWORD": "another"}))
    assert wrong.returncode != 0
    assert "invalid username-password pair" in wrong.stderr


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run three masters that share all slots, and the bundled Redis; yield the site's answers for them."""
    with ExitStack() as stack:
        ports = [free_port() for _ in range(3)]
        for port in ports:
            options = ("--cluster-enabled", "yes", "--requirepass", PASSWORD, "--save", "")
            stack.enter_context(redis(tmp_path / str(port), port, *options))
        nodes = [f"127.0.0.1:{port}" for port in ports]
        environment = {"REDISCLI_AUTH": PASSWORD, "PATH": "/usr/bin:/bin"}
        run("redis-cli", "--cluster", "create", *nodes, "--cluster-yes", env=environment)
        local = free_port()
        stack.enter_context(redis(tmp_path / "local", local, "--requirepass", LOCAL, "--save", ""))
        deadline = time.monotonic() + 30
        while "cluster_state:ok" not in run(
            "redis-cli", "-p", str(ports[2]), "CLUSTER", "INFO", env=environment
        ):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield {
            "REDIS_CLUSTERS": ",".join(nodes),
            "REDIS_CLUSTERS_PASSWORD": PASSWORD,
            "LOCAL_REDIS_PASSWORD": LOCAL,
            "local": str(local),
        }


def test_a_cluster_has_the_cache_and_the_bundled_redis_the_queue(cluster: dict[str, str]) -> None:
    done = reach(told("cluster", cluster))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"read": "value", "queue": {"task": 1}}
    ports = [int(node.partition(":")[2]) for node in cluster["REDIS_CLUSTERS"].split(",")]
    assert [key for port in ports for key in keys(port, 0, PASSWORD)] == ["standin:session"]
    assert any("dataset" in key for key in keys(int(cluster["local"]), 1, LOCAL))


def test_a_certificate_is_checked_by_the_cache_and_by_the_queue(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "authority")
    certificate, key = authority.issue("redis", "IP:127.0.0.1")
    port = free_port()
    tls = ("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    options = (*tls, "--tls-auth-clients", "no", "--requirepass", PASSWORD, "--save", "")
    answers = {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(port),
        "REDIS_USERNAME": "",
        "REDIS_PASSWORD": PASSWORD,
    }
    with redis(tmp_path / "server", port, *options, plain=0):
        environment = told("external servers", answers)
        assert environment["REDIS_SSL_CA_CERTS"] == CA_FILE
        believed = environment | {"REDIS_SSL_CA_CERTS": str(authority.certificate)}
        done = reach(believed)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"read": "value", "queue": {"task": 1}}
        other = Authority.make(tmp_path / "other")
        refused = reach(environment | {"REDIS_SSL_CA_CERTS": str(other.certificate)})
        assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr
