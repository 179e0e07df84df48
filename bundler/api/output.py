"""What writes the bundle: the renderer of the configuration, and the packer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from bundler.bundle.format import Format

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bundler.api.application import ApplicationModel, ConfigFile, Requirement
    from bundler.bundle.attestations import Component
    from bundler.bundle.manifest import BundleManifest
    from bundler.bundle.tar import Member
    from bundler.image.platform import Platform


class ImageContents(Protocol):
    """What a container of an image sees of its files."""

    def programs(self, names: Collection[str]) -> frozenset[str]:
        """Return those of `names` that are programs of the image, also as links.

        Raises:
            BundleError: a layer is damaged.
        """

    def read(self, path: str) -> bytes | None:
        """Return the content of `etc/passwd` or `etc/group`; None if the image has none.

        Raises:
            BundleError: a layer is damaged.
        """


@dataclass(frozen=True)
class ImageFacts:
    """What an image says about containers of it: image-spec, config.md.

    Attributes:
        user: user, or `user:group`, as names or numbers; empty for root.
        exposed: ports on which it listens, such as `80/tcp`.
        contents: its files; None if its layers are not on this machine.
        healthcheck: its health check, as its config has it: times in nanoseconds; None if it has none.
    """

    user: str = ""
    exposed: tuple[str, ...] = ()
    contents: ImageContents | None = None
    healthcheck: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True)
class PinnedService:
    """A service and its images, by the tags under which the site's engine knows them.

    Attributes:
        service: name of the service.
        image: tag of the image that it runs.
        others: tags of other images that it uses, by their references in the document.
        platform: what its image is for; None if that is not known.
        facts: what its image says; None if it was not read yet.
    """

    service: str
    image: str
    others: Mapping[str, str] = field(default_factory=dict)
    platform: Platform | None = None
    facts: ImageFacts | None = None


@runtime_checkable
class Renderer(Protocol):
    """Writes the application's configuration for a target: a Compose project, a cluster."""

    name: str

    def notes(self, application: ApplicationModel, images: Sequence[PinnedService]) -> list[str]:
        """Return what is different with this target, a line each in the language of the run.

        Raises:
            BundleError: the application cannot run there; the message names all reasons.
        """

    def render(self, application: ApplicationModel, images: Sequence[PinnedService]) -> list[Member]:
        """Return the files of the target.

        Raises:
            BundleError: as for `notes`.
        """


class FileOrigin(Protocol):
    """The origin of a file as given in the profile: `bundler.profile.files.DigestedFile`."""

    @property
    def path(self) -> Path | None:
        """Path on this machine."""

    @property
    def url(self) -> str | None:
        """URL that the file is downloaded from."""

    @property
    def sha256(self) -> str:
        """Expected digest, hex digits."""


class Carrier(Protocol):
    """Provides files that the profile names, from this machine, the cache or a URL."""

    def bring(self, file: FileOrigin, key: Sequence[str | int]) -> Path:
        """Return the path of the file, with its digest checked.

        Args:
            file: origin of the file, from the profile.
            key: key of the entry in the profile.

        Raises:
            BundleError: the file is missing or has another digest; the message gives file and line of the
                profile.
        """

    def at(self, key: Sequence[str | int]) -> str:
        """Return the position of a key as it begins a message: `finance.yaml:7: files.0.sha256`."""


@dataclass(frozen=True)
class PackContext:
    """What a bundle is made of, except the images.

    Attributes:
        profile: an instance of the packer's `profile_model`.
        application: the application with all build-time settings applied.
        platform: target platform of the bundle.
    """

    profile: BaseModel
    application: ApplicationModel
    platform: Platform


@dataclass(frozen=True)
class Preparation:
    """Files that a packer adds to the bundle. A packer may subclass this to keep data for its later calls.

    Attributes:
        files: members of the bundle, below `files/`.
        components: the software among them, for the SBOM.
    """

    files: tuple[ConfigFile, ...] = ()
    components: tuple[Component, ...] = ()


@dataclass(frozen=True)
class SiteCheck:
    """A check of the preflight as people read it before there is a site, in the language of the run.

    Attributes:
        id: name of the check; with its subject if it has one, as in the id of a requirement.
        group: heading under which it stands.
        name: what is checked.
        required: without it, the preflight fails; empty if nothing is required.
        recommended: without it, there is a warning; empty if nothing is recommended.
    """

    id: str
    group: str
    name: str
    required: str
    recommended: str


@dataclass(frozen=True)
class Description:
    """A packer's description of a profile or a bundle.

    Attributes:
        lines: for people: labels and texts.
        tables: for people: column headings and rows.
        data: for machines.
        requirements: what the bundle requires of a site, for reports.
        checks: all checks of the preflight, for reports; those of `requirements` are among them.
    """

    lines: tuple[tuple[str, str], ...] = ()
    tables: tuple[tuple[tuple[str, ...], Sequence[tuple[str, ...]]], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()
    checks: tuple[SiteCheck, ...] = ()


@dataclass(frozen=True)
class Finished:
    """A finished bundle.

    Attributes:
        path: the bundle's file.
        signed: whether the bundle is signed.
        sidecars: small files beside it, without their signatures.
        public_keys: files with the public keys that verify it.
    """

    path: Path
    signed: bool
    sidecars: tuple[Path, ...]
    public_keys: tuple[str, ...]


@runtime_checkable
class Packer(Protocol):
    """Turns the bundle into something that runs at the site. A subclass overrides only what it needs.

    Attributes:
        name: selected by `packer:`.
        needs: target that every bundle of it has; None if it needs none.
    """

    name: str
    needs: str | None = None

    @property
    def profile_model(self) -> type[BaseModel]:
        """Profile model with the packer's own sections, a subclass of `bundler.profile.model.Profile`.

        A plain attribute also satisfies it.
        """

    @property
    def format(self) -> Format:
        """The packer's part of the bundle format. A plain attribute also satisfies it."""

    def prepare(self, context: PackContext, carrier: Carrier) -> Preparation:  # noqa: ARG002 for those that carry
        """Collect the files that the profile's sections name. Called before the images are fetched.

        Raises:
            BundleError: something is missing or invalid.
        """
        return Preparation()

    def complete(
        self,
        manifest: BundleManifest,
        context: PackContext,  # noqa: ARG002 for packers with keys of their own
        preparation: Preparation,  # noqa: ARG002 likewise
    ) -> BundleManifest:
        """Return the manifest with the packer's own keys: one of `format.manifests`."""
        return manifest

    def members(
        self, manifest: BundleManifest, application: ApplicationModel, others: Sequence[Member]
    ) -> list[Member]:
        """Return the packer's own files. `others` are all other files of the bundle."""

    def sidecars(self, members: Sequence[Member]) -> list[Member]:  # noqa: ARG002 for packers with sidecars
        """Return small files to send ahead of the bundle, made from its unsigned members.

        A path must not contain `/`: it becomes `<bundle>.<path>`, with `<bundle>.<path>.sha256` beside it.
        """
        return []

    def plan(self, context: PackContext) -> Description:  # noqa: ARG002 for packers with own sections
        """Describe the packer's sections for `bundle plan`."""
        return Description()

    def describe(self, manifest: BundleManifest) -> Description:  # noqa: ARG002 likewise
        """Describe the packer's keys in bundle.json for `bundle inspect`."""
        return Description()

    def next_steps(self, bundle: Finished) -> list[str]:  # noqa: ARG002 likewise
        """Return lines that tell the user what to do with the bundle, beginning with `bundle verify`."""
        return []

    def trust_step(self, statement: str) -> str | None:  # noqa: ARG002 likewise
        """Return the command with which a site accepts a rotation or revocation; None if there is none."""
        return None
