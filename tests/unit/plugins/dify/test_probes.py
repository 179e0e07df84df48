"""The probes that check whether Dify works: which probes exist, and what each does in its container."""

from __future__ import annotations

import http.server
import json
import os
import queue
import re
import socket
import ssl
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bundler_dify.site import probe
from bundler_installer.probes import check_probes
from tests.support import dify
from tests.support.site_certificates import write_pair

SOURCE = Path(probe.__file__).read_text()
Reply = tuple[int, object]
Answer = Callable[[str, str, dict[str, Any], dict[str, str]], Reply]


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve HTTP answers chosen by method, path, body and headers; yield the URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.loads(content) if content else {}
            status, reply = answer(self.command, self.path, body, dict(self.headers))
            data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


class Work:
    """Runs a probe with the given variables."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        # Many sites set proxies; Dify's internal requests must bypass them.
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")

    def __call__(self, name: str, **variables: str) -> tuple[int, str]:
        for variable, value in variables.items():
            self._monkeypatch.setenv(variable, value)
        status = probe.main([name])
        said = self._capsys.readouterr().out.strip()
        assert bool(status) == bool(said)
        assert "\n" not in said
        return status, said


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Work:
    return Work(monkeypatch, capsys)


# ---------------------------------------------------------------- the set of probes


@pytest.mark.parametrize("name", dify.MATRIX)
def test_every_probe_has_what_it_needs(name: str) -> None:
    """Its service has every variable that the probe requires."""
    made = dify.model(dify.MATRIX[name])
    check_probes(made)
    found = {one.id: one for one in made.probes}
    assert found.keys() - {"mail"} == {"sandbox", "queues", "beat", "plugins", "storage", "vectors"}
    assert ("mail" in found) == ("smtp" in dify.MATRIX[name])
    for one in found.values():
        assert one.command == ("python3", "-", one.id)
        assert one.id in probe.WORK
    told = made.compose["services"]["api"]["environment"]
    functions: list[Callable[..., object]] = [probe.run_snippet, probe.list_plugins]
    functions.append(probe.STORES[told["VECTOR_STORE"]])
    if "mail" in found:
        functions.append(probe.greet_mail_server)
    names = {word for function in functions for word in read_by(function)}
    names |= {"STORAGE_TYPE", "VECTOR_STORE"}
    names |= set(read_by(probe.store_object)) if told["STORAGE_TYPE"] == "s3" else {"OPENDAL_FS_ROOT"}
    assert names - told.keys() == set()


def read_by(function: Callable[..., object]) -> list[str]:
    """Return the variables that a function of the script requires."""
    start = SOURCE.index(f"def {function.__name__}(")
    end = SOURCE.find("\ndef ", start)
    return re.findall(r'os\.environ\["([A-Z0-9_]+)"\]', SOURCE[start:end])


def test_every_task_has_a_probe() -> None:
    assert {one.id for one in dify.model(dify.MATRIX["external servers"]).probes} == set(probe.WORK)


def test_texts_are_in_both_languages() -> None:
    for one in dify.model(dify.MATRIX["external servers"]).probes:
        assert re.search("[\u4e00-\u9fff]", one.title.get("zh") or "")
        assert re.search("[\u4e00-\u9fff]", one.remedy.get("zh") or "")
        assert one.title.en.isascii()
        assert one.remedy.en.isascii()


def test_an_unknown_task_is_refused(work: Work) -> None:
    assert work("dance")[0] == 1


# ---------------------------------------------------------------- sandbox, plugins


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"code": 0, "data": {"stdout": "42\n", "error": ""}}, ""),
        ({"code": -400, "message": "network is disabled", "data": None}, "says -400: network is disabled"),
        ({"code": 0, "data": {"error": "exit status 127", "stdout": ""}}, "says 0: exit status 127"),
        ({"code": 0, "data": {"stdout": ""}}, "the sandbox ran the snippet, but it printed ''"),
        (b"<html>", "is no JSON"),
    ],
)  # fmt: skip
def test_probe_of_the_sandbox(reply: object, said: str, work: Work) -> None:
    def answer(method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        assert (method, path) == ("POST", "/v1/sandbox/run")
        assert body.keys() == {"language", "code", "preload", "enable_network"}
        assert body["enable_network"] is True
        return (200, reply) if headers["X-Api-Key"] == "key" else (401, {})

    with serving(answer) as url:
        variables = {"CODE_EXECUTION_ENDPOINT": url + "/", "CODE_EXECUTION_API_KEY": "key"}
        assert said in work("sandbox", **variables)[1]
        assert work("sandbox", **variables)[0] == (1 if said else 0)
        assert "401" in work("sandbox", CODE_EXECUTION_API_KEY="other")[1]


def test_an_unreachable_server_fails(work: Work) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    status, said = work("sandbox", CODE_EXECUTION_ENDPOINT=url, CODE_EXECUTION_API_KEY="key")
    assert status == 1
    assert "refused" in said


def test_plugins(work: Work) -> None:
    replies: list[object] = [
        {"code": 0, "message": "success", "data": {"list": [], "total": 0}},
        {"code": -500, "message": "no database", "data": None},
        {"code": 0, "message": "success", "data": None},
    ]

    def answer(method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        assert re.match(r"/plugin/[0-9a-f-]{36}/management/list\?page=1&page_size=1&", path)
        assert headers["X-Api-Key"] == "key"
        return 200, replies.pop(0)

    with serving(answer) as url:
        variables = {"PLUGIN_DAEMON_URL": url, "PLUGIN_DAEMON_KEY": "key"}
        assert work("plugins", **variables) == (0, "")
        assert work("plugins", **variables) == (1, "the plugin daemon says -500: no database")
        assert work("plugins", **variables)[0] == 1


# ---------------------------------------------------------------- queues, beat


class Celery:
    """The part of a Celery application that probes use."""

    def __init__(self, taken: dict[str, list[str]], *, works: bool = True, busy: bool = False) -> None:
        self.control = self
        self.queue = self
        self.taken, self.works, self.busy = taken, works, busy
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.acknowledged = self.deleted = 0

    def inspect(self, *, timeout: float, limit: int) -> Celery:
        return self

    def active_queues(self) -> dict[str, list[dict[str, str]]] | None:
        return {name: [{"name": one} for one in taken] for name, taken in self.taken.items()} or None

    def active(self) -> dict[str, list[object]]:
        return {"celery@a": [{"id": "1"}] if self.busy else []}

    def signature(self, task: str, **options: str) -> dict[str, str]:
        return {"task": task, **options}

    def send_task(self, name: str, **options: Any) -> None:  # noqa: ANN401 as Celery has it
        self.sent.append((name, options))

    @contextmanager
    def connection_or_acquire(self) -> Iterator[Celery]:
        yield self

    @contextmanager
    def SimpleQueue(self, name: str) -> Iterator[Celery]:  # noqa: N802 kombu's name
        yield self

    def get(self, *, timeout: float) -> Celery:
        if not self.works:
            raise queue.Empty
        return self

    def ack(self) -> None:
        self.acknowledged += 1

    def delete(self) -> None:
        self.deleted += 1


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Celery, str], None]:
    """Return a function that simulates a container with a worker of this command line and its application."""

    def make(celery: Celery, line: str) -> None:
        (tmp_path / "1").mkdir(exist_ok=True)
        (tmp_path / "1/cmdline").write_bytes(line.replace(" ", "\0").encode() + b"\0")
        monkeypatch.setattr(probe, "PROCESSES", tmp_path)
        module = types.SimpleNamespace(celery=celery)
        monkeypatch.setitem(sys.modules, "celery_healthcheck", module)

    return make


LINE = "/venv/bin/python /venv/bin/celery -A celery_entrypoint.celery worker -P gevent -c 1 -Q {}"


def test_queues(work: Work, container: Callable[[Celery, str], None]) -> None:
    celery = Celery({"celery@a": ["mail", "dataset"]})
    container(celery, LINE.format("dataset,mail") + " --prefetch-multiplier=1")
    assert work("queues") == (0, "")
    ((name, options),) = celery.sent
    assert (name, options["queue"], options["kwargs"]) == ("celery.accumulate", "dataset", {"index": 0})
    assert options["link"]["queue"] == options["args"][0]
    assert options["expires"] <= 3
    assert (celery.acknowledged, celery.deleted) == (1, 1)


@pytest.mark.parametrize(
    ("celery", "line", "said"),
    [
        (Celery({}), LINE.format("a"), "no worker answers by way of the broker"),
        (Celery({"w": ["a"]}), LINE.format("a,c,b"), "no worker takes tasks from: b, c"),
        (Celery({"w": ["a"]}), "python -m gunicorn", "no worker with queues runs in this container"),
        (Celery({"w": ["a"]}, works=False), LINE.format("a"), "a worker takes tasks from a, but does none"),
        (Celery({"w": ["a"]}, works=False, busy=True), LINE.format("a"), ""),
        (Celery({"w": ["a"]}), f"[celeryd: w] ({LINE.format('a')})", ""),
    ],
)
def test_queues_without_a_worker(
    celery: Celery, line: str, said: str, work: Work, container: Callable[[Celery, str], None]
) -> None:
    container(celery, line)
    assert work("queues") == (1 if said else 0, said)
    assert celery.deleted == len(celery.sent)


def test_the_clock(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert work("beat") == (1, "beat has not written its schedule")
    for name in ("celerybeat-schedule", "celerybeat-schedule.db"):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (time.time() - 10_000,) * 2)
    assert "beat wrote its schedule 10000 s ago" in work("beat")[1]
    (tmp_path / "celerybeat-schedule.db").touch()
    assert work("beat") == (0, "")


# ---------------------------------------------------------------- files


def test_a_file(work: Work, tmp_path: Path) -> None:
    variables = {"STORAGE_TYPE": "opendal", "OPENDAL_FS_ROOT": str(tmp_path)}
    assert work("storage", **variables) == (0, "")
    assert list(tmp_path.iterdir()) == []
    status, said = work("storage", OPENDAL_FS_ROOT=str(tmp_path / "none"))
    assert (status, said.startswith("FileNotFoundError")) == (1, True)


class Bucket:
    """A client of boto3 with one bucket."""

    def __init__(self, *, honest: bool = True) -> None:
        self.honest = honest
        self.objects: dict[str, bytes] = {}
        self.options: dict[str, Any] = {}

    def client(self, service: str, **options: Any) -> Bucket:  # noqa: ANN401 as boto3 has it
        assert service == "s3"
        self.options = options
        return self

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803 boto3's names
        assert Bucket == "dify"
        self.objects[Key] = Body

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 likewise
        content = self.objects[Key] if self.honest else b"old"
        return {"Body": types.SimpleNamespace(read=lambda: content)}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803 likewise
        del self.objects[Key]


@pytest.mark.parametrize("honest", [True, False])
def test_an_object(honest: bool, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket(honest=honest)
    config = types.SimpleNamespace(Config=lambda **said: said)
    monkeypatch.setitem(sys.modules, "boto3", bucket)
    monkeypatch.setitem(sys.modules, "botocore", types.ModuleType("botocore"))
    monkeypatch.setitem(sys.modules, "botocore.client", config)
    status, _ = work(
        "storage", STORAGE_TYPE="s3", S3_ENDPOINT="http://s3:9000", S3_BUCKET_NAME="dify", S3_REGION="r",
        S3_ACCESS_KEY="a", S3_SECRET_KEY="s", S3_ADDRESS_STYLE="path",
    )  # fmt: skip
    assert status == (0 if honest else 1)
    assert bucket.objects == {}
    assert bucket.options["config"]["s3"] == {"addressing_style": "path"}
    assert bucket.options["aws_secret_access_key"] == "s"


# ---------------------------------------------------------------- mail


@contextmanager
def mail_server(
    ehlo: bytes, context: ssl.SSLContext | None, *, upgrades: bool
) -> Iterator[tuple[int, list[bytes]]]:
    """Serve one SMTP connection; yield the port and the received lines."""
    heard: list[bytes] = []

    def talk() -> None:
        plain, _ = server.accept()
        with plain:
            wire: socket.socket = plain
            if context and not upgrades:
                wire = context.wrap_socket(plain, server_side=True)
            wire.sendall(b"220 relay\r\n")
            while line := read_line(wire):
                heard.append(line.upper())
                if heard[-1].startswith(b"EHLO"):
                    wire.sendall(ehlo)
                elif heard[-1] == b"STARTTLS" and context:
                    wire.sendall(b"220 go on\r\n")
                    wire = context.wrap_socket(wire, server_side=True)
                else:
                    wire.sendall(b"221 bye\r\n")
            wire.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=talk)
        thread.start()
        yield server.getsockname()[1], heard
        thread.join()


def read_line(wire: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\r\n"):
        try:
            byte = wire.recv(1)
        except OSError:
            return b""
        if not byte:
            return b""
        line += byte
    return line.strip()


@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
def test_mail(security: str, work: Work, tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    ehlo = b"250-relay\r\n250 STARTTLS\r\n"
    told = dify.model({"smtp": {"security": security}}).compose["services"]["api"]["environment"]
    variables = {name: told[name] for name in ("SMTP_USE_TLS", "SMTP_OPPORTUNISTIC_TLS")}
    used = None if security == "none" else context
    with mail_server(ehlo, used, upgrades=security == "starttls") as (port, heard):
        assert work("mail", SMTP_SERVER="127.0.0.1", SMTP_PORT=str(port), **variables) == (0, "")
    greetings = 2 if security == "starttls" else 1
    assert heard.count(b"EHLO [127.0.0.1]") == greetings
    assert (b"STARTTLS" in heard) == (security == "starttls")
    assert not [line for line in heard if line.startswith((b"MAIL", b"AUTH"))]


def test_mail_that_is_refused(work: Work) -> None:
    variables = {"SMTP_SERVER": "127.0.0.1", "SMTP_USE_TLS": "false", "SMTP_OPPORTUNISTIC_TLS": "false"}
    with mail_server(b"554 go away\r\n", None, upgrades=False) as (port, _):
        assert "refuses EHLO: 554 go away" in work("mail", SMTP_PORT=str(port), **variables)[1]
    assert "Refused" in work("mail", SMTP_PORT=str(closed_port()), **variables)[1]


# ---------------------------------------------------------------- vectors


@pytest.mark.parametrize("finds", [True, False])
def test_weaviate(finds: bool, work: Work) -> None:
    old, young = (f"{probe.PREFIX}{int(time.time()) - age}x0123abcd" for age in (700, 0))
    classes = {"Vector_index_1_Node", probe.PREFIX, old, young}
    kept: list[dict[str, Any]] = []

    def answer(method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        assert headers["Authorization"] == "Bearer key"
        if (method, path) == ("GET", "/v1/schema"):
            return 200, {"classes": [{"class": name} for name in sorted(classes)]}
        if (method, path) == ("POST", "/v1/schema"):
            assert body["vectorizer"] == "none"
            classes.add(body["class"])
            return 200, body
        if method == "DELETE":
            classes.remove(path.removeprefix("/v1/schema/"))
            return 200, b""
        if path == "/v1/objects":
            assert body["class"] in classes
            kept.append(body)
            return 200, body
        name = kept[0]["class"]
        assert body["query"] == (
            f"{{Get{{{name}(nearVector:{{vector:[0.25, 0.5, 0.75]}},limit:1){{_additional{{id}}}}}}}}"
        )
        found = [{"_additional": {"id": kept[0]["id"]}}] if finds else []
        return 200, {"data": {"Get": {name: found}}}

    with serving(answer) as url:
        variables = {"VECTOR_STORE": "weaviate", "WEAVIATE_ENDPOINT": url, "WEAVIATE_API_KEY": "key"}
        status, said = work("vectors", **variables)
    assert (status, "does not find" in said) == (0 if finds else 1, not finds)
    assert classes == {"Vector_index_1_Node", probe.PREFIX, young}


def test_weaviate_that_refuses_writes(work: Work) -> None:
    deleted = []

    def answer(method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        if method == "DELETE":
            deleted.append(path)
        if path == "/v1/objects":
            return 500, {"error": [{"message": "store is read-only"}]}
        return 200, {"classes": None}

    with serving(answer) as url:
        variables = {"VECTOR_STORE": "weaviate", "WEAVIATE_ENDPOINT": url, "WEAVIATE_API_KEY": "key"}
        status, said = work("vectors", **variables)
    assert (status, "500" in said, "read-only" in said) == (1, True, True)
    assert len(deleted) == 1


@pytest.mark.parametrize("finds", [True, False])
def test_qdrant(finds: bool, work: Work) -> None:
    old = f"{probe.PREFIX}{int(time.time()) - 700}x0123abcd"
    collections = {"Vector_index_1_Node", old}
    points: list[dict[str, Any]] = []

    def answer(method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        assert {name.lower(): value for name, value in headers.items()}["api-key"] == "key"
        name = path.split("/")[2] if path.count("/") > 1 else ""
        if method == "GET":
            return 200, {"result": {"collections": [{"name": one} for one in sorted(collections)]}}
        if method == "DELETE":
            collections.remove(name)
        elif path.endswith("/points?wait=true"):
            points.extend(body["points"])
        elif path.endswith("/points/search"):
            assert (name in collections, body["limit"]) == (True, 1)
            return 200, {"result": [{"id": point["id"]} for point in points if finds]}
        else:
            assert body["vectors"] == {"size": 3, "distance": "Cosine"}
            collections.add(name)
        return 200, {"result": True}

    with serving(answer) as url:
        variables = {"VECTOR_STORE": "qdrant", "QDRANT_URL": url, "QDRANT_API_KEY": "key"}
        status, said = work("vectors", **variables)
    assert (status, "does not find" in said) == (0 if finds else 1, not finds)
    assert collections == {"Vector_index_1_Node"}


class Postgres:
    """A connection of psycopg2, and its cursor."""

    def __init__(self, rows: list[tuple[int]]) -> None:
        self.rows = rows
        self.done: list[str] = []

    def connect(self, **options: object) -> Postgres:
        assert options["host"] == "db"
        return self

    def cursor(self) -> Postgres:
        return self

    def execute(self, statement: str, values: tuple[str, ...] = ()) -> None:
        self.done.append(statement.split(maxsplit=1)[0])
        assert statement.count("%s") == len(values)

    def fetchall(self) -> list[tuple[int]]:
        return self.rows

    def rollback(self) -> None:
        self.done.append("rollback")

    def close(self) -> None:
        self.done.append("close")


@pytest.mark.parametrize("finds", [True, False])
def test_pgvector(finds: bool, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe rolls back its changes."""
    server = Postgres([(42,)] if finds else [(1,)])
    monkeypatch.setitem(sys.modules, "psycopg2", server)
    status, _ = work(
        "vectors", VECTOR_STORE="pgvector", PGVECTOR_HOST="db", PGVECTOR_PORT="5432", PGVECTOR_USER="dify",
        PGVECTOR_PASSWORD="p", PGVECTOR_DATABASE="dify",
    )  # fmt: skip
    assert status == (0 if finds else 1)
    assert server.done == ["SET", "CREATE", "CREATE", "INSERT", "SELECT", "rollback", "close"]


@pytest.mark.parametrize(("code", "status"), [(0, 0), (65535, 1)])
def test_milvus(code: int, status: int, work: Work) -> None:
    def answer(method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        assert (method, path) == ("POST", "/v2/vectordb/collections/list")
        assert headers["Authorization"] == "Bearer root:p"
        return 200, {"code": code, "message": "not ready", "data": []}

    with serving(answer) as url:
        variables = {"MILVUS_URI": url, "MILVUS_USER": "root", "MILVUS_PASSWORD": "p"}
        assert work("vectors", VECTOR_STORE="milvus", **variables)[0] == status


@pytest.mark.parametrize(("status", "said"), [(404, ""), (200, ""), (401, "401"), (503, "503")])
@pytest.mark.parametrize("store", ["elasticsearch", "opensearch"])
def test_search_engines(store: str, status: int, said: str, work: Work) -> None:
    """The probe sends the same request as Dify does before it creates an index."""

    def answer(method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        assert (method, path) == ("HEAD", "/vector_index_bundle_probe_none")
        assert headers["Authorization"] == "Basic dTpw"
        return status, b""

    with serving(answer) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        prefix = store.upper()
        user = "USERNAME" if store == "elasticsearch" else "USER"
        variables = {
            "HOST": host,
            "PORT": port,
            user: "u",
            "PASSWORD": "p",
            "SECURE": "false",
            "VERIFY_CERTS": "true",
        }
        found = work(
            "vectors", VECTOR_STORE=store, **{f"{prefix}_{key}": value for key, value in variables.items()}
        )
    assert (found[0], said in found[1]) == (1 if said else 0, True)


@pytest.mark.parametrize(("checked", "status"), [("true", 1), ("false", 0)])
def test_opensearch_in_tls(checked: str, status: int, work: Work, tmp_path: Path) -> None:
    """The bundled server has an untrusted self-signed certificate; a site's own server must be trusted."""
    certificate, key = write_pair(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(lambda *_: (404, b""), context) as url:
        port = url.rpartition(":")[2]
        found = work(
            "vectors", VECTOR_STORE="opensearch", OPENSEARCH_HOST="127.0.0.1", OPENSEARCH_PORT=port,
            OPENSEARCH_USER="u", OPENSEARCH_PASSWORD="p", OPENSEARCH_SECURE="true",
            OPENSEARCH_VERIFY_CERTS=checked,
        )  # fmt: skip
    assert found[0] == status, found[1]
    assert ("certificate" in found[1].lower()) == bool(status)
