"""A blob's bytes, however often the connection breaks."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import urllib3
from urllib3 import exceptions

from bundler.errors import FetchError
from bundler.image.oci import Descriptor
from bundler_registry.client import OK, PARTIAL, RegistryClient
from bundler_registry.errors import AbsentError, GaveUpError, TlsError, TransientError
from bundler_registry.retry import Retry
from bundler_registry.transport import broken

log = logging.getLogger(__name__)

ENOUGH: Final = 256 * 1024
"""Bytes worth handing on at once. One read of the socket brings that much on a fast link, and is then handed
on as it is; from a slow link several reads are joined."""
LINGER: Final = 0.2
"""Seconds after which fewer are handed on too, so that progress shows."""

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")


@dataclass(frozen=True)
class Place:
    """Where an image may be: a registry, and the repository's path there.

    Attributes:
        client: of the registry.
        repository: with a mirror's prefix.
        mirror: whether the reference names another registry.
    """

    client: RegistryClient
    repository: str
    mirror: bool


class RegistryBlob:
    """A `bundler.api.images.BlobStream` over one or more places. For one thread.

    One request when all is well. A stream that breaks, stalls or ends early is taken up where it ended;
    when a place gives no more, the next one is asked for the rest.
    """

    def __init__(
        self,
        places: Sequence[Place],
        blob: Descriptor,
        offset: int,
        image: str,
        retry: Callable[[str], Retry],
    ) -> None:
        """Nothing is asked yet.

        Args:
            places: in the order in which they are asked.
            blob: its size decides when all has come.
            offset: of the first byte wanted.
            image: for messages.
            retry: makes the counter of attempts at one place.
        """
        self._places = deque(places)
        self._blob = blob
        self._position = offset
        self._image = image
        self._new_retry = retry
        self._retry = retry(self._what)
        self._response: urllib3.BaseHTTPResponse | None = None
        self._skip = 0
        self._ranges = True
        self._failure: TransientError | None = None
        self._finished = offset >= blob.size

    @property
    def _what(self) -> str:
        return f"{self._image}: blob {self._blob.digest} from {self._places[0].client.host}"

    def connect(self) -> None:
        """Send the request; without it, the first `read` does.

        Raises:
            FetchError: no place has the blob.
        """
        while self._response is None and not self._finished:
            place = self._places[0]
            offset = self._position if self._ranges else 0
            try:
                response = place.client.blob(place.repository, self._blob.digest, offset)
                self._response = self._checked(response)
            except TransientError as error:
                self._wait(error)
            except (AbsentError, TlsError) as error:
                self._next_place(FetchError(f"{self._what}: {error.message}", hint=error.hint))
            except FetchError as error:
                raise FetchError(f"{self._what}: {error.message}", hint=error.hint) from error

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end.

        Raises:
            FetchError: no more can be had.
        """
        while not self._finished:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                self._wait(failure)
            self.connect()
            data = self._gather(size)
            if data:
                self._position += len(data)
                self._retry.progress(len(data))
                return data
        return b""

    def close(self) -> None:
        """Give the connection back, or up where bytes are still on their way."""
        response, self._response = self._response, None
        self._finished = True
        if response is not None:
            response.close()

    # ------------------------------------------------------------ inside

    def _checked(self, response: urllib3.BaseHTTPResponse) -> urllib3.BaseHTTPResponse | None:
        """The response, if it gives what is missing; None if it must be asked for in another way.

        Raises:
            FetchError: the registry has a blob of another size.
        """
        host = self._places[0].client.host
        total, self._skip = self._blob.size, 0
        if response.status == OK:
            length = response.headers.get("Content-Length")
            self._skip = self._position  # RFC 9110, 14.2: a server may ignore Range
            if length is not None and length.isdecimal() and int(length) != total:
                response.close()
                raise FetchError(
                    f"{host} has {int(length)} bytes, the manifest says {total}",
                    hint="the registry or a proxy on the way is broken; try a mirror",
                )
            return response
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        right = (
            response.status == PARTIAL
            and found is not None
            and int(found[1]) == self._position
            and int(found[2]) == total - 1
            and found[3] in {"*", str(total)}
        )
        if right:
            return response
        response.close()
        log.info("%s does not serve ranges as it should; asking for the whole blob", host)
        self._ranges = False
        return None

    def _gather(self, size: int) -> bytes:
        """The next bytes, none if there are none now; notes how the response ended."""
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
                if self._complete(have):  # only the end mark of a chunked body was lost
                    self._finished = True
                    self.close()
                else:
                    self._lost(broken(error, self._places[0].client.host))
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
        """Whether nothing is missing once `have` more bytes are handed on."""
        return self._position + have >= self._blob.size and not self._skip

    def _ended(self, have: int) -> None:
        if self._complete(have):
            self._finished = True
            self.close()
        else:
            self._lost(TransientError(f"{self._places[0].client.host}: the body ended early"))

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
        log.warning("mirror %s: %s; asking %s", gone.client.host, error.message, self._places[0].client.host)
        self._retry = self._new_retry(self._what)
        self._ranges = True
