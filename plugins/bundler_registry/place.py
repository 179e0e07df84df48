"""Where an image's blobs may be: a registry, or a mirror of it."""

from __future__ import annotations

from dataclasses import dataclass

import urllib3

from bundler_registry.client import RegistryClient


@dataclass(frozen=True)
class Place:
    """A registry, and the repository's path there.

    Attributes:
        client: of the registry.
        repository: with a mirror's prefix.
        mirror: whether the reference names another registry.
    """

    client: RegistryClient
    repository: str
    mirror: bool


@dataclass(frozen=True)
class BlobPlace:
    """One blob at a place: a `bundler.net.stream.Place`.

    Attributes:
        place: the registry and its repository.
        digest: of the blob.
        image: for messages.
    """

    place: Place
    digest: str
    image: str

    @property
    def host(self) -> str:
        """What references call the registry."""
        return self.place.client.host

    @property
    def label(self) -> str:
        """The beginning of messages."""
        return f"{self.image}: blob {self.digest} from {self.host}"

    def ask(self, offset: int, validator: str | None) -> urllib3.BaseHTTPResponse:  # noqa: ARG002 its digest names it
        """See `bundler.net.stream.Place`."""
        return self.place.client.blob(self.place.repository, self.digest, offset)
