"""Resolves `env_file` into `environment`, and `label_file` into `labels`.

Source: compose-go v2, `types/project.go` at e70e961: `WithServicesEnvironmentResolved` and
`WithServicesLabelsResolved`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading.dotenv import Entry, read_dotenv, read_raw
from bundler_compose.reading.environment import ReadFile
from bundler_compose.reading.interpolation import Interpolation, Site
from bundler_compose.site_text import Use

_READERS: Final = {"": read_dotenv, ".env": read_dotenv, "raw": read_raw}


@dataclass(frozen=True)
class EnvFile:
    """An entry of `env_file`.

    Attributes:
        path: as `read` of the caller takes it.
        where: place of the entry for errors.
        required: whether it must exist.
        format: empty, `.env` or `raw`.
    """

    path: str
    where: str
    required: bool = True
    format: Literal["", ".env", "raw"] | str = ""  # noqa: PYI051 any text of a document, refused here


def resolve_environment(
    environment: Mapping[str, str | None],
    files: Iterable[EnvFile],
    read: ReadFile,
    interpolation: Interpolation,
    today: Callable[[str], str | None],
    *,
    places: dict[str, str] | None = None,
) -> dict[str, str | None]:
    """Return the environment of a service with the variables of its files.

    A name without a value has the value of the project's variable. Where the site may set that, a name of
    `environment` remains without a value, and Compose at the site resolves it. So does a name of a file, if
    the variable has a value today; if not, Compose does not pass it, which differs from a name without a
    value: the engine removes such a variable of the image.

    Args:
        environment: `environment` of the service; None for a name without a value.
        files: its `env_file`s.
        read: reads a file of the project.
        interpolation: of this reading.
        today: the project's variables today.
        places: gets the place of each name of a file, such as `web.env:3`.

    Raises:
        BundleError: a file is missing or cannot be read.
    """
    own = {name: _pass(value, name, interpolation) for name, value in environment.items()}
    values: dict[str, str] = {name: value for name, value in own.items() if value is not None}
    passed: dict[str, None] = {}
    for file in files:

        def lookup(name: str) -> str | Site | None:
            found = interpolation.lookup(name)
            if found is not Site.SITE or today(name) is not None:
                return own.get(name) if found is None else found
            local = values.get(name) if own.get(name) is None else own[name]
            if local is None:
                return found
            return interpolation.marks.mark(Use(name, "-", local, file.where))  # noqa: B023 called below

        for entry in _read(file, read, replace(interpolation, lookup=lookup), values):
            if places is not None:
                places[entry.name] = entry.where
            if entry.value is None and today(entry.name) is not None:
                passed[entry.name] = None
    return {**passed, **values, **own}


def _pass(value: str | None, name: str, interpolation: Interpolation) -> str | None:
    if value is not None:
        return value
    found = interpolation.lookup(name)
    return found if isinstance(found, str) else None


def _read(
    file: EnvFile, read: ReadFile, interpolation: Interpolation, values: dict[str, str]
) -> tuple[Entry, ...]:
    content = read(file.path)
    if content is None:
        if not file.required:
            return ()
        raise BundleError(
            tr("{where}: {path} is not there", where=file.where, path=file.path),
            hint=tr("add the file, or make it optional: `{path: ..., required: false}`"),
        )
    if file.format not in _READERS:
        raise BundleError(
            tr("{where}: env_file has no format {format!r}", where=file.where, format=file.format),
            hint=tr("remove it, or `raw`"),
        )
    return _READERS[file.format](content, file.path, interpolation, values)


def resolve_labels(
    labels: Mapping[str, str | None], files: Iterable[EnvFile], read: ReadFile, interpolation: Interpolation
) -> dict[str, str | None]:
    """Return the labels of a service with those of its files, which see only the labels above them.

    Raises:
        BundleError: a file is missing or cannot be read.
    """
    values: dict[str, str] = {}
    for file in files:
        found: dict[str, str] = {}
        _read(file, read, replace(interpolation, lookup=values.get), found)
        values.update(found)
    return {**values, **labels}
