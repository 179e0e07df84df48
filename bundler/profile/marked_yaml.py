"""YAML that records the position of each value, so that an error can begin with `finance.yaml:7`.

It supports a subset: mappings, lists, strings, integers, floats, booleans, null, anchors and `<<`. There are
no tags, dates, octal or base-60 numbers: values that look like these are strings. `yes`, `no`, `on` and `off`
are booleans, as in YAML 1.1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from bundler.errors import ProfileError
from bundler.io.yaml import MAX_BYTES, MAX_NODES, PREFIX, ShallowLoader, line_of
from bundler.language import tr, tr_later

MAX_DEPTH: Final = 40

Scalar: TypeAlias = str | int | float | bool | None
KeyPath: TypeAlias = Sequence[str | int]


@dataclass(frozen=True)
class Mark:
    """The position of a value.

    Attributes:
        where: `file:line`, or `--set key=value`.
        folder: folder that relative paths in the value are resolved against.
        key: for `--set`, the key that it sets; None for a file.
    """

    where: str
    folder: Path
    key: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Node:
    """A value and its mark.

    Attributes:
        mark: position of the value's key, or of the list item.
        value: a scalar, a list of nodes or a mapping to nodes.
        text: the scalar as written, if it was written without quotes.
    """

    mark: Mark
    value: Scalar | list[Node] | dict[str, Node]
    text: str | None = None

    def plain(self) -> Any:  # noqa: ANN401 any YAML value
        """Return the value without marks."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def find(self, path: KeyPath) -> Node | None:
        """Return the node at `path`, or None."""
        node = self
        for part in path:
            if isinstance(node.value, dict) and str(part) in node.value:
                node = node.value[str(part)]
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
            else:
                return None
        return node


class _Loader(ShallowLoader):
    """Composes nodes; recognises only the scalar types listed above."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 PyYAML's

    max_depth = MAX_DEPTH


_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_KNOWN: Final = {PREFIX + name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_MERGE: Final = PREFIX + "merge"
_BOOLEANS: Final = {
    "true": True,
    "yes": True,
    "on": True,
    "false": False,
    "no": False,
    "off": False,
}
_INT = r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+"
_FLOAT = r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_WORDS = "|".join(word for low in _BOOLEANS for word in (low, low.capitalize(), low.upper()))
for _name, _pattern, _first in (
    ("bool", _WORDS, "tTfFyYnNoO"),
    ("int", _INT, "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(PREFIX + _name, re.compile(rf"^(?:{_pattern})$"), list(_first))


def read_file(path: Path, shown: str) -> Node:
    """Read a YAML file that contains one mapping.

    Args:
        path: the file.
        shown: name of the file in messages.

    Raises:
        ProfileError: the file cannot be read, or is invalid; the message begins with `shown:line`.
    """
    try:
        if not path.is_file():
            raise ProfileError(tr("{shown}: not a file", shown=shown))
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProfileError(
            tr("{shown}: cannot be read: {strerror}", shown=shown, strerror=error.strerror)
        ) from error
    text = decode(raw, shown, tr("profiles are small; is this the right file?"))
    return read_text(text, shown, path.absolute().parent)


def decode(raw: bytes, shown: str, hint: str) -> str:
    """Return the text of a file of which at most `MAX_BYTES` + 1 bytes were read.

    Args:
        raw: the bytes.
        shown: name of the file in messages.
        hint: what to do if it is too large.

    Raises:
        ProfileError: it is too large, or not UTF-8.
    """
    if len(raw) > MAX_BYTES:
        raise ProfileError(tr("{shown}: larger than 1 MiB", shown=shown), hint=hint)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ProfileError(
            tr("{shown}:{line}: not UTF-8", shown=shown, line=line), hint=tr("save the file as UTF-8")
        ) from error


def read_text(text: str, shown: str, folder: Path) -> Node:
    """Parse a text like `read_file`; a text without any value is an empty mapping."""
    node = _compose(text, shown)
    if node is None:
        return Node(Mark(f"{shown}:1", folder), {})
    tree = _Builder(lambda line: Mark(f"{shown}:{line}", folder)).build(node)
    if not isinstance(tree.value, dict):
        raise ProfileError(
            tr("{where}: a profile must be a mapping", where=tree.mark.where),
            hint=tr("for example `application: compose`"),
        )
    return replace(tree, mark=Mark(f"{shown}:1", folder))


def read_value(text: str, mark: Mark) -> Node:
    """Parse the value of a `--set`: a list or mapping in brackets, a string in quotes, or a plain scalar.

    Raises:
        ProfileError: brackets or quotes do not match.
    """
    text = text.strip()
    if text[:1] in {"[", "{", '"', "'"}:
        node = _compose(text, mark.where, line=False)
        if node is not None:
            return _Builder(lambda _line: mark).build(node)
    if not text:
        return Node(mark, "")
    tag = _Loader("").resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return Node(mark, _scalar(tag, text, mark), text)


def _compose(text: str, shown: str, *, line: bool = True) -> yaml.Node | None:
    try:
        return _Loader(text).get_single_node()
    except yaml.reader.ReaderError as error:
        where = f"{shown}:{text.count(chr(10), 0, error.position) + 1}" if line else shown
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise ProfileError(
            tr("{where}: the character U+{code:04X} is not allowed in YAML", where=where, code=code),
            hint=tr("remove it; it may be invisible"),
        ) from error
    except yaml.MarkedYAMLError as error:
        problem, hint = _explain(error, text)
        at = error.problem_mark or error.context_mark
        where = f"{shown}:{at.line + 1}" if line and at is not None else shown
        raise ProfileError(f"{where}: {problem}", hint=hint) from error


_REMEDIES: Final = (
    (
        "mapping values are not allowed",
        tr_later("a second `:` on one line, or a line indented too far"),
        tr_later("quote values that contain `: `; indent keys of one level equally"),
    ),
    (
        "block end|could not find expected ':'|block collection",
        tr_later("wrong indentation or a missing `:`"),
        tr_later("write `key: value`; indent keys of one level equally"),
    ),
    (
        "single document",
        tr_later("a second document starts (`---`)"),
        tr_later("a profile must be a single document"),
    ),
    ("cannot start any token", "", tr_later("put the value in quotes")),
    ("undefined alias", "", tr_later("define the anchor (`&name`) before its alias, in the same file")),
    (
        "flow (?:sequence|mapping)|expected ',' or",
        tr_later("a bracket or comma is missing"),
        tr_later("close each [ and {"),
    ),
    ("quoted scalar", tr_later("a quote is not closed"), tr_later("close each quote on its line")),
    ("nested too deeply", "", tr_later("flatten it")),
)
"""Part of a problem or context in a PyYAML error -> wording for authors of profiles, and a hint."""


def _explain(error: yaml.MarkedYAMLError, text: str) -> tuple[str, str | None]:
    problem = str(error.problem or error.context or "not YAML")
    lines = text.splitlines()
    at = error.problem_mark
    line = lines[at.line] if at is not None and at.line < len(lines) else ""
    if "\\t" in problem or "\t" in line[: len(line) - len(line.lstrip())]:
        return tr("a tab where only spaces are allowed"), tr("indent with spaces")
    for pattern, words, remedy in _REMEDIES:
        if re.search(pattern, f"{problem} {error.context}"):
            return tr(words) or problem, tr(remedy)
    return problem, None


class _Builder:
    """Converts PyYAML's nodes to `Node`."""

    def __init__(self, mark_of_line: Any) -> None:  # noqa: ANN401 a function of the line number
        self._mark_of_line = mark_of_line
        self._count = 0
        self._open: list[int] = []

    def build(self, node: yaml.Node, mark: Mark | None = None, path: str = "") -> Node:
        """Convert the node; `mark` is that of its key."""
        mark = mark or self._mark(node)
        self._count += 1
        if self._count > MAX_NODES:
            raise ProfileError(
                tr(
                    "{where}: more than {max_nodes} values after expanding anchors",
                    where=mark.where,
                    max_nodes=MAX_NODES,
                )
            )
        if id(node) in self._open:
            raise ProfileError(
                tr("{where}: {path}: an anchor that contains itself", where=mark.where, path=path)
            )
        if len(self._open) >= MAX_DEPTH:
            raise ProfileError(
                tr("{where}: nested too deeply after expanding anchors", where=mark.where),
                hint=tr("flatten it"),
            )
        if node.tag not in _KNOWN:
            tag = node.tag.replace(PREFIX, "!!")
            if node.tag == _MERGE:
                return Node(mark, str(node.value), str(node.value))
            raise ProfileError(
                tr(
                    "{where}: {path}the tag {tag} is not allowed",
                    where=self._mark(node).where,
                    path=_prefix(path),
                    tag=tag,
                ),
                hint=tr("remove the tag"),
            )
        self._open.append(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return Node(mark, self._mapping(node, path))
            if isinstance(node, yaml.SequenceNode):
                items = enumerate(node.value)
                return Node(mark, [self.build(item, path=_join(path, str(index))) for index, item in items])
            text = str(node.value)
            self._count += len(text) // 64
            if _UNSAFE.search(text):
                raise ProfileError(
                    tr("{where}: {path}contains a control character", where=mark.where, path=_prefix(path)),
                    hint=tr("remove it; it may be written as an escape such as \\x00"),
                )
            if node.tag == PREFIX + "null" and not text:
                raise ProfileError(
                    tr("{where}: {path}has no value", where=mark.where, path=_prefix(path)),
                    hint=tr('write a value, "" for an empty string, or null to remove the inherited value'),
                )
            plain = text if isinstance(node, yaml.ScalarNode) and node.style is None else None
            return Node(mark, _scalar(node.tag, text, mark, path), plain)
        finally:
            self._open.pop()

    def _mark(self, node: yaml.Node) -> Mark:
        mark: Mark = self._mark_of_line(line_of(node))
        return mark

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            mark = self._mark(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise ProfileError(tr("{where}: {path}: a key must be a string", where=mark.where, path=path))
            key = str(key_node.value)
            if key_node.tag == _MERGE:
                self._merge(merged, value_node, mark, path)
                continue
            full = _join(path, key)
            if key in own:
                raise ProfileError(
                    tr(
                        "{where}: {full}: duplicate key, first defined on line {lines}",
                        where=mark.where,
                        full=full,
                        lines=lines[key],
                    ),
                    hint=tr("keep one of them"),
                )
            lines[key] = line_of(key_node)
            own[key] = self.build(value_node, mark, full)
        return {**merged, **own}

    def _merge(self, merged: dict[str, Node], node: yaml.Node, mark: Mark, path: str) -> None:
        """Apply `<<` as in YAML 1.1: the mapping's own keys take precedence, then earlier mappings."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for part in parts:
            tree = self.build(part, mark, _join(path, "<<"))
            if not isinstance(tree.value, dict):
                raise ProfileError(
                    tr("{where}: {key}: must be a mapping", where=mark.where, key=_join(path, "<<"))
                )
            for key, value in tree.value.items():
                merged.setdefault(key, value)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _prefix(path: str) -> str:
    return f"{path}: " if path else ""


def _scalar(tag: str, text: str, mark: Mark, path: str = "") -> Scalar:
    kind = tag.removeprefix(PREFIX)
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return _BOOLEANS[text.lower()]
            case "int":
                return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)
            case "float":
                return _finite(text)
    except (ValueError, KeyError) as error:
        raise ProfileError(
            tr(
                "{where}: {path}{text!r} cannot be read as !!{kind}",
                where=mark.where,
                path=_prefix(path),
                text=text[:40],
                kind=kind,
            ),
            hint=tr("remove the tag, or put the value in quotes"),
        ) from error
    return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
