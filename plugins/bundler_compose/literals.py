"""Finds passwords in plain text in a project, and refuses them or replaces them with variables."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bundler.api.application import ConfigFile
from bundler.errors import BundleError
from bundler_compose.document import Document, map_strings
from bundler_compose.env_files import parse_assignments, replace_values

_SECRET: Final = re.compile(
    r"(?:^|_)(?:PASS|PASSWD|PASSWORD|PASSPHRASE|PWD|SECRET|TOKEN|CREDENTIALS?|KEY|PEPPER|SALT)(?:_\d+)?$"
    r"|PASSWORD|SECRET(?!_NAME)|_TOKEN_|APIKEY",
    re.IGNORECASE,
)
_NOT_SECRET: Final = re.compile(r"PUBLIC|_FILE$|_PATH$|_NAME$|_TTL$|_EXPIR|_LENGTH$|_ENABLED$", re.IGNORECASE)
_SEARCHED: Final = {"environment", "command", "entrypoint", "healthcheck"}
_SHORTEST: Final = 6
"""Minimum length of a literal to replace inside other values: a shorter one may occur there by chance."""


def is_secret_name(name: str) -> bool:
    """Return whether the name suggests that the variable holds a secret."""
    return bool(_SECRET.search(name)) and not _NOT_SECRET.search(name)


@dataclass(frozen=True)
class Literal:
    """A secret in plain text in the project."""

    name: str
    value: str
    where: str


def find_literals(document: Document, files: Mapping[str, ConfigFile]) -> list[Literal]:
    """Return the secrets in `environment:`, in carried `env_file`s and in files of `secrets:`."""
    found = []
    for service, entry in document.services.items():
        for name, value in (entry.get("environment") or {}).items():
            if value is not None and is_literal(name, str(value)):
                where = document.at("services", service, "environment", name)
                found.append(Literal(name, str(value), where))
    for path in sorted(env_file_paths(document)):
        assigned = {found.name: found.value for found in parse_assignments(_text(files[path]), path)}
        for name, value in assigned.items():
            if is_literal(name, value):
                found.append(Literal(name, value, f"{path}: {name}"))
    for name, entry in (document.data.get("secrets") or {}).items():
        if isinstance(entry, dict) and entry.get("file"):
            path = str(entry["file"]).removeprefix("./")
            variable = re.sub(r"[^A-Z0-9]+", "_", name.upper())
            found.append(Literal(variable, _text(files[path]).strip(), document.at("secrets", name, "file")))
    return found


def is_literal(name: str, value: str) -> bool:
    """Return whether this is a secret in plain text, not a variable, a switch or a number of seconds."""
    return (
        is_secret_name(name)
        and bool(value)
        and "$" not in value
        and not re.fullmatch(r"true|false|yes|no|[0-9]{1,5}", value, re.IGNORECASE)
    )


def refuse_literals(literals: list[Literal]) -> None:
    """Raise an error if there are any literals.

    Raises:
        BundleError: there are. The message names each location.
    """
    if literals:
        places = "\n  ".join(sorted({literal.where for literal in literals}))
        raise BundleError(
            f"the bundle would contain secrets in plain text:\n  {places}",
            hint="write ${NAME} instead, which becomes a secret of the site; or set"
            " `settings: literal_secrets: generate` to do so for all of them, or `carry` to include them",
        )


@dataclass(frozen=True)
class Generated:
    """A project whose literals were replaced by variables.

    Attributes:
        document: the document with `${NAME}` for each literal.
        files: the files, changed in the same way, by path below `config/`.
        names: names of the variables.
    """

    document: Document
    files: Mapping[str, ConfigFile]
    names: frozenset[str]


def generate_literals(
    document: Document, files: Mapping[str, ConfigFile], literals: list[Literal]
) -> Generated:
    """Replace each literal with `${NAME}`, wherever the services use it.

    A value that also occurs elsewhere (a password inside a URL) is replaced there as well, so that values
    that must be equal stay equal.

    Raises:
        BundleError: one name has two values, or a value has several lines and cannot be generated.
    """
    by_value = _names_by_value(literals)

    def change(text: str) -> str:
        for value in sorted(by_value, key=len, reverse=True):
            if text == value or (len(value) >= _SHORTEST and value in text):
                text = text.replace(value, f"${{{by_value[value]}}}")
        return text

    changed = document.with_services(
        lambda _, entry: {
            key: map_strings(value, change) if key in _SEARCHED else value for key, value in entry.items()
        }
    )
    found = dict(files)
    for path in env_file_paths(document):
        text = replace_values(_text(found[path]), path, change)
        found[path] = dataclasses.replace(found[path], content=change(text).encode())
    for entry in (document.data.get("secrets") or {}).values():
        if isinstance(entry, dict) and entry.get("file"):
            path = str(entry["file"]).removeprefix("./")
            name = by_value[_text(found[path]).strip()]
            found[path] = dataclasses.replace(found[path], content=f"@@{name}@@\n".encode(), template="text")
    return Generated(changed, found, frozenset(by_value.values()))


def _names_by_value(literals: list[Literal]) -> dict[str, str]:
    known: dict[str, Literal] = {}
    for literal in literals:
        if "\n" in literal.value:
            raise BundleError(
                f"{literal.where}: has several lines, like a key or certificate, and cannot be generated",
                hint="keep the site's own file below ${BUNDLE_DATA}, or include it: `literal_secrets: carry`",
            )
        other = known.setdefault(literal.name, literal)
        if other.value != literal.value:
            raise BundleError(
                f"{literal.where}: {literal.name} has a different value at {other.where}",
                hint="rename one of them with `NAME: ${OTHER_NAME}`, or make the values equal",
            )
    names: dict[str, str] = {}
    for literal in known.values():
        names.setdefault(literal.value, literal.name)
    return names


def env_file_paths(document: Document) -> set[str]:
    """Return the paths of the carried `env_file`s below `config/`."""
    return {path for entry in document.services.values() for path in _paths(entry)}


def _paths(service: Mapping[str, Any]) -> Iterator[str]:
    for entry in service.get("env_file") or ():
        yield str(entry["path"] if isinstance(entry, dict) else entry).removeprefix("./")


def _text(file: ConfigFile) -> str:
    try:
        return file.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{file.path}: not UTF-8", hint="save it as UTF-8") from error
