"""Finds, renders and parses a project's Compose file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import yaml

from bundler.api.compose import dependencies
from bundler.api.templates.jinja import SUFFIX
from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler.io.yaml import MAX_BYTES, BoundedLoader, find_line
from bundler_compose.reading.shape import find_misshapen

NAMES: Final = (
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
)
"""Names of Compose files, in the order in which Compose looks for them; a template ends with `.j2`."""

FLATTEN: Final = "docker compose config --no-interpolate --no-path-resolution"


LARGEST_TEXT: Final = 4 << 20
"""Maximum size of a Compose file, a template or a `.env`, in bytes."""


class _Loader(BoundedLoader):
    """Loads the core types of YAML 1.2, like Compose's own parser: `yes` and `22:22` are strings."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 PyYAML's


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def _construct_int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("0o", "0")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    if digits.startswith("0x"):
        return sign * int(digits, 16)
    octal = len(digits) > 1 and digits.startswith("0") and set(digits) <= set("01234567")
    return sign * int(digits, 8 if octal else 10)


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


@dataclass(frozen=True)
class Document:
    """A Compose document and its source. It is immutable: each step creates a new one.

    Attributes:
        path: the Compose file.
        data: the parsed document.
    """

    path: Path
    data: Mapping[str, Any]
    _root: yaml.Node | None = field(default=None, repr=False)

    @property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """The services by name."""
        services: Mapping[str, Mapping[str, Any]] = self.data["services"]
        return services

    def with_services(self, change: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]) -> Document:
        """Return the document with each service replaced by the result of `change(name, service)`."""
        return self.with_section(
            "services", {name: change(name, entry) for name, entry in self.services.items()}
        )

    def with_section(self, key: str, section: Mapping[str, Any]) -> Document:
        """Return the document with a section of the top level replaced."""
        return replace(self, data={**self.data, key: section})

    def with_data(self, data: Mapping[str, Any]) -> Document:
        """Return the document with other content, at the same places."""
        return replace(self, data=data)

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent

    def at(self, *keys: str | int) -> str:
        """Return the location of a value, or of its nearest parent: `compose.yaml:7: services.web.image`."""
        return f"{self.path.name}:{find_line(self._root, keys)}: {'.'.join(map(str, keys))}"


def find_compose_file(project: Path) -> Path:
    """Return the Compose file of a folder. A path of a file is returned unchanged.

    Raises:
        BundleError: the folder has no Compose file.
    """
    if project.is_file():
        return project
    for name in NAMES:
        for path in (project / name, project / (name + SUFFIX)):
            if path.is_file():
                return path
    raise BundleError(
        f"{project}: no Compose file" if project.is_dir() else f"{project}: no such file or folder",
        hint=f"one of {', '.join(NAMES)}, or one of them with {SUFFIX} as a template",
    )


def read_text(path: Path) -> str:
    """Read a text file of the project, with or without a byte order mark.

    Raises:
        BundleError: it cannot be read, is not UTF-8, or is larger than `LARGEST_TEXT`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_TEXT + 1)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > LARGEST_TEXT:
        raise BundleError(f"{path}: larger than {LARGEST_TEXT >> 20} MiB", hint="is this the right file?")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BundleError(f"{path}:{line}: not UTF-8", hint="save the file as UTF-8") from error


def read_document(path: Path, templates: Templates) -> Document:
    """Read a Compose file; a template is rendered first.

    Raises:
        BundleError: it cannot be read or is not a Compose document. The message names file and line.
    """
    text = read_text(path)
    if path.suffix == SUFFIX:
        text = templates.render(text, path.name)
    rendered = " (of the rendered template)" if path.suffix == SUFFIX else ""
    if len(text) > MAX_BYTES:
        raise BundleError(
            f"{path.name}{rendered}: larger than {MAX_BYTES >> 20} MiB", hint="is this a Compose file?"
        )
    try:
        root, data = _Loader(text).read()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BundleError(f"{path.name}:{line}{rendered}: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise BundleError(
            f"{path.name}:{line}{rendered}: the character U+{code:04X} is not allowed in YAML",
            hint="remove it; it may be invisible",
        ) from error
    if not isinstance(data, dict) or not isinstance(data.get("services"), dict):
        raise BundleError(f"{path.name}: no `services:`", hint="is this a Compose file?")
    document = Document(path, data, root)
    _check_shape(document)
    return document


def _check_shape(document: Document) -> None:
    misshapen = find_misshapen(document.data)
    if misshapen is not None:
        keys, words = misshapen
        raise BundleError(f"{document.at(*keys)}: must be {words}")
    for key in ("include",):
        if document.data.get(key):
            raise BundleError(
                f"{document.at(key)}: `include` is not supported",
                hint=f"flatten the project with `{FLATTEN}` and bundle the result",
            )
    for name, service in document.services.items():
        where = document.at("services", name)
        if not isinstance(service, dict):
            raise BundleError(f"{where}: must be a mapping")
        if "extends" in service:
            raise BundleError(
                f"{document.at('services', name, 'extends')}: `extends` is not supported",
                hint=f"flatten the project with `{FLATTEN}` and bundle the result; or use a YAML anchor",
            )
        if not service.get("image"):
            built = "build" in service
            raise BundleError(
                f"{where}: {'`build:` without `image:`' if built else 'no `image:`'}",
                hint="build the image first (docker compose build), name it with `image:`, and add `docker`"
                " to the profile's `sources:`"
                if built
                else "set the image that the service runs",
            )


def select_services(document: Document, profiles: Sequence[str]) -> Document:
    """Return the document with only the services that `profiles` enable and the services that these require.

    Compose specification, "Using profiles": services without profiles always run.

    Raises:
        BundleError: no service has one of the profiles, or a required service is not selected.
    """
    services = document.services
    known = {profile for service in services.values() for profile in service.get("profiles") or ()}
    for profile in profiles:
        if profile not in known and profile != "*":
            raise BundleError(
                f"{document.path.name}: no service has the Compose profile {profile!r}",
                hint=f"available: {', '.join(sorted(known)) or 'none'}",
            )
    chosen = {
        name: {key: value for key, value in service.items() if key not in {"profiles", "build", "develop"}}
        for name, service in services.items()
        if not service.get("profiles") or "*" in profiles or set(service["profiles"]) & set(profiles)
    }
    return document.with_section(
        "services",
        {name: _keep_dependencies(document, name, service, chosen) for name, service in chosen.items()},
    )


def _keep_dependencies(
    document: Document, name: str, service: Mapping[str, Any], chosen: Collection[str]
) -> Mapping[str, Any]:
    """Return the service without the optional dependencies that are not selected."""
    depends = service.get("depends_on")
    if not depends:
        return service
    for other in dependencies(service):
        if other in chosen:
            continue
        optional = isinstance(depends, dict) and (depends[other] or {}).get("required") is False
        if not optional:
            raise BundleError(
                f"{document.at('services', name, 'depends_on')}: {other!r} is not in the bundle",
                hint="enable a Compose profile that includes it: `settings: profiles: [...]`",
            )
        depends = {key: value for key, value in depends.items() if key != other}
    return {**service, "depends_on": depends}


def map_strings(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 any YAML value
    """Return `value` with each string in it replaced by the result of `change`; keys stay unchanged."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: map_strings(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [map_strings(item, change) for item in value]
    return value
