"""Files that a profile carries along (`files:`): from a path or a URL, always with a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.contracts import ConfigFile
from bundler.errors import BundleError, FetchError
from bundler.progress import Reporter
from bundler.store import Store

if TYPE_CHECKING:
    from bundler.profile import CarriedFile


def carry(
    files: Sequence[CarriedFile], base: Path, store: Store, reporter: Reporter, *, offline: bool
) -> list[ConfigFile]:
    """Check or download every file.

    Raises:
        BundleError: a file is missing or is not what its digest says.
    """
    carried = []
    for file in files:
        digest = f"sha256:{file.sha256}"
        if file.path is not None:
            source = base / file.path
            name = file.to or source.name
            _check_local(source, file.sha256)
        else:
            url = str(file.url)
            name = file.to or url.rpartition("/")[2].partition("?")[0]
            source = store.path(digest)
            if not source.exists():
                if offline:
                    raise FetchError(
                        f"{url}: not in the cache {store.root}",
                        hint="build once without --offline on the same cache",
                    )
                _download(url, digest, store, reporter)
        carried.append(ConfigFile(name, source, file.mode))
    return carried


def _check_local(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from error
    if found != expected:
        raise BundleError(
            f"{path}: its sha256 is {found}, the profile says {expected}",
            hint="find out which of the two is right before you change the profile",
        )


def _download(url: str, digest: str, store: Store, reporter: Reporter) -> None:
    import urllib3  # noqa: PLC0415 only builds that download need it

    timeout = urllib3.Timeout(connect=30, read=60)
    with reporter.step(f"download {url}"):
        try:
            response = urllib3.PoolManager(timeout=timeout).request(
                "GET", url, preload_content=False, decode_content=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise FetchError(f"{url}: {error}", hint="check the URL and the proxy") from error
        try:
            if response.status != 200:  # noqa: PLR2004 HTTP OK
                raise FetchError(f"{url}: HTTP {response.status}", hint="check the URL")
            found, _ = store.ingest(response, lambda _: None)
        finally:
            response.release_conn()
    if found != digest:
        store.path(found).unlink(missing_ok=True)
        raise FetchError(
            f"{url}: its digest is {found}, the profile says {digest}",
            hint="find out which of the two is right before you change the profile",
        )
