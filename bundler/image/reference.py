"""Image references, parsed and normalised as in Docker."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bundler.errors import BundleError
from bundler.image.digest import DIGEST
from bundler.language import tr

DEFAULT_REGISTRY: Final = "docker.io"
_DOCKER_HUB: Final = frozenset({DEFAULT_REGISTRY, "index.docker.io", "registry-1.docker.io"})

# distribution/reference: path-component and tag
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_HOST = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*"
    r"|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
)

_ADDRESS = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
_REGISTRY = re.compile(_ADDRESS)
_MIRROR = re.compile(rf"(?P<host>{_ADDRESS})(?:/(?P<prefix>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*))?/?")


def canonical_registry(host: str) -> str:
    """Return the canonical name of a registry: Docker Hub has several."""
    return DEFAULT_REGISTRY if host in _DOCKER_HUB else host


def is_registry(text: str) -> bool:
    """Whether `text` is `host[:port]`."""
    return _REGISTRY.fullmatch(text) is not None


def split_mirror(text: str) -> tuple[str, str] | None:
    """Split `host[:port][/prefix]` into registry and `prefix/`, which may be empty; None for other forms."""
    found = _MIRROR.fullmatch(text)
    if found is None:
        return None
    return canonical_registry(found["host"]), f"{found['prefix']}/" if found["prefix"] else ""


@dataclass(frozen=True, order=True)
class Reference:
    """An image reference, normalised as in Docker: `redis` is `docker.io/library/redis:latest`.

    Attributes:
        registry: host, with the port if one is given.
        repository: path below the host.
        tag: None only if a digest is given without a tag.
        digest: `sha256:<hex>` or None.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `text` by the grammar of distribution/reference, with Docker's defaults.

        Raises:
            BundleError: it is not an image reference.
        """
        rest, at, digest = text.partition("@")
        if at and not DIGEST.fullmatch(digest):
            raise BundleError(
                tr("image reference {text!r}: the digest is not sha256:<64 hex digits>", text=text),
                hint=tr("copy the digest from `docker buildx imagetools inspect` or `skopeo inspect`"),
            )
        head, slash, tail = rest.partition("/")
        if slash and ("." in head or ":" in head or head == "localhost" or head != head.lower()):
            registry, path = head, tail
        else:
            registry, path = DEFAULT_REGISTRY, rest
        name, colon, tag = path.rpartition(":")
        if not colon:
            name, tag = path, ""
        if colon and not _TAG.fullmatch(tag):
            raise BundleError(tr("image reference {text!r}: {tag!r} is not a tag", text=text, tag=tag))
        registry = canonical_registry(registry)
        if registry == DEFAULT_REGISTRY and "/" not in name:
            name = f"library/{name}"
        if not _HOST.fullmatch(registry):
            raise BundleError(
                tr(
                    "image reference {text!r}: {registry!r} is not a registry host",
                    text=text,
                    registry=registry,
                )
            )
        if not _REPOSITORY.fullmatch(name):
            raise BundleError(
                tr("image reference {text!r}: {name!r} is not a repository name", text=text, name=name),
                hint=tr("use only lower-case letters, digits, '.', '_', '-' and '/'"),
            )
        if not tag and not digest:
            tag = "latest"
        return cls(registry, name, tag or None, digest or None)

    @property
    def tagged(self) -> str:
        """Return the name that an engine keeps after loading: with a tag, without a digest.

        A reference with only a digest gets the tag `sha256-<first 12 hex digits>`.
        """
        tag = self.tag or "sha256-" + (self.digest or "")[7:19]
        return f"{self.registry}/{self.repository}:{tag}"

    @property
    def familiar(self) -> str:
        """Return the short form that Docker shows: `redis:7` for `docker.io/library/redis:7`."""
        name = str(self)
        if self.registry == DEFAULT_REGISTRY:
            name = name.removeprefix(DEFAULT_REGISTRY + "/").removeprefix("library/")
        return name

    @property
    def floating(self) -> bool:
        """Whether the reference may later resolve to another image, because it has no digest."""
        return self.digest is None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"
