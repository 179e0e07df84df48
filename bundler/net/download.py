"""Downloads files from web servers, with the configured proxies and certificate authorities."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.api.images import SourceOptions
from bundler.errors import FetchError
from bundler.language import tr, tr_later
from bundler.store.blobs import Store
from bundler.store.receiver import WrongBytesError

if TYPE_CHECKING:
    import urllib3

    from bundler.net.stream import ResumingStream
    from bundler.net.transport import Transport

READ_TIMEOUT = 120.0
"""Seconds without data after which a connection is closed: some servers generate a file on request."""
WHICH = tr_later("find out which one is right before changing the profile")
"""Hint if a file has another digest than the one in the profile."""


class Downloader:
    """Downloads files by URL and resumes partial downloads. Connects on first use."""

    def __init__(
        self,
        ca_file: Path | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        min_speed: int = SourceOptions.min_speed,
        window: float = 60.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Store the settings without connecting.

        Args:
            ca_file: PEM file with private certificate authorities, trusted in addition to the system's.
            environment: environment variables for the proxies; by default, this process's.
            min_speed: as in `bundler.api.images.SourceOptions`.
            window: seconds over which the speed is averaged.
            pause: sleeps for a number of seconds.
        """
        self._ca_file = ca_file
        self._environment = environment
        self._min_speed = min_speed
        self._window = window
        self._pause = pause

    def fetch(self, url: str, sha256: str, store: Store) -> Path:
        """Download a file into the store, resuming a partial download of an earlier run.

        Args:
            url: address of the file.
            sha256: expected digest, hex digits.
            store: keeps the file.

        Raises:
            WrongBytesError: the file has another digest; it is not kept.
            FetchError: the file cannot be downloaded; received data are kept for the next run.
        """
        try:
            return store.fetch_file(f"sha256:{sha256}", partial(self.open, url))
        except WrongBytesError as error:
            raise _other(url, error.found.removeprefix("sha256:"), sha256) from error

    def open(self, url: str, offset: int = 0) -> ResumingStream:
        """Open the file at `url` at an offset, as a stream; redirects are followed.

        Raises:
            FetchError: the file is unavailable, or the connection breaks repeatedly while it is read.
            ChangedError: the file on the server has changed.
        """
        from bundler.net.retry import Retry, RetryPolicy  # noqa: PLC0415 urllib3: only for downloads
        from bundler.net.stream import ResumingStream  # noqa: PLC0415 likewise

        def retry(what: str) -> Retry:
            return Retry(what, RetryPolicy(), self._pause)

        return ResumingStream([_WebFile(url, self._transport)], retry, size=None, offset=offset).connect()

    @cached_property
    def _transport(self) -> Transport:
        from bundler.net.pace import Pace  # noqa: PLC0415 likewise
        from bundler.net.tls import Certificates  # noqa: PLC0415 likewise
        from bundler.net.transport import Transport  # noqa: PLC0415 likewise

        return Transport(
            Certificates(self._ca_file),
            anywhere=True,
            environment=self._environment,
            read_timeout=READ_TIMEOUT,
            pace=Pace(self._min_speed, self._window),
        )


def downloaded(url: str, sha256: str, store: Store) -> Path | None:
    """Return the downloaded file from the store, with its digest checked; None if it is not there.

    Raises:
        WrongBytesError: the disk returned other bytes.
    """
    path = store.path(f"sha256:{sha256}")
    if not path.exists():
        return None
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise _other(tr("{url}, from the cache", url=url), found, sha256)
    return path


_REMEDIES = dict.fromkeys(
    (401, 403, 407),
    tr_later("the server, or a proxy on the way, refuses access: ask its operator, or use another URL"),
)
"""HTTP status -> what to do about it."""
CHECK = tr_later("check the URL")


def _other(name: str, found: str, expected: str) -> WrongBytesError:
    return WrongBytesError(
        tr(
            "{name}: its sha256 is {found}, but the profile says {expected}",
            name=name,
            found=found,
            expected=expected,
        ),
        hint=tr(WHICH),
        found=f"sha256:{found}",
    )


@dataclass(frozen=True)
class _WebFile:
    """A `bundler.net.stream.Place` for a URL."""

    label: str
    """The URL."""
    transport: Transport
    host: str = ""

    def ask(self, offset: int, validator: str | None) -> urllib3.BaseHTTPResponse:
        """See `bundler.net.stream.Place`."""
        from bundler.net.errors import BusyError  # noqa: PLC0415 as above
        from bundler.net.transport import OK, PARTIAL, UNSATISFIABLE  # noqa: PLC0415 likewise

        headers = {"Range": f"bytes={offset}-"} if offset else {}
        if offset and validator:
            headers["If-Range"] = validator
        answer = self.transport.request("GET", self.label, headers)
        if answer.status == OK or (offset and answer.status in {PARTIAL, UNSATISFIABLE}):
            return answer.response
        answer.discard()
        if answer.passing:
            raise BusyError(tr("HTTP {status}", status=answer.status), retry_after=answer.retry_after)
        raise FetchError(
            tr("HTTP {status}", status=answer.status), hint=tr(_REMEDIES.get(answer.status, CHECK))
        )
