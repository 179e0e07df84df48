"""Settings of the application `compose`. The docstring of each field is its text on the reference page."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bundler.api.application import LONGEST_PROBE
from bundler.api.templates.formats import TemplateFormat
from bundler.api.text import Text
from bundler.api.variable import EnvironmentName, Generator, SiteVariable
from bundler.errors import HintedValueError
from bundler.language import tr
from bundler.profile.base import ProfileModel
from bundler.profile.values import Identifier
from bundler_compose.reading.environment import is_reserved

OneLine = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")]
KeptData = Annotated[
    str, Field(pattern=r"^(volume:[A-Za-z0-9][A-Za-z0-9._-]*|(\./)?[A-Za-z0-9._@+-][^\x00-\x20:\\]*)$")
]
SecretDecision = Literal["generate", "ask", "carry", "public"] | Generator
CarriedPath = Annotated[
    str, Field(pattern=r"^[^\x00-\x1f/][^\x00-\x1f]*$"), AfterValidator(posixpath.normpath)
]
"""A path of the project, relative to its root; `./` before it is left out."""
LocalPath = Annotated[Path, Field(strict=False)]


class TemplateSetting(ProfileModel):
    """A carried file in which `@@NAME@@` is replaced, with its format if the name does not determine it."""

    path: str
    """Path of the file as the Compose file mounts it, without a leading `./`."""
    format: TemplateFormat
    """How values are quoted in the file: `text` (not quoted), `nginx`, `yaml`, `json`, `toml`, `shell`,
    `properties`, `env`, `ini`, `xml`, `html`."""


class DumpSetting(ProfileModel):
    """A database that can export and import all its data while it runs."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    """Name of the dump's file in a backup."""
    service: str
    """Service that the commands run in. It requires a health check."""
    backup: OneLine
    """Command of one line for `sh -c` in the service's container that writes the dump to standard output. For
    example `pg_dump -U shop -d shop --clean --if-exists`."""
    restore: OneLine
    """Command of one line for `sh -c` in the same container that loads the dump from standard input into a
    new, empty database. For example `psql -q -v ON_ERROR_STOP=1 -U shop -d shop`."""


class LifecycleSetting(ProfileModel):
    """How the project's data are backed up.

    By default, a backup stops all services and copies all folders and volumes. This is correct for every
    database, but the services are unavailable while the copy is made.
    """

    quiesce: tuple[str, ...] = ()
    """Services that write data, in the order in which they are stopped; all others are stopped after them."""
    dumps: tuple[DumpSetting, ...] = ()
    """Databases that are dumped, and restored in this order."""
    dumped: tuple[KeptData, ...] = ()
    """Data that the dumps contain: paths as the Compose file mounts them (`./data/db`), or `volume:NAME`.
    They are not copied, and are empty when the dumps are restored."""
    disposable: tuple[KeptData, ...] = ()
    """Caches that are left out of backups, named like `dumped`."""
    migrations: tuple[str, ...] = ()
    """Jobs that migrate the data to a new release."""


class ProbeSetting(ProfileModel):
    """A test that the project works: a command in a service's container that exits with 0.

    It runs with `status` and after each start. If it fails, the end of its output is shown, without secrets.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    """Name of the probe: `--accept probe-ID` continues if it fails."""
    service: str
    """Service that the command runs in."""
    command: Annotated[tuple[OneLine, ...], Field(min_length=1)]
    """Program and arguments, for example `[redis-cli, ping]` or `[sh, -c, 'test -s /data/index']`. `${NAME}`
    is not replaced: the command reads values, secrets above all, from the container's environment."""
    title: Text
    """What the probe tests, by language: `{en: ..., zh: ...}`."""
    remedy: Text
    """What to do if it fails, by language."""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PROBE)] = 8
    """Maximum duration in seconds. The command should finish earlier: after a timeout, it may continue to run
    in the container."""
    script: str | None = None
    """File of the project that the command reads on standard input, for example with `command: [sh]`."""
    when: EnvironmentName | None = None
    """Site variable that enables the probe: if it has no value, the probe is skipped."""


class ComposeSettings(ProfileModel):
    """Settings of the application `compose`."""

    project: LocalPath
    """Folder or Compose file of the project. As in Compose, its paths are relative to the file's folder."""
    files: tuple[str, ...] = ()
    """Compose files of the project's folder, each merged into those before it, as `docker compose -f` has
    them. By default those of COMPOSE_FILE in `.env`, or `compose.yaml` and `compose.override.yaml`."""
    images: Mapping[str, OneLine] = {}
    """Images of services by service, for example of those that the project builds and does not name. The
    source `docker` takes them from the engine on which they were built."""
    name: Identifier | None = None
    """Name of the application, part of the bundle's name. By default the project's name. It names the Compose
    project too, unless COMPOSE_PROJECT_NAME in `.env` or `name:` in a Compose file does."""
    title: str | None = None
    """Display name. By default the application's name."""
    profiles: tuple[str, ...] = ()
    """Compose profiles to enable; services of other profiles are not bundled. By default those of
    COMPOSE_PROFILES in `.env`."""
    values: Mapping[str, Any] = {}
    """Values for templates, and of variables of the Compose file, which are then the same at every
    site. They go before `.env`, as the shell does for Compose; the shell of the build is not read."""
    variables: tuple[SiteVariable, ...] = ()
    """Site variables, in the order in which the installer asks for them. Every other `${NAME}` of the Compose
    file becomes one automatically: a secret if its name suggests one (PASSWORD, SECRET, TOKEN, KEY), a port
    if it is published, otherwise a string."""
    literal_secrets: Literal["refuse", "generate", "carry"] = "refuse"
    """What to do with passwords in plain text in the project: `refuse` them; `generate` a secret at the site
    for each, in every place where it stands; `carry` them in the bundle, where everyone who has it can read
    them."""
    secrets: Mapping[EnvironmentName, SecretDecision] = {}
    """What to do with single secrets, by the name that `bundle init` and errors show: `generate` one at each
    site; `ask` for it at the installation; `carry` it in the bundle; `public`: it is no secret; or a
    generator (`random:N`, `hex:N`, `base64url:N`, `uuid`). A secret whose `file` the project does not have
    is named too, e.g. DB_PASSWORD for `secrets: db-password`."""
    site_templates: tuple[str | TemplateSetting, ...] = ()
    """Carried files in which `@@NAME@@` is replaced by the site variable NAME, e.g. `nginx/nginx.conf`. The
    value is quoted for the file's format, which follows from its name (`.yaml`, `.yml`, `.json`, `.toml`,
    `.sh`, `.bash`, `.properties`, `.env`, `.ini`, `.xml`, `.html`, `.htm`; `nginx.conf`, and `.conf` in a
    folder `nginx`), or from the first line of a shell script; all others are `text`.
    `{path: app.conf, format: nginx}` sets it."""
    root: Annotated[str, Field(pattern=r"^\.\.(/\.\.)*$")] | None = None
    """Folder above the Compose file whose files belong to the project, for example `..`, for projects that
    mount `../shared`. All paths in these settings are then relative to it. By default, the Compose file's
    folder."""
    templates: tuple[CarriedPath, ...] = ()
    """Files of the project that are rendered with Jinja2 and `values` when the bundle is built, e.g.
    `conf/site.conf.j2`, which becomes `conf/site.conf`. Every other `*.j2` file is the application's own and
    is carried untouched. A Compose file whose name ends with `.j2` is always a template."""
    carry: Mapping[CarriedPath, Literal["configuration", "data", "initial"]] = {}
    """What mounted paths of the project are, where their form does not say it; the kind of a folder is that
    of all paths below it. `configuration`: it travels, lies in each release, and services only read it.
    `data`: a folder that does not travel and begins empty below `<root>/data`. `initial`: it travels, is
    copied to `<root>/data` once, and then belongs to the site. `bundle plan` shows the kind of each mount. A
    private key or password file travels only if it is named here itself."""
    data: tuple[CarriedPath, ...] = ()
    """Folders that are `data` in `carry`. Mounted folders that do not exist in the project are always
    data."""
    host_paths: tuple[Annotated[str, Field(pattern=r"^/[^\x00-\x1f]*$")], ...] = ()
    """Absolute paths of the site's server that services may mount, with all below them, e.g.
    `/etc/localtime`."""
    compare: Literal["auto", "require", "off"] = "auto"
    """Whether the bundle's document is compared with what Docker Compose itself makes of the project, with
    the values of today: `auto` where the machine of the build has `docker compose` or `docker-compose`;
    `require` needs one; `off` does not compare. A difference is an error. A project with templates (`*.j2`)
    is not compared."""
    lifecycle: LifecycleSetting = LifecycleSetting()
    """How the project's data are backed up and migrated."""
    probes: Annotated[tuple[ProbeSetting, ...], Field(max_length=20)] = ()
    """Tests that the project works, beyond the health of its services."""

    @model_validator(mode="after")
    def _check_twice(self) -> Self:
        names = [variable.name for variable in self.variables]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise HintedValueError(
                    tr("{name!r} is listed twice", name=name),
                    hint=tr("keep one of them"),
                    at=("variables", index, "name"),
                )
            if is_reserved(name):
                raise HintedValueError(
                    tr("{name!r}: a name that the installer, the shell or Docker reads itself", name=name),
                    hint=tr("choose another name, or give its value in `settings: values`"),
                    at=("variables", index, "name"),
                )
        for index, path in enumerate(self.data):
            if self.carry.get(path, "data") != "data":
                raise HintedValueError(
                    tr("{path!r} is {carry} in `carry`", path=path, carry=self.carry[path]),
                    hint=tr("keep one of them"),
                    at=("data", index),
                )
        ids = [probe.id for probe in self.probes]
        for index, identifier in enumerate(ids):
            if identifier in ids[:index]:
                raise HintedValueError(
                    tr("{identifier!r} is listed twice", identifier=identifier),
                    hint=tr("rename one of them"),
                    at=("probes", index, "id"),
                )
        return self
