"""What an application provides: a neutral model of what runs at the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, runtime_checkable

from bundler.api.images import SourceOptions
from bundler.bundle.content import content_of
from bundler.bundle.tar import Member

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bundler.api.adoption import Adoption
    from bundler.api.templates.formats import TemplateFormat
    from bundler.api.text import Text
    from bundler.api.variable import SiteVariable
    from bundler.image.platform import Platform
    from bundler.store.blobs import Store


@dataclass(frozen=True)
class ConfigFile:
    """A file of the bundle's `config/` folder.

    Attributes:
        path: relative to `config/`.
        content: the bytes, or the path of a file on this machine.
        mode: file mode at the site.
        template: format used to quote site values that replace `@@NAME@@`; None if the file is not a
            template.
    """

    path: str
    content: bytes | Path
    mode: int = 0o644
    template: TemplateFormat | None = None

    def read(self) -> bytes:
        """Return the file's bytes."""
        return b"".join(content_of(self.content).chunks())

    def member(self, folder: str) -> Member:
        """Return the file as a member of the bundle, below `folder`."""
        return Member.of(f"{folder}/{self.path}", self.content, self.mode)


@dataclass(frozen=True)
class DataFolder:
    """A folder below `<root>/data`, created before the first start."""

    path: str
    mode: int = 0o755
    uid: int | None = None
    gid: int | None = None


INITIAL: Final = ".initial-data"
"""Folder below `config/` with the initial content of data."""


@dataclass(frozen=True)
class InitialFile:
    """A file that a service writes and that a bundle brings: the initial content of `<root>/data/<path>`.

    The first installation delivers it; from then on it belongs to the site. An upgrade renews it unless the
    site changed it. The content is that of `config/.initial-data/<path>`.
    """

    path: str
    mode: int = 0o644
    uid: int | None = None
    gid: int | None = None


MountKind = Literal["configuration", "data", "initial", "host"]
"""Kind of a mounted path. `initial`: data with initial content."""


@dataclass(frozen=True)
class Mount:
    """A path that a service mounts, for `plan` and `inspect`.

    Attributes:
        service: name of the service, or `volume NAME` for a volume that binds a path.
        source: path in the project, or absolute path of the host.
        target: path in the container.
        kind: what it is.
        place: where it lies at the site: `config/...` of the release, `data/...` below the root, or an
            absolute path.
        read_only: whether the service cannot write to it.
    """

    service: str
    source: str
    target: str
    kind: MountKind
    place: str
    read_only: bool = False


@dataclass(frozen=True)
class Certificate:
    """A TLS certificate, given or made at the site: docs/reference/bundle-format.md, `certificates.tsv`."""

    host: str
    certificate: str
    key: str
    self_signed: str
    certificate_path: str
    key_path: str


@dataclass(frozen=True)
class Requirement:
    """A requirement that the preflight checks; docs/reference/preflight.md lists the ids.

    Attributes:
        id: name of the check, `sysctl:NAME` for kernel settings.
        minimum: with less, or an older version, the preflight fails.
        recommended: with less, there is a warning.
        reason: what requires it, in English, for `plan` and `inspect`; None if the profile does.
    """

    id: str
    minimum: str | None = None
    recommended: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Dump:
    """A dump of data that a running service can export and import as a whole, such as a database.

    Attributes:
        id: name of the file in a backup; `[a-z0-9][a-z0-9._-]*`.
        service: service in whose container the commands run; it keeps running while the services of
            `Lifecycle.quiesce` are stopped.
        backup: one line for `sh -c` in that container; writes the dump to standard output.
        restore: one line for `sh -c` in that container; reads the dump from standard input and replaces the
            existing data.
    """

    id: str
    service: str
    backup: str
    restore: str


@dataclass(frozen=True)
class Lifecycle:
    """How to back up, restore, quiesce and migrate an application.

    Attributes:
        quiesce: services that write data, in the order in which they are stopped before a backup. All other
            services are stopped after them, except those in which dumps run.
        dumps: taken while the writing services are stopped, and restored in this order.
        dumped: folders below `<root>/data` that the dumps cover; a backup does not copy them.
        disposable: folders below `<root>/data` that need no backup, such as caches.
        migrations: jobs that change data for a new release. After one has run, a rollback requires the
            backup.
    """

    quiesce: tuple[str, ...] = ()
    dumps: tuple[Dump, ...] = ()
    dumped: tuple[str, ...] = ()
    disposable: tuple[str, ...] = ()
    migrations: tuple[str, ...] = ()


LONGEST_PROBE: Final = 9
"""Longest time of a probe, in seconds. All probes of an application run at once, within ten seconds."""


@dataclass(frozen=True)
class Probe:
    """A test that the application works: a command in a service's container that exits with 0.

    Attributes:
        id: name of the probe; `[a-z0-9][a-z0-9._-]*`.
        service: service in whose container the command runs.
        command: program and arguments, none of them empty, run without a shell. Arguments must not contain
            secrets: the command reads those from the container's environment.
        limit: timeout in seconds, `LONGEST_PROBE` at most.
        title: what the probe tests, for people.
        remedy: what to do if it fails.
        script: path below `files/` of one of `ApplicationModel.carried`; the command reads it on standard
            input.
        when: a site variable; the probe is skipped if the site gives it no value.
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
    """An application with all build-time settings applied: a Compose document and what belongs to it.

    Attributes:
        name, version: of the application; `[a-z0-9][a-z0-9._-]*`.
        compose: the Compose document. Paths in it are relative to `config/`; `${NAME}` is a site variable.
        files, variables, data, certificates, requirements: what the Compose document depends on.
        carried: other files of the bundle, below `files/`.
        lifecycle: how the data are backed up; by default the installer stops all services and copies
            everything.
        probes: tests that the application works, beyond the health checks of its services.
        adoption: rules for adopting an installation that was made without this program.
        initial: files of `data` that the first installation delivers.
        mounts: the paths that services mount, each with what it is and where it lies at the site.
        remarks: what the user of the build should know, a line each.
        in_cluster: the same application as a cluster has it, where its document or its files say something
            else there: the same services with the same images, and the same variables. Its remarks, marked by
            `tr_later`, are lines of the target's report. None if nothing is different.
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
    initial: tuple[InitialFile, ...] = ()
    mounts: tuple[Mount, ...] = ()
    remarks: tuple[str, ...] = ()
    in_cluster: ApplicationModel | None = None


@dataclass(frozen=True)
class ApplicationContext:
    """Input from which an application builds its model.

    Attributes:
        profile: the profile's name.
        settings: an instance of the application's `settings_model`.
        base: folder that relative paths in the settings are resolved against.
        version: the profile's `version`, or None.
        platform: target platform of the bundle.
        store: keeps downloads, and in its `cache(NAME)` the files that the application generates; None for
            the user's default store.
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
    """Models one application, or reads one way of describing applications."""

    name: str

    @property
    def settings_model(self) -> type[BaseModel]:
        """Model of the profile's `settings`; part of `bundle schema`. A plain attribute also satisfies it."""

    def model(self, context: ApplicationContext) -> ApplicationModel:
        """Apply all build-time settings and return the model.

        Raises:
            BundleError: the settings contradict each other, or a file is missing.
        """


@dataclass(frozen=True)
class InitResult:
    """The result of `bundle init`.

    Attributes:
        path: the profile's file.
        images: references of the images that the project's services run.
        notes: remarks that the user should read.
    """

    path: Path
    images: tuple[str, ...]
    notes: tuple[str, ...]


@runtime_checkable
class Initializer(Protocol):
    """An application that can write a profile for an existing project."""

    def init(self, source: Path, target: Path) -> InitResult:
        """Write `<target>/<project>.yaml`.

        Args:
            source: the project's file or folder.
            target: folder for the profile; created if it does not exist.

        Raises:
            BundleError: the project cannot be bundled, or the profile already exists.
        """
