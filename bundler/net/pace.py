"""The lowest rate at which a server may send, beside the time-out between two packets.

A server that sends a byte now and then would keep a connection for ever: each byte starts the usual time-out
anew. Here the time spent waiting is added up, and enough must come in it. Honest slow lines are not hurt: the
limit is far below what they carry, and only waiting counts, not what is done with the bytes.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import time
from dataclasses import dataclass
from typing import Any, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

CHATTER: Final = 4 << 20
"""Bytes of heads, chunk sizes and trailers that may come beside the content, and a quarter of the content."""


@dataclass(frozen=True)
class Pace:
    """What a connection must bring.

    Attributes:
        rate: bytes a second, on average over the window; 0 for no limit.
        window: seconds of waiting; the first byte is left to the read time-out.
        document: seconds that a small document (a manifest, a token) may take as a whole.
    """

    rate: int
    window: float = 60.0
    document: float = 120.0


class SlowError(OSError):
    """A server sends, and too slowly."""


def slowness(error: BaseException) -> SlowError | None:
    """The `SlowError` that urllib3 wrapped, if there is one."""
    for inner in (error, error.__cause__, *error.args):
        if isinstance(inner, SlowError):
            return inner
    return None


def keep_pace(manager: urllib3.PoolManager, pace: Pace) -> None:
    """Hold all connections of `manager` to `pace`."""

    class Plain(HTTPConnection):
        response_class = functools.partial(_Response, pace)  # type: ignore[assignment]

    class Secure(HTTPSConnection):
        response_class = functools.partial(_Response, pace)  # type: ignore[assignment]

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


class _Response(http.client.HTTPResponse):
    """A response that is read through a meter."""

    def __init__(
        self, pace: Pace, sock: socket.socket, debuglevel: int = 0, method: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method)
        self._meter = _Meter(self.fp.detach(), pace)
        self.fp = io.BufferedReader(self._meter)

    def read(self, amt: int | None = None) -> bytes:
        data = super().read(amt)
        self._meter.content += len(data)
        return data

    def read1(self, n: int = -1) -> bytes:
        data = super().read1(n)
        self._meter.content += len(data)
        return data


class _Meter(io.RawIOBase):
    """The bytes of one response as they come from the socket.

    Attributes:
        content: bytes that were handed on as the body.
    """

    def __init__(self, source: io.RawIOBase, pace: Pace) -> None:
        self.content = 0
        self._source = source
        self._pace = pace
        self._came = 0
        self._waited = 0.0
        self._in_window = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:  # noqa: ANN401 any writable buffer
        """Wait for bytes.

        Raises:
            SlowError: they are too few for the time.
            http.client.HTTPException: they are not HTTP, or hardly any of them are content.
        """
        began = time.monotonic()
        count = self._source.readinto(buffer)
        if not count:
            return count
        if self._came:
            self._waited += time.monotonic() - began
        elif bytes(buffer[: min(count, 5)]) != b"HTTP/"[:count]:
            raise http.client.BadStatusLine("the answer is not HTTP")
        self._came += count
        self._in_window += count
        if self._came - self.content > CHATTER + len(buffer) + self.content // 4:
            raise http.client.HTTPException("hardly any of the answer is content")
        self._check()
        return count

    def _check(self) -> None:
        if self._waited < self._pace.window:
            return
        if self._in_window < self._pace.rate * self._waited:
            seconds = round(self._waited)
            raise SlowError(f"only {self._in_window} bytes received in {seconds} s of waiting")
        self._waited = 0.0
        self._in_window = 0

    def close(self) -> None:
        self._source.close()
        super().close()
