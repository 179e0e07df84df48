"""What a report shows, as plain data. Names and texts come from outside, and are untrusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bundler.api.application import Requirement
from bundler.api.output import SiteCheck

State = Literal["good", "plain", "risk"]
"""How a finding is judged: it limits what a container can do, it is the usual case, or it removes a limit."""


@dataclass(frozen=True)
class Blob:
    """A blob of an image: its digest, `sha256:<hex>`, and its bytes as they are carried."""

    digest: str
    size: int


@dataclass(frozen=True)
class Image:
    """An image.

    Attributes:
        name: as the site's engine knows it.
        digest: at the source.
        platform: OCI platform, if it is not the bundle's.
        size: bytes of its blobs; an estimate if the layers are not known.
        unpacked: bytes of its unpacked layers; None if unknown.
        layers: from the lowest; empty if a source can only export the image.
        documents: its manifest and config.
        services: names of the services that run it.
    """

    name: str
    digest: str
    platform: str | None
    size: int
    unpacked: int | None
    layers: tuple[Blob, ...]
    documents: tuple[Blob, ...]
    services: tuple[str, ...]

    @property
    def blobs(self) -> dict[str, int]:
        """Bytes of all blobs, by digest."""
        return {blob.digest: blob.size for blob in (*self.documents, *self.layers)}


@dataclass(frozen=True)
class Shared:
    """A layer that several images contain, whose bytes are carried once."""

    layer: Blob
    images: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What a service's definition says about one kind of protection.

    Attributes:
        about: key of the kind in the catalogue of words.
        state: how it is judged.
        says: key of the finding in the catalogue of words.
        detail: names from the document; empty if there are none.
    """

    about: str
    state: State
    says: str
    detail: str = ""


@dataclass(frozen=True)
class Service:
    """A service.

    Attributes:
        name: in the Compose document.
        image: name of the image that it runs.
        expect: `healthy`, `running`, `started` or `completed`.
        replicas: number of its containers, or a text with `${NAME}`.
        networks: names of the networks that it joins.
        mode: `network_mode`, if it joins none: `host`, `none`, `service:NAME` ...
        depends: services that it waits for.
        hardening: a finding for each kind of protection, always in the same order.
    """

    name: str
    image: str
    expect: str
    replicas: str
    networks: tuple[str, ...]
    mode: str | None
    depends: tuple[str, ...]
    hardening: tuple[Finding, ...]


@dataclass(frozen=True)
class Network:
    """A network of the Compose document; `subnets` is empty where Docker chooses."""

    name: str
    driver: str
    internal: bool
    external: bool
    subnets: tuple[str, ...]


@dataclass(frozen=True)
class Volume:
    """A named volume, and the services that mount it."""

    name: str
    driver: str
    external: bool
    services: tuple[str, ...]


@dataclass(frozen=True)
class Port:
    """A port published on the host; `address` is `-` for all addresses."""

    service: str
    address: str
    port: str
    protocol: str


@dataclass(frozen=True)
class Mount:
    """A path that a service mounts; `place` is where it lies at the site."""

    service: str
    target: str
    kind: str
    place: str
    read_only: bool


@dataclass(frozen=True)
class Variable:
    """A value that only the site knows. A secret has no default."""

    name: str
    kind: str
    required: bool
    default: str | None
    generator: str | None


@dataclass(frozen=True)
class Package:
    """A package of software, from an SBOM; `kind` is the type of its package URL, for example `deb`."""

    name: str
    version: str
    license: str
    kind: str = ""


@dataclass(frozen=True)
class Contained:
    """Something that the SBOM lists as part of the bundle.

    Attributes:
        packages: what the SBOM lists inside it.
        remarks: what the SBOM says about the list: why it is not complete.
    """

    name: str
    version: str
    purpose: str
    packages: tuple[Package, ...]
    remarks: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Number of packages by kind."""
        return dict(sorted(Counter(each.kind for each in self.packages).items()))


@dataclass(frozen=True)
class Advisory:
    """A file about vulnerabilities that the bundle carries; `counts` are by status or severity."""

    path: str
    kind: str
    date: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Provenance:
    """How a bundle was built, as its attestation says.

    Attributes:
        facts: pairs of a key in the catalogue of words and a text.
        dependencies: names and digests of what it was built from.
    """

    facts: tuple[tuple[str, str], ...]
    dependencies: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Checked:
    """What was checked before the bundle was read.

    Attributes:
        files: number of files whose digests were compared.
        signers: fingerprints of trusted keys that signed it.
        claimed: fingerprints of the keys in the bundle, if no key was given to check signatures with.
    """

    files: int
    signers: tuple[str, ...]
    claimed: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What one page shows.

    Attributes:
        file: name of the bundle's file; None for a plan.
        size: bytes of that file; for a plan, of the images in the bundle.
        created: seconds since 1970, UTC; None for a plan.
        compression: `keep` or `compact`.
        packed: bytes of the images in the bundle; an estimate for a plan of `compact`.
        kept: bytes of all distinct blobs as published.
        documented: whether the services' definitions could be read: the bundle has a Compose document.
        secrets: names of secrets of the Compose document; the site's own are among the variables.
        checks: all checks of the preflight, in the language of the run; empty if the packer lists none.
        notes: the packer's lines about itself: labels and texts, in the language of the run.
        contained: from the SBOM; None if there is none, or if it is too large to show.
        provenance: likewise.
        checked: None for a plan.
    """

    title: str
    name: str
    version: str
    profile: str
    platform: str
    project: str
    file: str | None
    size: int
    created: int | None
    compression: str
    packed: int
    kept: int
    images: tuple[Image, ...]
    documented: bool
    services: tuple[Service, ...]
    networks: tuple[Network, ...]
    volumes: tuple[Volume, ...]
    secrets: tuple[str, ...]
    ports: tuple[Port, ...]
    mounts: tuple[Mount, ...]
    variables: tuple[Variable, ...]
    requirements: tuple[Requirement, ...]
    checks: tuple[SiteCheck, ...]
    notes: tuple[tuple[str, str], ...]
    contained: tuple[Contained, ...] | None
    advisories: tuple[Advisory, ...]
    provenance: Provenance | None
    checked: Checked | None

    @cached_property
    def blobs(self) -> dict[str, int]:
        """Bytes of all distinct blobs of all images, by digest."""
        return {digest: size for image in self.images for digest, size in image.blobs.items()}

    @cached_property
    def wanted(self) -> tuple[tuple[Requirement, SiteCheck], ...]:
        """The bundle's own requirements, and how their checks show them."""
        shown = {each.id: each for each in self.checks}
        return tuple(
            (
                each,
                shown.get(each.id) or SiteCheck(each.id, "", "", each.minimum or "", each.recommended or ""),
            )
            for each in self.requirements
        )

    @cached_property
    def shared(self) -> tuple[Shared, ...]:
        """Layers of more than one image, the largest first."""
        return shared_layers(self.images)


def shared_layers(images: Sequence[Image]) -> tuple[Shared, ...]:
    """Return the layers that several of the images contain, the largest first."""
    users: dict[Blob, list[str]] = {}
    for image in images:
        for layer in dict.fromkeys(image.layers):
            users.setdefault(layer, []).append(image.name)
    found = [Shared(layer, tuple(names)) for layer, names in users.items() if len(names) > 1]
    return tuple(sorted(found, key=lambda each: (-each.layer.size, each.layer.digest)))
