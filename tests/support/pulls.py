"""Pull images with the source `registry` as a build does: resolve, then fetch into a store."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bundler.api.images import SourceOptions
from bundler.build.fetch import FetchedImage, fetch
from bundler.build.lock import Lock
from bundler.build.resolve import Resolver, resolve
from bundler.image.digest import digest_of
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.net.pace import Pace
from bundler.net.tls import Certificates
from bundler.store.blobs import Store
from bundler.terminal.progress import LogReporter
from bundler_registry.credentials import Login
from bundler_registry.source import RegistrySource
from examples.demo.sample_registry import Image

AMD64 = Platform.parse("linux/amd64")
NOISE = random.Random(1).randbytes(400_000)  # noqa: S311 the same in each run
"""Incompressible bytes."""


@dataclass
class Fixed:
    """Logins given by a test."""

    logins: Mapping[str, Login] = field(default_factory=dict)

    def find(self, host: str) -> Login | None:
        """Return the login for a host; see `bundler_registry.credentials.Logins.find`."""
        return self.logins.get(host)


@dataclass
class Puller:
    """A build machine with a private cache.

    Attributes:
        folder: contains the cache.
        options: where images come from.
        logins: for registries.
        environment: where proxies are looked up.
        certificates: Docker's folder of certificates by host.
        read_timeout: seconds without a byte after which a connection is given up.
        pace: how slowly a server may send; None for the pace of the options.
        pauses: the pauses requested, in seconds; they are recorded and not waited for.
    """

    folder: Path
    options: SourceOptions = field(default_factory=SourceOptions)
    logins: Mapping[str, Login] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    certificates: Path = Path("/nowhere")
    read_timeout: float = 20
    pace: Pace | None = None
    pauses: list[float] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """The cache."""
        return Store(self.folder / "cache")

    def source(self) -> RegistrySource:
        """Return a source like the plugin's, except that it does not sleep."""
        return RegistrySource(
            self.options,
            logins=Fixed(self.logins),
            pause=self.pauses.append,
            environment=self.environment,
            certificates=Certificates(self.options.ca_file, self.certificates),
            read_timeout=self.read_timeout,
            pace=self.pace,
        )

    def pull(self, *references: str, platform: Platform = AMD64) -> tuple[FetchedImage, ...]:
        """Resolve and fetch images.

        Raises:
            BundleError: as in a build.
        """
        source = self.source()
        store = self.store
        try:
            resolver = Resolver([source], platform, Lock(self.folder / "none", {}), store)
            images = resolve([Reference.parse(text) for text in references], resolver)
            with (self.folder / "log").open("a") as log:
                return fetch(images, {"registry": source}, store, platform, LogReporter(log)).images
        finally:
            source.close()


def check_store(store: Store, image: Image | None) -> None:
    """Check that every blob matches its digest, and that the image is complete."""
    for blob in store.entries():
        assert digest_of(store.path(blob.digest).read_bytes()) == blob.digest
    if image:
        for digest, content in image.blobs.items():
            assert store.read(digest) == content
