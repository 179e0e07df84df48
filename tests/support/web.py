"""A web server with one file, on loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(content: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The file is `/file`, also by way of `/moved`; `/cut` breaks off. Gives the port.

    Args:
        content: of the file.
        context: makes it speak TLS.
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
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()
