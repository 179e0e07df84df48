"""Enforces a minimum rate on servers, in addition to the read time-out.

A server that sends single bytes at intervals could keep a connection open for ever, because each byte resets
the read time-out. Here the time spent waiting is added up, and enough data must arrive in it. Slow lines are
not affected: the limit is far below their rate, and only waiting counts, not the processing of the data.
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

from bundler.language import tr

CHATTER: Final = 4 << 20
"""Bytes of headers, chunk sizes and trailers allowed besides the content, plus a quarter of the content."""


@dataclass(frozen=True)
class Pace:
    """The minimum rate of a connection.

    Attributes:
        rate: bytes a second, on average over the window; 0 for no limit.
        window: seconds of waiting; waiting for the first byte is limited by the read time-out instead.
        document: seconds that a small document (a manifest, a token) may take as a whole.
    """

    rate: int
    window: float = 60.0
    document: float = 120.0


class SlowError(OSError):
    """A server sends data, but too slowly."""


def slowness(error: BaseException) -> SlowError | None:
    """Return the `SlowError` that urllib3 wrapped, or None."""
    for inner in (error, error.__cause__, *error.args):
        if isinstance(inner, SlowError):
            return inner
    return None


def keep_pace(manager: urllib3.PoolManager, pace: Pace) -> None:
    """Apply `pace` to all connections of `manager`."""

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
    """Reads the bytes of one response from the socket and measures their rate.

    Attributes:
        content: bytes that were returned as the body.
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
            SlowError: the rate is too low.
            http.client.HTTPException: the bytes are not HTTP, or hardly any of them are content.
        """
        began = time.monotonic()
        count = self._source.readinto(buffer)
        if not count:
            return count
        if self._came:
            self._waited += time.monotonic() - began
        elif bytes(buffer[: min(count, 5)]) != b"HTTP/"[:count]:
            raise http.client.BadStatusLine(tr("the answer is not HTTP"))
        self._came += count
        self._in_window += count
        if self._came - self.content > CHATTER + len(buffer) + self.content // 4:
            raise http.client.HTTPException(tr("hardly any of the answer is content"))
        self._check()
        return count

    def _check(self) -> None:
        if self._waited < self._pace.window:
            return
        if self._in_window < self._pace.rate * self._waited:
            seconds = round(self._waited)
            raise SlowError(
                tr(
                    "only {in_window} bytes received in {seconds} s of waiting",
                    in_window=self._in_window,
                    seconds=seconds,
                )
            )
        self._waited = 0.0
        self._in_window = 0

    def close(self) -> None:
        self._source.close()
        super().close()
