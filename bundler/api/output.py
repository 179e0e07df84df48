"""What writes the bundle: the renderer of the configuration, and the packer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from bundler.bundle.format import Format

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bundler.api.application import ApplicationModel, ConfigFile
    from bundler.bundle.attestations import Component
    from bundler.bundle.manifest import BundleManifest
    from bundler.bundle.tar import Member
    from bundler.image.oci import Platform


@dataclass(frozen=True)
class PinnedService:
    """A service and the image that it runs, by the name that the site's engine will know."""

    service: str
    image: str


@runtime_checkable
class Renderer(Protocol):
    """Writes the application's configuration for a target (Compose, later Kubernetes)."""

    name: str

    def render(self, application: ApplicationModel, images: Sequence[PinnedService]) -> list[Member]:
        """The files under `config/`."""


class FileOrigin(Protocol):
    """Where the profile says that a file comes from: `bundler.profile.files.DigestedFile`."""

    @property
    def path(self) -> Path | None:
        """File on this machine."""

    @property
    def url(self) -> str | None:
        """Address that it is downloaded from."""

    @property
    def sha256(self) -> str:
        """Hex digits."""


class Carrier(Protocol):
    """Brings files that the profile names: from this machine, the cache, or their address."""

    def bring(self, file: FileOrigin, key: Sequence[str | int]) -> Path:
        """The checked file.

        Args:
            file: what the profile says of it.
            key: under which the profile says it.

        Raises:
            BundleError: it is missing or is not what its digest says; file and line of the profile are named.
        """

    def at(self, key: Sequence[str | int]) -> str:
        """`finance.yaml:7: files.0.sha256`: a key, as messages begin."""


@dataclass(frozen=True)
class PackContext:
    """What a bundle is made of, but for the images.

    Attributes:
        profile: an instance of the packer's `profile_model`.
        application: with all build-time settings bound.
        platform: what the bundle is for.
    """

    profile: BaseModel
    application: ApplicationModel
    platform: Platform


@dataclass(frozen=True)
class Preparation:
    """What a packer carries along. A packer may extend it with what it wants to know later.

    Attributes:
        files: of the bundle, below `files/`.
        components: the software among them, for the SBOM.
    """

    files: tuple[ConfigFile, ...] = ()
    components: tuple[Component, ...] = ()


@dataclass(frozen=True)
class Description:
    """What a packer has to say of a profile or a bundle.

    Attributes:
        lines: for people: what it is about, and what there is to say.
        tables: for people: heads of the columns, and the rows.
        data: for machines.
    """

    lines: tuple[tuple[str, str], ...] = ()
    tables: tuple[tuple[tuple[str, ...], Sequence[tuple[str, ...]]], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """A bundle that was written.

    Attributes:
        path: its file.
        signed: whether it is.
        sidecars: small files beside it, without their signatures.
        public_keys: files with the keys that it is signed by.
    """

    path: Path
    signed: bool
    sidecars: tuple[Path, ...]
    public_keys: tuple[str, ...]


@runtime_checkable
class Packer(Protocol):
    """Makes the bundle a thing that runs at the site. A class may extend it and say only what it needs."""

    name: str

    @property
    def profile_model(self) -> type[BaseModel]:
        """Extends `bundler.profile.model.Profile` with the packer's own sections. An attribute will do."""

    @property
    def format(self) -> Format:
        """The packer's part of the bundle's format. An attribute will do."""

    def prepare(self, context: PackContext, carrier: Carrier) -> Preparation:  # noqa: ARG002 for those that carry
        """Bring what the profile's sections name. Called before the images are fetched.

        Raises:
            BundleError: something is missing or wrong.
        """
        return Preparation()

    def complete(
        self,
        manifest: BundleManifest,
        context: PackContext,  # noqa: ARG002 for those that have keys
        preparation: Preparation,  # noqa: ARG002 likewise
    ) -> BundleManifest:
        """Bundle.json with the packer's own keys: one of `format.manifests`."""
        return manifest

    def members(
        self, manifest: BundleManifest, application: ApplicationModel, others: Sequence[Member]
    ) -> list[Member]:
        """The packer's own files. `others` are all other files."""

    def sidecars(self, members: Sequence[Member]) -> list[Member]:  # noqa: ARG002 for those that have some
        """Small files beside the bundle, to be sent ahead of it; made of its unsigned members.

        A path has no `/`: it becomes `<bundle>.<path>`, with `<bundle>.<path>.sha256` beside it.
        """
        return []

    def plan(self, context: PackContext) -> Description:  # noqa: ARG002 for those that have something to say
        """What `bundle plan` says of the packer's sections."""
        return Description()

    def describe(self, manifest: BundleManifest) -> Description:  # noqa: ARG002 likewise
        """What `bundle inspect` says of the packer's keys in bundle.json."""
        return Description()

    def next_steps(self, bundle: Finished) -> list[str]:  # noqa: ARG002 likewise
        """Lines that say what to do with a bundle, from `bundle verify` on."""
        return []

    def trust_step(self, statement: str) -> str | None:  # noqa: ARG002 likewise
        """The command by which a site takes a rotation or revocation; None where there is none."""
        return None
