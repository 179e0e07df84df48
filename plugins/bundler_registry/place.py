"""Places to fetch an image's blobs from: a registry, or a mirror of it."""

from __future__ import annotations

from dataclasses import dataclass

import urllib3

from bundler.language import tr
from bundler_registry.client import RegistryClient


@dataclass(frozen=True)
class Place:
    """A registry and the path of a repository there.

    Attributes:
        client: client of the registry.
        repository: path of the repository, including a mirror's prefix.
        mirror: whether this is a mirror of the registry that the reference names.
    """

    client: RegistryClient
    repository: str
    mirror: bool


@dataclass(frozen=True)
class BlobPlace:
    """One blob at a place; implements `bundler.net.stream.Place`.

    Attributes:
        place: the registry and its repository.
        digest: digest of the blob.
        image: name of the image in messages.
    """

    place: Place
    digest: str
    image: str

    @property
    def host(self) -> str:
        """Name of the registry in references."""
        return self.place.client.host

    @property
    def label(self) -> str:
        """Prefix of messages."""
        return tr("{image}: blob {digest} from {host}", image=self.image, digest=self.digest, host=self.host)

    def ask(self, offset: int, validator: str | None) -> urllib3.BaseHTTPResponse:  # noqa: ARG002 its digest names it
        """See `bundler.net.stream.Place`."""
        return self.place.client.blob(self.place.repository, self.digest, offset)
