"""The rendered gateway configuration in a real nginx."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support import dify
from tests.support.programs import free_port, need_program, need_root, run

pytestmark = pytest.mark.peer

NAME = "dify.bank.example"
UPSTREAMS = ("api:5001", "api_websocket:5001", "plugin_daemon:5002", "web:3000")
ROUTES = {
    "/console/api/apps": "api:5001",
    "/console/api/login": "api:5001",
    "/console/api/setup": "api:5001",
    "/api/site": "api:5001",
    "/v1/chat-messages": "api:5001",
    "/openapi/x": "api:5001",
    "/files/1/preview?sign=secret": "api:5001",
    "/mcp/server": "api:5001",
    "/triggers/plugin": "api:5001",
    "/socket.io/?EIO=4": "api_websocket:5001",
    "/e/hook/path?x=1": "plugin_daemon:5002",
    "/": "web:3000",
    "/explore/apps": "web:3000",
    "/install": "web:3000",
    "/apifoo": "web:3000",
    "/v1beta": "web:3000",
}


# ---------------------------------------------------------------- checks by nginx -t


def site_file(text: str, folder: Path, **more: str) -> str:
    """Fill in a template as the site does, with this machine's folders."""
    values = {"SERVER_NAME": NAME, "HTTP_PORT": "80", "HTTPS_PORT": "443", "PUBLIC_PORT": "443", **more}
    filled = dify.fill(text, values)
    return filled.replace("/tmp/", f"{folder}/").replace("/etc/nginx/tls", str(folder))  # noqa: S108


def make_certificate(folder: Path) -> None:
    run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
        "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", folder / "tls.key", "-out", folder / "tls.crt",
    )  # fmt: skip


@pytest.mark.parametrize("case", [*sorted(dify.MATRIX), *dify.NAMES])
def test_nginx_accepts_it(case: str, tmp_path: Path) -> None:
    nginx = need_program("nginx", "nginx-light")
    make_certificate(tmp_path)
    application = dify.profile_model(case) if case in dify.NAMES else dify.model(dify.MATRIX[case])
    need_root()
    cluster = application.in_cluster if case in {"hardened", *dify.NAMES} else None
    for each in filter(None, (application, cluster)):
        text = site_file(dify.content(each, "nginx/nginx.conf"), tmp_path)
        # In a cluster, nginx looks the others up when it starts.
        text = re.sub(r"proxy_pass http://\w+", "proxy_pass http://127.0.0.1", text)
        (tmp_path / "nginx.conf").write_text(text)
        result = subprocess.run(  # nginx -t binds the ports, which other tests expect to be free
            ["unshare", "--net", nginx, "-t", "-c", tmp_path / "nginx.conf"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert "[warn]" not in result.stderr


# ---------------------------------------------------------------- the running gateway


class Upstream(ThreadingHTTPServer):
    """Upstream server that answers with its own name and the request it received."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, name: str, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.name = name
        super().__init__(address, Answer)
        self.port = int(self.server_address[1])
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    """Handler for the requests to an upstream."""

    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_GET(self) -> None:
        if self.path.startswith("/api/stream"):
            self.stream()
            return
        if self.headers.get("Upgrade") == "websocket":
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.wfile.write(b"hello")
            self.close_connection = True
            return
        body = json.dumps(
            {"name": self.server.name, "path": self.path, "headers": dict(self.headers)}
        ).encode()
        self.send_response(200)
        self.send_header("X-Powered-By", "somebody")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        self.rfile.read(size)
        self.do_GET()

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for number in range(3):
            self.wfile.write(f"data: {number}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.4)

    def log_message(self, *_: object) -> None:
        pass


class Gateway:
    """Running nginx."""

    def __init__(self, folder: Path, http_port: int, https_port: int, inner: int, log: Path) -> None:
        self.folder = folder
        self.http_port = http_port
        self.https_port = https_port
        self.inner = inner
        self.log = log
        self._open: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        for connection in self._open:
            connection.close()

    def plain(self, port: int) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._open.append(connection)
        return connection

    def connection(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.folder / "tls.crt"))
        connection = http.client.HTTPSConnection(NAME, self.https_port, context=context, timeout=20)
        create = connection._create_connection  # type: ignore[attr-defined]  # noqa: SLF001 no DNS here
        connection._create_connection = (  # type: ignore[attr-defined]  # noqa: SLF001
            lambda address, *rest, **more: create(("127.0.0.1", address[1]), *rest, **more)
        )
        self._open.append(connection)
        return connection

    def get(self, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self.connection()
        connection.request("GET", path, headers={"Host": f"{NAME}:{self.https_port}", **headers})
        response = connection.getresponse()
        return response, response.read()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Return a function that starts nginx with the given settings."""
    with start_gateways(tmp_path) as start:
        yield start


@contextmanager
def start_gateways(folder: Path) -> Iterator[Callable[..., Gateway]]:
    need_root()
    nginx = need_program("nginx", "nginx-light")

    upstreams = [Upstream(name) for name in UPSTREAMS]
    running: list[subprocess.Popen[bytes]] = []
    gateways: list[Gateway] = []
    folder.chmod(0o755)
    make_certificate(folder)

    def start(values: dict[str, Any]) -> Gateway:
        http_port, https_port, inner = free_port(), free_port(), free_port()
        text = dify.content(dify.model(values), "nginx/nginx.conf")
        text = site_file(text, folder, HTTP_PORT=str(http_port), HTTPS_PORT=str(https_port))
        log = folder / "access.log"
        changes = {
            "listen 80": f"listen 127.0.0.1:{http_port}",
            "listen 443": f"listen 127.0.0.1:{https_port}",
            "listen 127.0.0.1:8080": f"listen 127.0.0.1:{inner}",
            "/dev/stdout": str(log),
            "/dev/stderr": str(folder / "error.log"),
        } | {f"http://{u.name};": f"http://127.0.0.1:{u.port};" for u in upstreams}
        for old, new in changes.items():
            text = text.replace(old, new)
        (folder / "nginx.conf").write_text(text)
        process = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf"), "-g", "daemon off;"])
        running.append(process)
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, (folder / "error.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", inner), timeout=5).close()
            except OSError:
                assert time.monotonic() < deadline, (folder / "error.log").read_text()
                time.sleep(0.05)
            else:
                gateways.append(Gateway(folder, http_port, https_port, inner, log))
                return gateways[-1]

    try:
        yield start
    finally:
        for one in gateways:
            one.close()
        for process in running:
            process.terminate()
            process.wait()
        for upstream in upstreams:
            upstream.shutdown()
            upstream.server_close()


def test_every_path_is_answered_by_the_right_service(gateway: Callable[..., Gateway]) -> None:
    one = gateway({})
    for path, service in ROUTES.items():
        response, body = one.get(path)
        answer = json.loads(body)
        assert (response.status, answer["name"], answer["path"]) == (200, service, path)
        headers = answer["headers"]
        assert headers["X-Forwarded-Proto"] == "https"
        assert headers["X-Forwarded-For"] == "127.0.0.1"
        assert headers["Host"] == f"{NAME}:{one.https_port}"
    _, body = one.get("/e/hook/path?x=1")
    hook = json.loads(body)["headers"]["Dify-Hook-Url"]
    assert hook == f"https://{NAME}:{one.https_port}/e/hook/path?x=1"


def test_a_client_cannot_say_that_it_is_another(gateway: Callable[..., Gateway]) -> None:
    forged = dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP"), "10.9.9.9")
    _, body = gateway({}).get("/api/x", **forged)
    headers = json.loads(body)["headers"]
    assert (headers["X-Forwarded-For"], headers["X-Real-IP"]) == ("127.0.0.1", "127.0.0.1")
    # Dify trusts this header first, so the gateway drops it.
    assert "CF-Connecting-IP" not in headers


def test_http_is_sent_to_https_of_this_server(gateway: Callable[..., Gateway]) -> None:
    one = gateway({})
    connection = one.plain(one.http_port)
    connection.request("GET", "/apps?x=1", headers={"Host": "evil.example"})
    response = connection.getresponse()
    assert response.status == 301
    assert response.headers["Location"] == f"https://{NAME}:{one.https_port}/apps?x=1"


def test_a_usual_port_is_left_out(tmp_path: Path) -> None:
    text = site_file(dify.content(dify.model({}), "nginx/nginx.conf"), tmp_path)
    assert re.search(r'map 443 \$https_port_suffix \{\s+443 "";', text)


def test_answers_carry_security_headers(gateway: Callable[..., Gateway]) -> None:
    response, _ = gateway({}).get("/")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert response.headers["Server"] == "nginx"
    assert "X-Powered-By" not in response.headers


def test_events_are_not_buffered(gateway: Callable[..., Gateway]) -> None:
    connection = gateway({}).connection()
    connection.request("GET", "/api/stream")
    response = connection.getresponse()
    started, times = time.monotonic(), []
    while line := response.readline():
        if line.startswith(b"data"):
            times.append(time.monotonic() - started)
    assert len(times) == 3
    assert times[2] - times[0] > 0.5


def test_web_sockets_come_through(gateway: Callable[..., Gateway]) -> None:
    one = gateway({})
    connection = one.connection()
    connection.connect()
    connection.sock.sendall(
        f"GET /socket.io/?transport=websocket HTTP/1.1\r\nHost: {NAME}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n".encode()
    )
    received = b""
    while b"hello" not in received and (part := connection.sock.recv(4096)):
        received += part
    assert received.startswith(b"HTTP/1.1 101")
    assert received.endswith(b"hello")
    connection.close()


def test_password_guessing_is_slowed_down(gateway: Callable[..., Gateway]) -> None:
    one = gateway({"gateway": {"rate_limits": {"sign_in_per_minute": 3}}})
    answers = [one.get("/console/api/login")[0].status for _ in range(8)]
    assert answers.count(200) in {4, 5}
    assert answers[-1] == 429
    assert one.get("/console/api/apps")[0].status == 200


def test_oversized_requests_are_refused_at_once(gateway: Callable[..., Gateway]) -> None:
    one = gateway({"uploads": {"plugin_mb": 1, "video_mb": 1, "audio_mb": 1, "image_mb": 1, "file_mb": 1}})
    for size, status in ((2**20, 200), (7 * 2**20, 413)):
        connection = one.connection()
        connection.putrequest("POST", "/console/api/files/upload")
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        if status == 200:
            connection.send(b"x" * size)
        assert connection.getresponse().status == status
        connection.close()


def test_other_names_are_dropped_where_that_is_wanted(gateway: Callable[..., Gateway]) -> None:
    one = gateway({"gateway": {"strict_host": True}})
    assert one.get("/")[0].status == 200
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    other = http.client.HTTPSConnection("127.0.0.1", one.https_port, context=context, timeout=5)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        other.request("GET", "/")


@pytest.mark.parametrize("strict", [False, True])
def test_old_tls_is_refused(strict: bool, gateway: Callable[..., Gateway]) -> None:
    one = gateway({"gateway": {"strict_host": strict}})
    context = ssl.create_default_context(cafile=str(one.folder / "tls.crt"))

    def spoken() -> str | None:
        with (
            socket.create_connection(("127.0.0.1", one.https_port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as secure,
        ):
            return secure.version()

    assert spoken() == "TLSv1.3"
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        spoken()


def test_the_audit_log_is_json_without_keys(gateway: Callable[..., Gateway]) -> None:
    one = gateway({})
    one.get("/files/1/preview?sign=secret", **{"User-Agent": 'a "quoted" \\ agent'})
    one.get("/console/api/apps", Authorization="Bearer secret", Cookie="access_token=secret")
    deadline = time.monotonic() + 60
    while (text := one.log.read_text()).count("\n") < 2:  # logged after the answer, by either of two workers
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    records = {record["path"]: record for record in map(json.loads, text.splitlines())}
    assert records.keys() == {"/files/1/preview", "/console/api/apps"}
    assert records["/files/1/preview"]["agent"] == 'a "quoted" \\ agent'
    assert records["/files/1/preview"]["tls"] == "TLSv1.3"
    assert "secret" not in text


def test_the_health_check_asks_the_api_and_nothing_else(gateway: Callable[..., Gateway]) -> None:
    one = gateway({"gateway": {"rate_limits": {"sign_in_per_minute": 1}}})
    for _ in range(5):
        connection = one.plain(one.inner)
        connection.request("GET", "/console/api/setup")
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["name"]) == (200, "api:5001")
    connection.request("GET", "/console/api/apps")
    assert connection.getresponse().status == 404
