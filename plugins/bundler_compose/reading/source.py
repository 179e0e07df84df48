"""Reads the YAML of Compose files, with the place of each value and the tags `!reset` and `!override`.

Source: compose-go v2.16.1, `loader/reset.go` and `loader/loader.go` (`loadYamlFile`); YAML 1.2 core types as
go-yaml reads them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from bundler.errors import BundleError
from bundler.io.yaml import MAX_BYTES, MERGE, PREFIX, BoundedLoader, line_of
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


def read_sources(text: str, name: str) -> list[Source]:
    """Return the documents of a Compose file, without those that are empty.

    Args:
        text: content of the file.
        name: of the file, for messages.

    Raises:
        BundleError: it is not valid YAML, exceeds the limits, or is no mapping; with file and line.
    """
    if len(text) > MAX_BYTES:
        raise BundleError(f"{name}: larger than {MAX_BYTES >> 20} MiB", hint="is this a Compose file?")
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
                    f"{name}:{line_of(root)}: must be a mapping", hint="is this a Compose file?"
                )
            found.append(Source(value, tuple(reader.resets)))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BundleError(f"{name}:{line}: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise BundleError(
            f"{name}:{line}: the character U+{code:04X} is not allowed in YAML",
            hint="remove it; it may be invisible",
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
