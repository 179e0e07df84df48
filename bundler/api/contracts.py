"""What plugins provide. A plugin registers objects of these shapes; a profile names them.

Protocols, so that a third party's plugin needs nothing of ours but the models it hands over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bundler.api.adoption import Adoption
    from bundler.api.template_formats import TemplateFormat
    from bundler.bundle.manifest import BundleManifest
    from bundler.bundle.tar import Member
    from bundler.image.oci import Descriptor, Manifest, Platform
    from bundler.image.reference import Reference
    from bundler.store.blobs import Store

# ---------------------------------------------------------------- images


@dataclass(frozen=True)
class ResolvedImage:
    """An image pinned to its bytes.

    Attributes:
        reference: as the application names it.
        source: name of the source that has it.
        digest: what pins it: the manifest's digest, or the image ID (the config's digest) where
            the source has no manifest.
        manifest: the manifest for the platform; None where the source can tell it only by exporting
            the image (a Docker engine).
        size: bytes of all blobs; an estimate where `manifest` is None.
    """

    reference: Reference
    source: str
    digest: str
    manifest: Manifest | None
    size: int


class BlobStream(Protocol):
    """A blob's bytes as they arrive."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end."""

    def close(self) -> None:
        """Give the connection back; no error when called twice."""


@runtime_checkable
class ImageSource(Protocol):
    """Somewhere images come from. Methods are called from several threads at once."""

    name: str
    """What profiles call it, for example `registry`."""

    def resolve(self, reference: Reference, platform: Platform) -> ResolvedImage:
        """Find the image and pin it. Writes nothing.

        Raises:
            ImageNotFoundError: this source does not have it; the next one is asked.
            FetchError: it should be here but cannot be had, or is not what it should be.
        """

    def open_blob(self, image: ResolvedImage, descriptor: Descriptor, offset: int = 0) -> BlobStream:
        """The blob's bytes from `offset` on. Reconnects by itself while there is hope.

        The caller checks digest and size. Only called for images that have a manifest.

        Raises:
            FetchError: the blob cannot be had.
        """

    def export(self, image: ResolvedImage, store: Store) -> Manifest:
        """Stream a whole image into `store` and return its manifest.

        Only called for images without a manifest.

        Raises:
            FetchError: the export broke or its bytes are not what they should be.
        """

    def close(self) -> None:
        """Release connections."""


@dataclass(frozen=True)
class SourceOptions:
    """What the command line and the profile say of where images come from.

    Attributes:
        mirrors: registry host -> `host[:port][/prefix]` asked first.
        insecure: hosts (with port) that may be spoken to in plain HTTP.
        ca_file: PEM file with private certificate authorities.
        archives: absolute paths that hold images (docker-archive, OCI layout).
        offline: nothing may be connected to.
        min_speed: bytes a second that a server must send on average over a minute; 0 for no limit.
    """

    mirrors: Mapping[str, str] = field(default_factory=dict)
    insecure: frozenset[str] = frozenset()
    ca_file: Path | None = None
    archives: tuple[Path, ...] = ()
    offline: bool = False
    min_speed: int = 1000


class SourceFactory(Protocol):
    """Makes a source for one run."""

    name: str

    def __call__(self, options: SourceOptions) -> ImageSource:
        """Connect lazily: making a source costs nothing."""


# ---------------------------------------------------------------- applications

VariableKind = Literal["string", "port", "integer", "boolean", "host", "path", "choice", "secret"]


@dataclass(frozen=True)
class SiteVariable:
    """A value that is known only at the site. See docs/reference/bundle-format.md, `variables.tsv`."""

    name: str
    kind: VariableKind = "string"
    prompt_en: str = ""
    prompt_zh: str = ""
    default: str | None = None
    required: bool = False
    generator: str | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConfigFile:
    """A file that travels under `config/`.

    Attributes:
        path: relative to `config/`.
        content: its bytes, or the file on this machine that has them.
        mode: at the site.
        template: the format, where `@@NAME@@` is replaced by site variables there; None where it is not.
    """

    path: str
    content: bytes | Path
    mode: int = 0o644
    template: TemplateFormat | None = None


@dataclass(frozen=True)
class DataFolder:
    """A folder below `<root>/data`, made before the first start."""

    path: str
    mode: int = 0o755
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True)
class Certificate:
    """A TLS certificate, given or made at the site: `certificates.tsv` in docs/reference/bundle-format.md."""

    host: str
    certificate: str
    key: str
    self_signed: str
    certificate_path: str
    key_path: str


@dataclass(frozen=True)
class Requirement:
    """What a check of the preflight asks for: docs/reference/preflight.md has the ids."""

    id: str
    minimum: str | None = None
    recommended: str | None = None


@dataclass(frozen=True)
class Dump:
    """Data that a running service hands out and takes back whole: a database.

    Attributes:
        id: names the file in a backup; `[a-z0-9][a-z0-9._-]*`.
        service: that the commands run in; it runs while the services of `Lifecycle.quiesce` are stopped.
        backup: one line for `sh -c` in the service's container; writes the dump to standard output.
        restore: one line for `sh -c` there; reads the dump from standard input and replaces what is there.
    """

    id: str
    service: str
    backup: str
    restore: str


@dataclass(frozen=True)
class Lifecycle:
    """What backup, restore, quiesce and migrate mean for an application.

    Attributes:
        quiesce: services that write, in the order in which they are stopped before a backup; every other
            one is stopped after them, but for those that dumps run in.
        dumps: taken while the writers are stopped, and fed back in this order.
        dumped: folders below `<root>/data` that the dumps stand for: left out of a backup's copy.
        disposable: folders below `<root>/data` that are not worth a backup: caches.
        migrations: jobs that change data for a new release: after one ran, going back takes the backup.
    """

    quiesce: tuple[str, ...] = ()
    dumps: tuple[Dump, ...] = ()
    dumped: tuple[str, ...] = ()
    disposable: tuple[str, ...] = ()
    migrations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Probe:
    """Proof that the application works: a command in a service's container that ends with 0.

    Attributes:
        id: names it; `[a-z0-9][a-z0-9._-]*`.
        service: that the command runs in.
        command: program and arguments, none of them empty. No shell is between, and none of them is a secret:
            those it takes from the container's environment.
        limit: seconds that it may take.
        title_en, title_zh: what it proves, for people; remedy_en, remedy_zh: what to do where it fails.
        script: path below `files/` of one of `ApplicationModel.carried`, which it reads on standard input.
        when: a site variable: there is nothing to prove where the site gives it no value.
    """

    id: str
    service: str
    command: tuple[str, ...]
    title_en: str
    title_zh: str
    remedy_en: str
    remedy_zh: str
    limit: int = 8
    script: str | None = None
    when: str | None = None


@dataclass(frozen=True)
class ApplicationModel:
    """An application with all build-time settings bound: the neutral model, a Compose document.

    Attributes:
        name, version: of the application; `[a-z0-9][a-z0-9._-]*`.
        compose: the Compose document. Paths in it are relative to `config/`; `${NAME}` is a site variable.
        files, variables, data, certificates, requirements: what goes with it.
        carried: other files of the bundle, below `files/`.
        lifecycle: how its data are kept safe; the installer copies all of them cold where nothing is said.
        probes: what proves that it works, beyond the health of its services.
        adoption: what becomes of an installation that somebody made without this program.
    """

    name: str
    version: str
    title: str
    compose: Mapping[str, Any]
    files: tuple[ConfigFile, ...] = ()
    variables: tuple[SiteVariable, ...] = ()
    data: tuple[DataFolder, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    carried: tuple[ConfigFile, ...] = ()
    lifecycle: Lifecycle = Lifecycle()
    probes: tuple[Probe, ...] = ()
    adoption: tuple[Adoption, ...] = ()


@dataclass(frozen=True)
class ApplicationContext:
    """What an application is asked to model.

    Attributes:
        profile: the profile's name.
        settings: an instance of the application's `settings_model`.
        base: folder that relative paths in the settings start from.
        version: the profile's `version`, if it says one.
        platform: what the bundle is for.
        cache: the store's folder, None for the user's; ca_file, offline: as in `SourceOptions`.
    """

    profile: str
    settings: BaseModel
    base: Path
    version: str | None
    platform: Platform
    cache: Path | None = None
    ca_file: Path | None = None
    offline: bool = False


@runtime_checkable
class Application(Protocol):
    """Knows one application, or one way of describing applications."""

    name: str

    @property
    def settings_model(self) -> type[BaseModel]:
        """Validates the profile's `settings`; its schema is part of `bundle schema`. An attribute will do."""

    def model(self, context: ApplicationContext) -> ApplicationModel:
        """Bind all build-time settings.

        Raises:
            BundleError: the settings do not fit together, or a file is missing.
        """


@dataclass(frozen=True)
class InitResult:
    """What `bundle init` wrote.

    Attributes:
        path: the profile's file.
        images: references that the project's services run.
        notes: what the user should know or look at.
    """

    path: Path
    images: tuple[str, ...]
    notes: tuple[str, ...]


@runtime_checkable
class Initializer(Protocol):
    """An application that can write a profile for a project that is there."""

    def init(self, source: Path, target: Path) -> InitResult:
        """Write `<target>/<project>.yaml`.

        Args:
            source: the project's file or folder.
            target: folder of the profile; made where it is not there.

        Raises:
            BundleError: the project cannot be bundled, or the profile exists.
        """


# ---------------------------------------------------------------- render, sign, pack


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


@runtime_checkable
class Packer(Protocol):
    """Makes the bundle a thing that installs itself."""

    name: str

    def members(
        self, manifest: BundleManifest, application: ApplicationModel, others: Sequence[Member]
    ) -> list[Member]:
        """The packer's own files: `install` and the flat facts. `others` are all other files."""

    def sidecars(self, members: Sequence[Member]) -> list[Member]:
        """Small files beside the bundle, to be sent ahead of it; made of its unsigned members.

        A path has no `/`: it becomes `<bundle>.<path>`, with `<bundle>.<path>.sha256` beside it.
        """
