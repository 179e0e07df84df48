"""Files that a profile adds to the bundle: from a path or a URL, always with a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.api.application import ConfigFile
from bundler.errors import BundleError, FetchError
from bundler.language import tr
from bundler.net.download import WHICH, Downloader, downloaded
from bundler.profile.marked_yaml import KeyPath
from bundler.profile.merge import show_key
from bundler.store.blobs import Store
from bundler.store.receiver import WrongBytesError
from bundler.terminal.progress import Reporter

if TYPE_CHECKING:
    from bundler.api.output import FileOrigin
    from bundler.profile.files import CarriedFile


@dataclass(frozen=True)
class Carrier:
    """Provides the files that one profile names.

    Attributes:
        base: folder that relative paths are resolved against.
        store: keeps downloads.
        reporter: receives the progress of downloads.
        where: key -> file and line of the profile that set it.
        downloader: fetches files that have a URL.
        offline: make no network connections.
    """

    base: Path
    store: Store
    reporter: Reporter
    where: Callable[[KeyPath], str]
    downloader: Downloader
    offline: bool

    def bring(self, file: FileOrigin, key: KeyPath) -> Path:
        """Check a file on this machine or in the store, or download it, and return its path.

        Args:
            file: origin of the file, from the profile.
            key: key of the entry in the profile.

        Raises:
            BundleError: the file is missing or has another digest.
            FetchError: the file cannot be downloaded.
        """
        if file.path is not None:
            source = self.base / file.path
            self._check(source, file.sha256, str(source), key)
            return source
        url = str(file.url)
        try:
            return downloaded(url, file.sha256, self.store) or self._download(url, file.sha256, key)
        except WrongBytesError as error:
            where = self.at((*key, "sha256"))
            raise WrongBytesError(f"{where}: {error.message}", hint=error.hint) from error

    def at(self, key: KeyPath) -> str:
        """Return the position of a key as it begins a message: `finance.yaml:7: files.0.sha256`."""
        return f"{self.where(key)}: {show_key(tuple(key))}"

    def _check(self, path: Path, expected: str, name: str, key: KeyPath) -> None:
        try:
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise BundleError(
                tr(
                    "{at}: {path}: cannot be read: {strerror}",
                    at=self.at((*key, "path")),
                    path=path,
                    strerror=error.strerror,
                ),
                hint=tr("relative paths start from the folder of the file that contains them"),
            ) from error
        if found != expected:
            raise BundleError(
                tr(
                    "{at}: {name}: its sha256 is {found}, but the profile says {expected}",
                    at=self.at((*key, "sha256")),
                    name=name,
                    found=found,
                    expected=expected,
                ),
                hint=tr(WHICH),
            )

    def _download(self, url: str, sha256: str, key: KeyPath) -> Path:
        if self.offline:
            raise FetchError(
                tr(
                    "{at}: {url}: not in the cache {root}",
                    at=self.at((*key, "url")),
                    url=url,
                    root=self.store.root,
                ),
                hint=tr("build once without --offline to fill the cache"),
            )
        with self.reporter.step(tr("download {url}", url=url)):
            try:
                return self.downloader.fetch(url, sha256, self.store)
            except WrongBytesError:
                raise
            except FetchError as error:
                raise FetchError(f"{self.at((*key, 'url'))}: {error.message}", hint=error.hint) from error


def carry(files: Sequence[CarriedFile], carrier: Carrier) -> list[ConfigFile]:
    """Provide every file of `files:`.

    Raises:
        BundleError: a file is missing or has another digest.
    """
    return [
        ConfigFile(file.target, carrier.bring(file, ("files", index)), file.mode)
        for index, file in enumerate(files)
    ]
