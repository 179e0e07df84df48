"""Reads the YAML of Compose files, with the place of each value and the tags `!reset` and `!override`.

Source: compose-go v2.16.1, `loader/reset.go` and `loader/loader.go` (`loadYamlFile`); YAML 1.2 core types as
go-yaml reads them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import yaml

from bundler.errors import BundleError
from bundler.io.yaml import MAX_BYTES, MERGE, PREFIX, BoundedLoader, line_of
from bundler.language import tr
from bundler_compose.reading.tree import Items, Map, Path, Place

RESET: Final = "!reset"
OVERRIDE: Final = "!override"


@dataclass(frozen=True)
class Source:
    """One YAML document of a Compose file.

    Attributes:
        data: its mapping.
        resets: paths at which values of earlier files are removed first.
    """

    data: Map
    resets: tuple[Path, ...]


class _Loader(BoundedLoader):
    """Loads the core types of YAML 1.2, like Compose's own parser: `yes` and `22:22` are strings."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 PyYAML's


_NUMBER: Final = r"[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?"
_ENDLESS: Final = r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
_BASED: Final = r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+)"
_LARGEST: Final = 2**64 - 1
_SMALLEST: Final = -(2**63)
_DATE: Final = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
_CLOCK: Final = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2}):(?P<second>[0-9]{1,2})(?:[.,](?P<part>[0-9]+))?"
_ZONE: Final = r"(?:Z|(?P<zone>[-+][0-9]{2}:[0-9]{2}))"
_TIME: Final = re.compile(f"{_DATE}(?:(?:[Tt]|(?P<space> )){_CLOCK}(?(space)|{_ZONE}))?")
"""A date, or a date with a time: with a zone after `T`, without one after a space."""

for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", f"{_NUMBER}|{_BASED}|{_ENDLESS}|{_TIME.pattern}", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def read_number(text: str) -> int | float | str:
    """Return a plain number of YAML as go-yaml reads it; one that is too large for Go remains a text.

    Raises:
        ValueError: it is no number.
    """
    plain = text.replace("_", "")
    digits = plain.lstrip("+-").lower()
    whole: int | None = None
    if digits.startswith(("0b", "0o", "0x")):
        whole = int(digits[2:], {"b": 2, "o": 8, "x": 16}[digits[1]])
    elif len(digits) > 1 and digits.startswith("0") and set(digits) <= set("01234567"):
        whole = int(digits, 8)
    elif digits.isdigit() and not (len(digits) > 1 and digits.startswith("0")):
        whole = int(digits)
    if whole is not None:
        whole = -whole if plain.startswith("-") else whole
        if plain == "-0":
            return -0.0
        return whole if _SMALLEST <= whole <= _LARGEST else float(whole)
    if digits in {".inf", ".nan"}:
        return float(plain.lower().replace(".", ""))
    value = float(plain)
    return text if math.isinf(value) else value


def read_time(text: str) -> str | None:
    """Return a date as Compose makes a text of it, which is how Go prints it; None if it is no date."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(found[key]) for key in ("year", "month", "day"))
    hour, minute, second = (int(found[key] or 0) for key in ("hour", "minute", "second"))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return text
    part = (found["part"] or "")[:9].rstrip("0")
    zone = (found["zone"] or "+00:00").replace(":", "")
    name = "UTC" if found["zone"] is None else zone
    return f"{moment.isoformat(' ')[:19]}{'.' + part if part else ''} {zone} {name}"


def _construct_plain(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | float | str:
    text = str(loader.construct_scalar(node))
    time = read_time(text)
    return read_number(text) if time is None else time


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_plain)


def read_sources(text: str, name: str) -> list[Source]:
    """Return the documents of a Compose file, without those that are empty.

    Args:
        text: content of the file.
        name: of the file, for messages.

    Raises:
        BundleError: it is not valid YAML, exceeds the limits, or is no mapping; with file and line.
    """
    if len(text) > MAX_BYTES:
        raise BundleError(
            tr("{name}: larger than {limit} MiB", name=name, limit=MAX_BYTES >> 20),
            hint=tr("is this a Compose file?"),
        )
    found = []
    try:
        loader = _Loader(text)
        while loader.check_node():
            root = loader.get_node()
            if root is None:
                continue
            reader = _Reader(loader, name)
            reader.tags(root, ())
            value = None if id(root) in reader.removed else reader.measured(root)
            if value is None:
                continue
            if not isinstance(value, Map):
                raise BundleError(
                    tr("{name}:{line}: must be a mapping", name=name, line=line_of(root)),
                    hint=tr("is this a Compose file?"),
                )
            found.append(Source(value, tuple(reader.resets)))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        hint = tr("replace the tab by blanks, or remove it") if "\\t" in str(error.problem) else None
        raise BundleError(f"{name}:{line}: {error.problem or error.context}", hint=hint) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise BundleError(
            tr(
                "{name}:{line}: the character U+{code:04X} is not allowed in YAML",
                name=name,
                line=line,
                code=code,
            ),
            hint=tr("remove it; it may be invisible"),
        ) from error
    return found


class _Reader:
    """Builds the values of one document.

    Attributes:
        resets: paths with a tag.
        removed: nodes with `!reset`.
    """

    def __init__(self, loader: _Loader, name: str) -> None:
        self.resets: list[Path] = []
        self.removed: set[int] = set()
        self._loader = loader
        self._name = name
        self._below: dict[int, list[Path]] = {}
        self._marked: dict[int, str] = {}

    def tags(self, node: yaml.Node, path: Path) -> None:
        """Note the tags of Compose below `path`, and make the nodes ordinary ones."""
        start = len(self.resets)
        known = self._below.get(id(node))
        if known is not None:
            self.resets += [path + below for below in known]
            return
        self._below[id(node)] = []
        tag = self._marked.get(id(node), node.tag)
        if tag in {RESET, OVERRIDE}:
            self._marked[id(node)] = tag
            self.resets.append(path)
            if tag == RESET:
                self.removed.add(id(node))
            self._resolve_tag(node)
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                merged = key.tag == MERGE
                self.tags(value, path if merged else (*path, str(key.value)))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self.tags(value, (*path, str(index)))
        self._below[id(node)] = [found[len(path) :] for found in self.resets[start:]]

    def _resolve_tag(self, node: yaml.Node) -> None:
        if isinstance(node, yaml.ScalarNode):
            implicit = (node.style is None, node.style is not None)
            node.tag = self._loader.resolve(yaml.ScalarNode, node.value, implicit)  # type: ignore[no-untyped-call]
        else:
            node.tag = PREFIX + ("map" if isinstance(node, yaml.MappingNode) else "seq")

    def measured(self, root: yaml.Node) -> Any:  # noqa: ANN401 any YAML value
        """Return the value of the document, if it is within the limits."""
        self._loader.measure(root)
        return self._value(root)

    def _value(self, node: yaml.Node) -> Any:  # noqa: ANN401 likewise
        if isinstance(node, yaml.MappingNode):
            self._loader.flatten_mapping(node)
            found = Map()
            for key, value in node.value:
                if id(value) in self.removed:
                    continue
                found.put(str(key.value), self._value(value), Place(self._name, line_of(key)))
            return found
        if isinstance(node, yaml.SequenceNode):
            items = Items()
            for value in node.value:
                if id(value) not in self.removed:
                    items.add(self._value(value), Place(self._name, line_of(value)))
            return items
        return self._loader.construct_object(node)
