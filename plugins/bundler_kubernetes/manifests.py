"""Writes objects as plain manifests: site templates in YAML, in which `@@NAME@@` is a value of the site.

What is not plain has a name of its own, which `variables.tsv` explains: an expression such as
`${NAME:-text}`, and a setting of the cluster.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from bundler_kubernetes.names import short_name
from bundler_kubernetes.objects import Checksum, ImageName, KubeObject, Leaf, Mapped, Setting
from bundler_kubernetes.text import Choice, Part, SiteText
from bundler_kubernetes.walk import walk

_MARK: Final = "@@"
_SPECIAL: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that YAML does not accept as they are, beside those that JSON escapes."""


_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9./_-]*")
"""Keys that are written without quotes."""
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML 1.1 or 1.2 does not read as a text."""


class Expressions:
    """Names for values of the site that are more than the value of one variable.

    Attributes:
        names: by their expression in Compose's form.
    """

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken
        self.names: dict[str, str] = {}

    def name(self, choice: Choice) -> str:
        """Return the name of an expression: that of its variable, and a number."""
        expression = choice.expression
        if expression not in self.names:
            number = 1
            while (name := f"KUBE_{choice.name}_{number}") in {*self._taken, *self.names.values()}:
                number += 1
            self.names[expression] = name
        return self.names[expression]


def write_manifest(each: KubeObject, expressions: Expressions) -> str:
    """Return an object as a document of YAML."""
    return _lines(walk(each.body, lambda leaf: _leaf(leaf, expressions)), 0)


def file_name(number: int, each: KubeObject) -> str:
    """Return the name of an object's file, in the order of application."""
    return f"{each.stage:02d}-{number:03d}-{short_name(each.kind)}-{each.name}.yaml"


def expressions_of(mapped: Mapped) -> Expressions:
    """Return where the expressions of an application are named."""
    settings = {setting.name for setting in mapped.settings}
    return Expressions(frozenset({*mapped.variables, *settings}))


def variables_table(mapped: Mapped, expressions: Expressions, secrets: frozenset[str]) -> str:
    """Return the table of names in the manifests: name, kind, default or expression, what it is for.

    Args:
        mapped: the application.
        expressions: those that its manifests have.
        secrets: site variables that are secrets.
    """
    rows = [("name", "kind", "default", "about")]
    rows += [
        (name, "secret" if name in secrets else "variable", mapped.defaults.get(name, ""), "")
        for name in mapped.variables
    ]
    rows += [(name, "expression", expression, "") for expression, name in expressions.names.items()]
    rows += [(each.name, each.kind, each.default, each.about) for each in mapped.settings]
    return "".join("\t".join(_cell(cell) for cell in row) + "\n" for row in rows)


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _leaf(leaf: Leaf, expressions: Expressions) -> str:
    """Return a leaf as a scalar of YAML on one line."""
    if isinstance(leaf, SiteText):
        text = "".join(_part(part, expressions) for part in leaf.parts)
        return text if leaf.bare else f'"{text}"'
    if isinstance(leaf, Setting):
        return f"{_MARK}{leaf.name}{_MARK}"
    if isinstance(leaf, Checksum):
        values = "".join(f" {name}={_MARK}{name}{_MARK}" for name in leaf.names)
        return f'"sha256:{leaf.digest}{values}"'
    if isinstance(leaf, ImageName):
        return _quote(leaf.tag)
    return _quote(leaf) if isinstance(leaf, str) else json.dumps(leaf)


def _part(part: Part, expressions: Expressions) -> str:
    if isinstance(part, str):
        return _quote(part)[1:-1]
    name = expressions.name(part) if isinstance(part, Choice) else part.name
    return f"{_MARK}{name}{_MARK}"


def _quote(text: str) -> str:
    """Return a text in double quotes, without what could be read as a value of the site."""
    quoted = json.dumps(text, ensure_ascii=False)
    quoted = _SPECIAL.sub(lambda found: f"\\u{ord(found[0]):04X}", quoted)
    return quoted.replace(_MARK, "\\x40\\x40")


def _lines(value: Any, depth: int) -> str:  # noqa: ANN401 an object whose leaves are scalars of YAML
    """Return a mapping as lines of YAML."""
    indent = "  " * depth
    text = ""
    for key, item in value.items():
        name = key if _PLAIN.fullmatch(key) and key.lower() not in _WORDS else _quote(key)
        text += f"{indent}{name}:{_item(item, depth)}"
    return text


def _item(item: Any, depth: int) -> str:  # noqa: ANN401 likewise
    if isinstance(item, Mapping):
        return f"\n{_lines(item, depth + 1)}" if item else " {}\n"
    if isinstance(item, list):
        return "\n" + "".join(_entry(each, depth) for each in item) if item else " []\n"
    return f" {item}\n"


def _entry(item: Any, depth: int) -> str:  # noqa: ANN401 likewise
    indent = "  " * depth
    if isinstance(item, Mapping) and item:
        lines = _lines(item, depth + 1)
        return f"{indent}- {lines.removeprefix(indent + '  ')}"
    return (
        f"{indent}-{_item(item, depth)}"
        if not isinstance(item, list)
        else f"{indent}-{_item(item, depth + 1)}"
    )
