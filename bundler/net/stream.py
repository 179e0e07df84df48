"""Reads one file as a stream, over connections that may break."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

import urllib3
from urllib3 import exceptions

from bundler.errors import FetchError
from bundler.language import tr
from bundler.net.errors import AbsentError, GaveUpError, TlsError, TransientError, broken
from bundler.net.retry import Retry
from bundler.net.transport import OK, PARTIAL, UNSATISFIABLE
from bundler.store.receiver import ChangedError

log = logging.getLogger(__name__)

ENOUGH: Final = 256 * 1024
"""Bytes that are returned at once. On a fast link, one read of the socket returns that much and is passed on
without copying; on a slow link, several reads are joined.
"""
LINGER: Final = 0.2
"""Seconds after which fewer bytes are returned too, so that progress is visible."""

_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,19})-([0-9]{1,19})|\*)/([0-9]{1,19}|\*)")


class Place(Protocol):
    """A server that has the file."""

    @property
    def host(self) -> str:
        """Name of the server in messages; empty if `label` contains it."""

    @property
    def label(self) -> str:
        """Name of the file and the server: the beginning of messages."""

    def ask(self, offset: int, validator: str | None) -> urllib3.BaseHTTPResponse:
        """Request the bytes from `offset`. The response is 200, 206 or 416.

        Args:
            offset: of the first byte; 0 requests the whole file.
            validator: validator of the file that the earlier bytes came from, for `If-Range`.

        Raises:
            AbsentError: the server does not have the file.
            TransientError: another attempt may succeed.
            FetchError: another attempt would fail as well.
        """


@dataclass(frozen=True)
class _Range:
    """The bytes in a response: RFC 9110, 14.4 (Content-Range) or 8.6 (Content-Length). None: not given."""

    start: int | None
    end: int | None
    total: int | None

    @classmethod
    def of(cls, response: urllib3.BaseHTTPResponse) -> _Range:
        if response.status == OK:
            length = response.headers.get("Content-Length") or ""
            total = int(length) if length.isascii() and length.isdecimal() else None
            return cls(0, None if total is None else total - 1, total)
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        if found is None:
            return cls(None, None, None)
        start, end, total = (int(part) if part and part != "*" else None for part in found.groups())
        return cls(start, end, total)


class ResumingStream:
    """A `bundler.api.images.BlobStream` over one or more places. Not thread-safe.

    It normally takes one request. If the connection breaks or stalls, or the body ends early, the stream
    resumes
    at that offset; if a place fails permanently, the next one continues.
    """

    def __init__(
        self,
        places: Sequence[Place],
        retry: Callable[[str], Retry],
        *,
        size: int | None,
        offset: int = 0,
    ) -> None:
        """Prepare without sending a request.

        Args:
            places: servers in the order in which they are tried.
            retry: creates the counter of attempts at one place.
            size: bytes of the whole file; None if the first response determines it. In that case, size and
                validator reveal a file that changes on its server.
            offset: offset of the first byte to read.
        """
        self._places = deque(places)
        self._promised = size
        self._size = size
        self._validator: str | None = None
        self._position = offset
        self._new_retry = retry
        self._retry = retry(self._places[0].label)
        self._response: urllib3.BaseHTTPResponse | None = None
        self._skip = 0
        self._ranges = True
        self._failure: TransientError | None = None
        self._finished = size is not None and offset >= size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> Self:
        """Send the request now; otherwise the first `read` sends it. Return the stream; a failure closes it.

        Raises:
            FetchError: no place has the file.
            ChangedError: the file on the server has changed.
        """
        try:
            self._connect()
        except BaseException:
            self.close()
            raise
        return self

    def _connect(self) -> None:
        while self._response is None and not self._finished:
            place = self._places[0]
            offset = self._position if self._ranges else 0
            try:
                self._response = self._checked(place.ask(offset, self._validator))
            except TransientError as error:
                self._wait(error)
            except (AbsentError, TlsError) as error:
                self._next_place(FetchError(f"{place.label}: {error.message}", hint=error.hint))
            except ChangedError:
                raise
            except FetchError as error:
                raise FetchError(f"{place.label}: {error.message}", hint=error.hint) from error

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; empty at the end.

        Raises:
            FetchError: the rest is unavailable.
            ChangedError: the file on the server has changed.
        """
        while not self._finished:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                self._wait(failure)
            self._connect()
            data = self._gather(size)
            if data:
                self._position += len(data)
                self._retry.progress(len(data))
                return data
        return b""

    def close(self) -> None:
        """Return the connection to the pool, or close it if data are still being sent."""
        response, self._response = self._response, None
        self._finished = True
        if response is not None:
            response.close()

    # ------------------------------------------------------------ inside

    def _checked(self, response: urllib3.BaseHTTPResponse) -> urllib3.BaseHTTPResponse | None:
        """Return the response if it provides the missing bytes; None if another request is needed.

        Raises:
            FetchError: the file on the server has another size than expected.
            ChangedError: the file on the server has changed.
        """
        found, self._skip = _Range.of(response), 0
        try:
            self._compare(response, found)
        except FetchError:
            response.close()
            raise
        if response.status == OK:
            self._skip = self._position  # RFC 9110, 14.2: a server may ignore Range
            return response
        total = self._size if self._size is not None else found.total
        if (
            response.status == PARTIAL
            and found.start == self._position
            and total in {None, (found.end or 0) + 1}
        ):
            return response
        response.close()
        if response.status == UNSATISFIABLE and self._promised is None and found.total == self._position:
            self._finished = True  # an earlier run has received all of it
            return None
        log.info(tr("%s does not serve ranges correctly; requesting the whole file"), self._server)
        self._ranges = False
        return None

    def _compare(self, response: urllib3.BaseHTTPResponse, found: _Range) -> None:
        """Compare the file on the server with the expected size, or with the earlier part of the file."""
        if self._promised is not None:
            if response.status == OK and found.total not in {None, self._promised}:
                raise FetchError(
                    tr(
                        "{server} has {total} bytes, but the manifest says {promised}",
                        server=self._server,
                        total=found.total,
                        promised=self._promised,
                    ),
                    hint=tr("the registry or a proxy in between is faulty; try a mirror"),
                )
            return
        if response.status == UNSATISFIABLE and found.total in {None, self._position}:
            return
        validator = _validator(response)
        if (
            (None not in {self._size, found.total} and self._size != found.total)
            or (found.total is not None and found.total < self._position)
            or (None not in {self._validator, validator} and self._validator != validator)
        ):
            raise ChangedError(tr("{label}: the file changed on the server", label=self._places[0].label))
        self._size = self._size if found.total is None else found.total
        self._validator = self._validator or validator

    @property
    def _server(self) -> str:
        return self._places[0].host or self._places[0].label

    def _gather(self, size: int) -> bytes:
        """Return the next bytes, or none if none are available; record how the response ended."""
        wanted = min(size, ENOUGH) if size > 0 else 0
        pieces: list[bytes] = []
        have = 0
        until = 0.0
        response = self._response
        while response is not None and have < wanted:
            try:
                some = min(self._skip, ENOUGH) or size - have
                piece = response.read1(some, decode_content=False)
            except (exceptions.HTTPError, OSError) as error:
                if self._complete(have):  # only the end marker of a chunked body was lost
                    self._finished = True
                    self.close()
                else:
                    self._lost(broken(error, self._places[0].host))
                break
            if not piece:
                self._ended(have)
                break
            if self._skip:
                self._skip -= len(piece)
                continue
            pieces.append(piece)
            have += len(piece)
            now = time.monotonic()
            until = until or now + LINGER
            if now >= until:
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _complete(self, have: int) -> bool:
        """Whether the file is complete once `have` more bytes are returned."""
        return self._size is not None and self._position + have >= self._size and not self._skip

    def _ended(self, have: int) -> None:
        if self._complete(have) or (self._size is None and not self._skip):
            self._finished = True
            self.close()
        else:
            host = self._places[0].host
            self._lost(
                TransientError(
                    tr("{host}: the body ended early", host=host) if host else tr("the body ended early")
                )
            )

    def _lost(self, error: TransientError) -> None:
        self._failure = error
        response, self._response = self._response, None
        if response is not None:
            response.close()

    def _wait(self, error: TransientError) -> None:
        try:
            self._retry.wait(error)
        except GaveUpError as last:
            self._next_place(last)

    def _next_place(self, error: FetchError) -> None:
        if len(self._places) == 1:
            raise error
        gone = self._places.popleft()
        log.warning(tr("mirror %s: %s; asking %s"), gone.host, error.message, self._places[0].host)
        self._retry = self._new_retry(self._places[0].label)
        self._ranges = True


def _validator(response: urllib3.BaseHTTPResponse) -> str | None:
    """Return the validator for `If-Range`: a strong entity tag, or else a date (RFC 9110, 13.1.5)."""
    tag = response.headers.get("ETag", "").strip()
    if tag.startswith('"'):
        return tag
    return response.headers.get("Last-Modified")
