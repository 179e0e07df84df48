"""What an application provides: the neutral model of what runs at the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from bundler.api.images import SourceOptions
from bundler.bundle.content import content_of
from bundler.bundle.tar import Member

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bundler.api.adoption import Adoption
    from bundler.api.templates.formats import TemplateFormat
    from bundler.api.text import Text
    from bundler.image.oci import Platform
    from bundler.store.blobs import Store

VariableKind = Literal["string", "port", "integer", "boolean", "host", "path", "choice", "secret"]


@dataclass(frozen=True)
class SiteVariable:
    """A value that is known only at the site. See docs/reference/bundle-format.md, `variables.tsv`."""

    name: str
    kind: VariableKind = "string"
    prompt: Text | None = None
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

    def read(self) -> bytes:
        """Its bytes."""
        return b"".join(content_of(self.content).chunks())

    def member(self, folder: str) -> Member:
        """It as a file of the bundle, below `folder`."""
        return Member.of(f"{folder}/{self.path}", self.content, self.mode)


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
        title: what it proves, for people.
        remedy: what to do where it fails.
        script: path below `files/` of one of `ApplicationModel.carried`, which it reads on standard input.
        when: a site variable: there is nothing to prove where the site gives it no value.
    """

    id: str
    service: str
    command: tuple[str, ...]
    title: Text
    remedy: Text
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
        store: keeps what is downloaded, its `cache(NAME)` what the application makes; None for the user's.
        ca_file, offline, min_speed: as in `SourceOptions`.
    """

    profile: str
    settings: BaseModel
    base: Path
    version: str | None
    platform: Platform
    store: Store | None = None
    ca_file: Path | None = None
    offline: bool = False
    min_speed: int = SourceOptions.min_speed


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
