"""The registry of a site: the real docker-registry, with TLS and logins, and what stands in front of it.

A stand-in for nothing but Harbor's API: its paths, methods and statuses are those of headProject and
createProject in goharbor/harbor, api/v2.0/swagger.yaml, version 2.0. Tokens are those of distribution's
specification of token authentication (auth/token, auth/jwt), and the real registry checks them.
"""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.certificates import Authority
from tests.support.programs import free_port, need_program, run

USER = "pusher"
PASSWORD = 'right-9!"\\ x'
"""With the characters that curl's configuration must quote."""
HTPASSWD = f"{USER}:$2b$04$gTG2fziS3dN3vDOpSmV1K.Qemkq51kbJ9ElCEaqNBfa7T2v0Dvo7e\n"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
LEEWAY = 60
"""Seconds for which docker-registry accepts a token that has expired."""


@dataclass
class SiteRegistry:
    """Debian's docker-registry on a free loopback port. Use it as a context manager.

    Attributes:
        folder: for its files.
        authority: issues its certificate; None for a registry without TLS.
        auth: the section `auth` of its configuration, YAML on one line.
    """

    folder: Path
    authority: Authority | None = None
    auth: str = ""
    host: str = field(init=False)

    def __enter__(self) -> Self:
        program = need_program("docker-registry")
        self.folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.host = f"127.0.0.1:{port}"
        tls = ""
        if self.authority:
            certificate, key = self.authority.issue("registry", "IP:127.0.0.1")
            tls = f", tls: {{certificate: {certificate}, key: {key}}}"
        (self.folder / "htpasswd").write_text(HTPASSWD)
        config = self.folder / "config.yml"
        config.write_text(
            "version: 0.1\nlog: {level: warn}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/storage}}}}\n"
            f"http: {{addr: '{self.host}', secret: tests{tls}}}\n"
            + (f"auth: {self.auth}\n" if self.auth else "")
        )
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 2).close()
            except OSError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def digest(self, reference: str, folder: Path, *, login: bool) -> str:
        """Pull `reference` by skopeo, which checks every blob, and return the digest of its manifest."""
        options = ["--src-tls-verify=false"]
        if self.authority:
            certificates = self.folder / "certificates"
            certificates.mkdir(exist_ok=True)
            (certificates / "ca.crt").write_bytes(self.authority.certificate.read_bytes())
            options = [f"--src-cert-dir={certificates}"]
        if login:
            options.append(f"--src-creds={USER}:{PASSWORD}")
        target = folder / f"pulled-{secrets.token_hex(4)}"
        run(need_program("skopeo"), "copy", "--quiet", *options, f"docker://{reference}", f"dir:{target}")
        return run(need_program("skopeo"), "manifest-digest", target / "manifest.json").strip()


def basic(folder: Path) -> str:
    """Return the section `auth` for names and passwords."""
    return f"{{htpasswd: {{realm: site, path: {folder / 'htpasswd'}}}}}"


@dataclass
class Tokens:
    """Issues tokens for a registry: RS256, with the certificate of the key in the token.

    Attributes:
        folder: for its certificate.
        service: the registry's name in tokens.
        lifetime: seconds for which the registry accepts a token.
        scopes: asked for, in order.
    """

    folder: Path
    service: str = "site"
    lifetime: float = 300
    scopes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tokens")])
        now, day = datetime.now(UTC), timedelta(days=1)
        number = x509.random_serial_number()
        made = x509.CertificateBuilder(name, name, self._key.public_key(), number, now - day, now + day)
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "tokens.crt").write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def auth(self, realm: str) -> str:
        """Return the section `auth` of the registry's configuration."""
        return (
            f"{{token: {{realm: '{realm}', service: {self.service}, issuer: tests, "
            f"rootcertbundle: {self.folder / 'tokens.crt'}}}}}"
        )

    def issue(self, query: str) -> bytes:
        """Return the answer to a request with this query: all that it asks for is granted."""
        asked = parse_qs(query).get("scope", [])
        assert parse_qs(query)["service"] == [self.service]
        self.scopes += asked
        access = []
        for scope in asked:
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        now = int(time.time())
        claims = {
            "iss": "tests", "sub": USER, "aud": self.service, "nbf": now - 5, "iat": now,
            "exp": int(now + self.lifetime - LEEWAY), "jti": secrets.token_hex(8), "access": access,
        }  # fmt: skip
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        text = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        signature = self._key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        token = (text + b"." + _encoded(signature)).decode()
        return json.dumps({"access_token": token, "token": token, "expires_in": 60}).encode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


@dataclass(frozen=True)
class Request:
    """A request that arrived; `authorization` is its header."""

    method: str
    path: str
    range: str | None
    authorization: str | None


Answer = tuple[int, dict[str, str], bytes]
Fault = Callable[["Front", Request], Answer | str | None]
"""What happens to a request: an answer, `cut` (half of the body is read), `lost` (the answer is), or None."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients are ended in the middle of requests."""


@dataclass
class Front:
    """A proxy in front of a registry, which reads a request whole before it sends it on, as nginx does.

    Attributes:
        registry: `host:port` behind it; empty for none.
        fault: decides what happens to each request.
        tokens: answers /service/token, with the login of `USER`.
        projects: Harbor's; None if it is not Harbor.
        makers: whether `USER` may create projects.
        seen: all requests, in order.
        context: makes it use TLS.
    """

    registry: str = ""
    fault: Fault = lambda _, __: None
    tokens: Tokens | None = None
    projects: set[str] | None = None
    makers: bool = True
    seen: list[Request] = field(default_factory=list)
    context: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                front._handle(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 http.server's name
                """Do not log."""

        for method in ("HEAD", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.do_GET)
        self._server = _Server(("127.0.0.1", 0), Handler)
        if self.context:
            self._server.socket = self.context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def methods(self, method: str) -> list[Request]:
        """Return the requests with this method."""
        return [request for request in self.seen if request.method == method]

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        headers = handler.headers
        request = Request(handler.command, handler.path, headers["Content-Range"], headers["Authorization"])
        self.seen.append(request)
        length = int(headers["Content-Length"] or 0)
        fault = self.fault(self, request)
        if fault == "cut":
            handler.rfile.read(length // 2)
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        body = handler.rfile.read(length)
        answer = fault if isinstance(fault, tuple) else self.answer(request, headers, body)
        if fault == "lost":
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        status, sent, content = answer
        handler.send_response(status)
        for name, value in sent.items():
            handler.send_header(name, value)
        if not any(name.lower() == "content-length" for name in sent):
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if request.method != "HEAD":
            handler.wfile.write(content)

    def answer(self, request: Request, headers: Any, body: bytes) -> Answer:  # noqa: ANN401 http.server's
        """Return the answer to a request without faults."""
        parts = urlsplit(request.path)
        if self.tokens and parts.path == "/service/token":
            if request.authorization != BASIC:
                return 401, {}, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
            return 200, {"Content-Type": "application/json"}, self.tokens.issue(parts.query)
        if self.projects is not None and parts.path == "/api/v2.0/projects":
            return self._project(request, parts.query, body)
        if not parts.path.startswith("/v2/") or not self.registry:
            return 404, {}, b"not found"
        if (
            self.projects is not None
            and len(parts.path) > len("/v2/")
            and parts.path.split("/")[2] not in self.projects
        ):
            return 404, {}, b'{"errors":[{"code":"NOT_FOUND","message":"project not found"}]}'
        upstream = http.client.HTTPConnection(self.registry, timeout=30)
        kept = {
            name: value for name, value in headers.items() if name.lower() not in {"expect", "connection"}
        }
        upstream.request(request.method, request.path, body=body, headers=kept)
        answer = upstream.getresponse()
        content = answer.read()
        sent = {
            name: value
            for name, value in answer.getheaders()
            if name.lower() not in {"date", "transfer-encoding", "connection"}
        }
        upstream.close()
        return answer.status, sent, content

    def _project(self, request: Request, query: str, body: bytes) -> Answer:
        assert self.projects is not None
        if request.authorization != BASIC:
            return 401, {}, b'{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized"}]}'
        if request.method == "HEAD":
            (name,) = parse_qs(query)["project_name"]
            return (200 if name in self.projects else 404), {}, b""
        asked = json.loads(body)
        assert asked["metadata"] == {"public": "false"}
        if not self.makers:
            return 403, {}, b'{"errors":[{"code":"FORBIDDEN","message":"forbidden"}]}'
        self.projects.add(asked["project_name"])
        return 201, {"Location": "/api/v2.0/projects/1"}, b""
