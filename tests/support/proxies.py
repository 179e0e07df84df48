"""An HTTP proxy in this process: forwards requests and opens tunnels for TLS (RFC 9110, 9.3.6)."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit


class ForwardProxy:
    """A proxy that forwards every request and resolves all names to loopback.

    Attributes:
        seen: `METHOD target` and the `Proxy-Authorization` header of each request.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy.seen.append((f"GET {self.path}", self.headers["Proxy-Authorization"]))
                parts = urlsplit(self.path)
                upstream = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=10)
                skipped = {"proxy-authorization", "proxy-connection", "connection"}
                headers = {k: v for k, v in self.headers.items() if k.lower() not in skipped}
                upstream.request("GET", parts._replace(scheme="", netloc="").geturl(), headers=headers)
                answer = upstream.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"date", "server", "transfer-encoding", "content-length"}:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                upstream.close()

            def do_CONNECT(self) -> None:
                proxy.seen.append((f"CONNECT {self.path}", self.headers["Proxy-Authorization"]))
                port = int(self.path.rpartition(":")[2])
                with socket.create_connection(("127.0.0.1", port), 10) as upstream:
                    self.send_response(200)
                    self.end_headers()
                    pump(self.connection, upstream)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 http.server's name
                """Do not log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def host(self) -> str:
        """The proxy's `address:port`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def pump(one: socket.socket, other: socket.socket) -> None:
    """Copy bytes in both directions until one side ends."""
    pairs = {one: other, other: one}
    while True:
        for ready in select.select(list(pairs), [], [], 10)[0]:
            data = ready.recv(65536)
            if not data:
                return
            pairs[ready].sendall(data)
