"""Writes objects as the text of templates: YAML with expressions of Helm.

A text of an object may contain what Helm would read, so each `{{` of it is written as an expression that
prints `{{`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bundler_kubernetes.chart.leaves import Expression, Included, Only, Tree

_PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
"""Texts without quotes; a number or a truth value in any version of YAML is none of them."""
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_SPECIAL: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that YAML reads otherwise, or not at all, beside those that JSON escapes."""
_BLOCK: Final = re.compile(
    r"[^\s](?:[^\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u2028\u2029\ufeff\ufffe\uffff])*", re.DOTALL
)
"""Texts that a block of YAML can hold: printable, and the first character shows the indentation."""


def write(document: Mapping[str, Any]) -> str:
    """Return an object as the text of a template."""
    return "".join(f"{line}\n" for line in _mapping(document, 0))


def escape(text: str) -> str:
    """Return a text so that Helm prints it as it is."""
    return text.replace("{{", '{{ "{{" }}')


def scalar(value: str | float | None) -> str:
    """Return a plain leaf as YAML on one line."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        return escape(_SPECIAL.sub(lambda found: f"\\u{ord(found[0]):04X}", quoted))
    return json.dumps(value)


def _mapping(mapping: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, value in mapping.items():
        if isinstance(value, Only):
            yield f"{{{{- if {value.condition} }}}}"
            yield from _entry(key, value.value, depth)
            yield "{{- end }}"
        else:
            yield from _entry(key, value, depth)


def _entry(key: str, value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 any part of an object
    head = f"{' ' * depth}{scalar(key)}:"
    if isinstance(value, Tree):
        yield head
        yield f"{' ' * (depth + 2)}{{{{- toYaml {value.text} | nindent {depth + 2} }}}}"
    elif isinstance(value, Mapping) and value:
        yield head
        yield from _mapping(value, depth + 2)
    elif isinstance(value, list) and value:
        yield head
        yield from _list(value, depth + 2)
    elif isinstance(value, str) and "\n" in value and _BLOCK.fullmatch(value):
        yield from _block(head, value, depth + 2)
    else:
        yield f"{head} {_leaf(value)}"


def _list(items: list[Any], depth: int) -> Iterator[str]:
    for item in items:
        if isinstance(item, Included):
            yield f"{' ' * depth}{{{{- {item.text} | nindent {depth} }}}}"
        elif isinstance(item, Only):
            yield f"{{{{- if {item.condition} }}}}"
            yield from _list([item.value], depth)
            yield "{{- end }}"
        elif isinstance(item, Mapping | list) and item:
            inner = _mapping(item, depth + 2) if isinstance(item, Mapping) else _list(item, depth + 2)
            first, *rest = inner
            yield f"{' ' * depth}- {first.lstrip(' ')}"
            yield from rest
        elif isinstance(item, str) and "\n" in item and _BLOCK.fullmatch(item):
            yield from _block(f"{' ' * depth}-", item, depth + 2)
        else:
            yield f"{' ' * depth}- {_leaf(item)}"


def _block(head: str, text: str, depth: int) -> Iterator[str]:
    """Yield a text of several lines; the sign after `|` says how many line breaks are at its end."""
    lines = text.split("\n")
    keep = "-" if lines[-1] else "+" if len(lines) > 1 and not lines[-2] else ""
    yield f"{head} |{keep}"
    for line in lines if lines[-1] else lines[:-1]:
        yield escape(f"{' ' * depth}{line}") if line else ""


def _leaf(value: Any) -> str:  # noqa: ANN401 any leaf
    if isinstance(value, Expression):
        return f"{{{{ {value.text} }}}}" if value.bare else f"{{{{ {value.text} | toJson }}}}"
    if isinstance(value, Mapping | list):
        return "{}" if isinstance(value, Mapping) else "[]"
    return scalar(value)
