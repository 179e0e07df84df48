"""Settings of the application `compose`. The docstring under each field is its reference page's text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from bundler.api.templates.formats import TemplateFormat
from bundler.api.text import Text
from bundler.api.variable import EnvironmentName, SiteVariable
from bundler.errors import HintedValueError
from bundler.profile.base import ProfileModel
from bundler.profile.values import Identifier

OneLine = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")]
KeptData = Annotated[
    str, Field(pattern=r"^(volume:[A-Za-z0-9][A-Za-z0-9._-]*|(\./)?[A-Za-z0-9._@+-][^\x00-\x20:\\]*)$")
]
LocalPath = Annotated[Path, Field(strict=False)]


class TemplateSetting(ProfileModel):
    """A carried file in which `@@NAME@@` is replaced, and its format where its name does not tell."""

    path: str
    """As the Compose file mounts it, without `./` before it."""
    format: TemplateFormat
    """How values are quoted there: `text` (not at all), `nginx`, `yaml`, `json`, `toml`, `shell`,
    `properties`, `env`, `ini`, `xml`, `html`."""


class DumpSetting(ProfileModel):
    """A database that hands out its data whole and takes them back, while it runs."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    """Names the file in a backup."""
    service: str
    """Service that the commands run in. It needs a health check."""
    backup: OneLine
    """One line for `sh -c` in the service's container; writes the dump to standard output. For example
    `pg_dump -U shop -d shop --clean --if-exists`."""
    restore: OneLine
    """One line for `sh -c` there; reads the dump from standard input into a database that is new and empty.
    For example `psql -q -v ON_ERROR_STOP=1 -U shop -d shop`."""


class LifecycleSetting(ProfileModel):
    """How the project's data are backed up.

    Where nothing is said, a backup stops every service and copies all folders and volumes as they lie: right
    for every database, and the services are away as long as the copy takes.
    """

    quiesce: tuple[str, ...] = ()
    """Services that write, in the order in which they are stopped; all others are stopped after them."""
    dumps: tuple[DumpSetting, ...] = ()
    """Databases that are dumped, and fed back in this order."""
    dumped: tuple[KeptData, ...] = ()
    """What the dumps stand for: paths as the Compose file mounts them (`./data/db`), or `volume:NAME`. Left
    out of the copy, and empty when the dumps are fed back."""
    disposable: tuple[KeptData, ...] = ()
    """Caches, named the same way, that are not worth a backup."""
    migrations: tuple[str, ...] = ()
    """Jobs that change data for a new release."""


class ProbeSetting(ProfileModel):
    """Proof that the project works: a command in a service's container that ends with 0.

    It is made by `status` and after each start. What it prints last is shown where it fails, without secrets.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    """Names it: `--accept probe-ID` goes on where it fails."""
    service: str
    """Service that the command runs in."""
    command: Annotated[tuple[OneLine, ...], Field(min_length=1)]
    """Program and arguments, for example `[redis-cli, ping]` or `[sh, -c, 'test -s /data/index']`. No
    `${NAME}` is filled in: values, secrets above all, it takes from the container's own environment."""
    title: Text
    """What it proves, by language: `{en: ..., zh: ...}`."""
    remedy: Text
    """What to do where it fails, by language."""
    limit: Annotated[int, Field(ge=1, le=9)] = 8
    """Seconds that it may take. It should end by itself before: what is cut off may go on in the
    container."""
    script: str | None = None
    """File of the project that the command reads on standard input, for example with `command: [sh]`."""
    when: EnvironmentName | None = None
    """Site variable: where it has no value, the probe does not apply."""


class ComposeSettings(ProfileModel):
    """Settings of the application `compose`."""

    project: LocalPath
    """The project's folder, or its Compose file. Paths in it are relative to its folder, as for Compose."""
    name: Identifier | None = None
    """Name of the application, part of the bundle's name. By default the project's."""
    title: str | None = None
    """Name for people."""
    profiles: tuple[str, ...] = ()
    """Compose profiles that are switched on; services of other profiles stay out of the bundle."""
    values: Mapping[str, Any] = {}
    """For templates (`*.j2`), and for `${NAME}` in image references."""
    variables: tuple[SiteVariable, ...] = ()
    """Site variables, asked for in this order. Every other `${NAME}` of the Compose file becomes one by
    itself: a secret where the name says so (PASSWORD, SECRET, TOKEN, KEY), a port where it is published,
    else a text."""
    literal_secrets: Literal["refuse", "generate", "carry"] = "refuse"
    """What happens to passwords that are written in the project: `refuse`; `generate` makes each a secret
    of the site; `carry` leaves them in the bundle, for everyone to read who has it."""
    site_templates: tuple[str | TemplateSetting, ...] = ()
    """Carried files in which `@@NAME@@` is replaced by the site variable NAME, e.g. `nginx/nginx.conf`. The
    value is quoted for the file's format: by its name (`.yaml`, `.yml`, `.json`, `.toml`, `.sh`, `.bash`,
    `.properties`, `.env`, `.ini`, `.xml`, `.html`, `.htm`; `nginx.conf`, and `.conf` in a folder `nginx`), a
    shell script by its first line; others are `text`. `{path: app.conf, format: nginx}` says it."""
    data: tuple[str, ...] = ()
    """Folders of the project that hold the application's data: they are not carried but made empty below
    `<root>/data`. Folders that are not there are data by themselves."""
    host_paths: tuple[str, ...] = ()
    """Paths of the site's host that services may mount, e.g. `/etc/localtime`."""
    lifecycle: LifecycleSetting = LifecycleSetting()
    """How the project's data are backed up, and what changes them."""
    probes: Annotated[tuple[ProbeSetting, ...], Field(max_length=20)] = ()
    """What proves that the project works, beyond the health of its services."""

    @model_validator(mode="after")
    def _check_twice(self) -> Self:
        names = [variable.name for variable in self.variables]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise HintedValueError(
                    f"{name!r} is listed twice", hint="keep one of them", at=("variables", index, "name")
                )
            if name.startswith("BUNDLE_"):
                raise HintedValueError(
                    f"{name!r}: names that start with BUNDLE_ are reserved for the installer",
                    hint="choose another name",
                    at=("variables", index, "name"),
                )
        ids = [probe.id for probe in self.probes]
        for index, identifier in enumerate(ids):
            if identifier in ids[:index]:
                raise HintedValueError(
                    f"{identifier!r} is listed twice", hint="rename one of them", at=("probes", index, "id")
                )
        return self
