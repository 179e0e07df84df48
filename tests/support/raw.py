"""A server that sends arbitrary bytes, HTTP or not, for as long as a client listens."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self


class RawServer:
    """Answers each request on each connection with the bytes that `answer` returns for it.

    Attributes:
        requests: the heads of all requests, in order.
        released: set when the test is over.
    """

    def __init__(self, answer: Callable[[str], Iterable[bytes]]) -> None:
        self.requests: list[str] = []
        self.released = threading.Event()
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []

    @property
    def host(self) -> str:
        """The server's `127.0.0.1:<port>`."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Start to answer."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        self.released.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(30)
            try:
                while head := self._read_head(connection):
                    self.requests.append(head)
                    for piece in self._answer(head):
                        if self.released.is_set():
                            return
                        connection.sendall(piece)
            except OSError:  # the client has disconnected
                return

    @staticmethod
    def _read_head(connection: socket.socket) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(4096)
            data += more
            if not more or data[:1] == b"\x16":  # the end, or a TLS handshake, which is not supported here
                return ""
        return data.decode("latin-1")
