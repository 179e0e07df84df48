"""Web servers with one file, on loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@contextmanager
def serving(content: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve a file at `/file`, through a redirect at `/moved`, and cut off at `/cut`; yield the port.

    Args:
        content: of the file.
        context: makes the server use TLS.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/file")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200 if self.path in {"/file", "/cut"} else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if self.path != "/cut" else content[:1000])
            if self.path == "/cut":
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 http.server's name
            """Do not log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


@dataclass
class FileServer:
    """A server of one file that behaves and fails like real ones. Use it as a context manager.

    Attributes:
        content: of the file.
        headers: sent with it: `ETag`, `Last-Modified`.
        ranges: whether it supports range requests.
        faults: one for each request: the bytes after which the connection is cut, or an error status.
        asked: `Range` and `If-Range` of each request.
    """

    content: bytes
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    faults: list[int | HTTPStatus | None] = field(default_factory=list)
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The URL of the file."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/file"

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 http.server's name
                """Do not log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request (RFC 9110, 13.1.5 and 14.2)."""
        wanted, condition = request.headers["Range"], request.headers["If-Range"]
        self.asked.append((wanted, condition))
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, HTTPStatus):
            self._send(request, fault, b"", {"Retry-After": "7"})
            return
        content = self.content
        start, total = int(wanted[6:-1]) if wanted else 0, len(content)
        if not wanted or not self.ranges or condition not in {None, *self.headers.values()}:
            self._send(request, HTTPStatus.OK, content, self.headers, fault)
        elif start >= total:
            missing = {"Content-Range": f"bytes */{total}"}
            self._send(request, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", missing)
        else:
            part = {**self.headers, "Content-Range": f"bytes {start}-{total - 1}/{total}"}
            self._send(request, HTTPStatus.PARTIAL_CONTENT, content[start:], part, fault)

    @staticmethod
    def _send(
        request: BaseHTTPRequestHandler,
        status: HTTPStatus,
        content: bytes,
        headers: Mapping[str, str],
        cut: int | None = None,
    ) -> None:
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content if cut is None else content[:cut])
        request.close_connection = cut is not None
