"""Limits for untrusted YAML: refuses small texts that become huge or endless when they are parsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import yaml

from bundler.language import tr

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 100
MAX_NODES: Final = 100_000
"""Number of values after aliases are expanded; every 64 characters of a text count as another one."""
PREFIX: Final = "tag:yaml.org,2002:"
MERGE: Final = PREFIX + "merge"
KNOWN: Final = {PREFIX + name for name in ("str", "int", "float", "bool", "null", "map", "seq", "merge")}


class ShallowLoader(yaml.SafeLoader):
    """A SafeLoader that refuses nesting too deep for Python's stack."""

    max_depth = MAX_DEPTH

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node, unless it is nested too deeply."""
        self._depth += 1
        if self._depth > self.max_depth:
            raise _error(tr("nested too deeply"), self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class BoundedLoader(ShallowLoader):
    """A loader that enforces the limits, and whose errors all have a line."""

    def read(self) -> tuple[yaml.Node | None, Any]:
        """Return the document as nodes, and as plain Python values.

        Raises:
            yaml.YAMLError: it is not valid YAML, or exceeds the limits.
        """
        root = self.get_single_node()
        if root is None:
            return None, None
        self.measure(root)
        return root, self.construct_document(root)

    def measure(self, root: yaml.Node) -> None:
        """Check that a document is within the limits.

        Raises:
            yaml.YAMLError: it exceeds them.
        """
        _Measure().node(root, 1)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 PyYAML's
        """Construct a node; a value that does not match its tag is an error with a line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError) as error:
            kind = node.tag.removeprefix(PREFIX)
            raise _error(tr("the value cannot be read as !!{kind}", kind=kind), node.start_mark) from error


class _Measure:
    """Measures nodes, visiting each one once, regardless of how many aliases refer to it."""

    def __init__(self) -> None:
        self._sizes: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()

    def node(self, node: yaml.Node, depth: int) -> tuple[int, int]:
        """Return the number of values of a node after aliases are expanded, and its depth."""
        known = self._sizes.get(id(node))
        if known is None:
            if id(node) in self._open:
                raise _error(tr("an anchor that contains itself"), node.start_mark)
            if depth > MAX_DEPTH:
                raise _error(tr("nested too deeply after expanding anchors"), node.start_mark)
            self._open.add(id(node))
            known = self._sizes[id(node)] = self._measure(node, depth)
            self._open.remove(id(node))
        size, height = known
        if size > MAX_NODES:
            raise _error(
                tr("more than {max_nodes} values after expanding anchors", max_nodes=MAX_NODES),
                node.start_mark,
            )
        if depth + height > MAX_DEPTH + 1:
            raise _error(tr("nested too deeply after expanding anchors"), node.start_mark)
        return known

    def _measure(self, node: yaml.Node, depth: int) -> tuple[int, int]:
        if node.tag not in KNOWN:
            shown = node.tag.replace(PREFIX, "!!")
            raise _error(tr("the tag {shown!a} is not allowed", shown=shown[:80]), node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            text = str(node.value)
            if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
                raise _error(tr("a NUL or unpaired surrogate in a string"), node.start_mark)
            return 1 + len(text) // 64, 1
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
            children = [child for pair in node.value for child in pair]
        else:
            children = node.value
        size, height = 1, 0
        for child in children:
            more, high = self.node(child, depth + 1)
            size, height = size + more, max(height, high)
        return size, height + 1


def _check_keys(node: yaml.MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag not in {PREFIX + "str", MERGE}:
            raise _error(tr("a key must be a string"), key.start_mark)
        if key.value in seen:
            raise _error(
                tr(
                    "{key_value!a} is a duplicate key, first defined on line {seen}",
                    key_value=key.value[:80],
                    seen=seen[key.value],
                ),
                key.start_mark,
            )
        seen[key.value] = line_of(key)


def _error(problem: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def line_of(node: yaml.Node) -> int:
    """Return the number of the line on which a node begins, from 1."""
    return node.start_mark.line + 1


def find_line(root: yaml.Node | None, keys: Sequence[str | int]) -> int:
    """Return the line of the value at `keys`, or of its nearest parent: of its key, or of the list item."""
    line, node = 1, root
    for key in keys:
        found = _child(node, key)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node | None, key: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return line_of(name), value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        item = node.value[key]
        return line_of(item), item
    return None
