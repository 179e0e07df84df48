"""values.yaml, values.schema.json and README.md, each from the declarations."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from bundler_kubernetes.chart.declared import Declarations, Declared, Group, Schema
from bundler_kubernetes.chart.text import scalar

WIDTH = 100


def values_yaml(declarations: Declarations, head: str) -> str:
    """Return values.yaml, each value with its comment."""
    lines = [*_comment(head, 0), "", *_lines(declarations.tree(), 0)]
    return "\n".join(lines).rstrip("\n") + "\n"


def values_schema(declarations: Declarations) -> str:
    """Return values.schema.json; a key that is not declared is refused."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_schema(declarations.tree()),
    }
    schema["properties"]["global"] = {"type": "object", "description": "Set by Helm for charts in charts."}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def table(declarations: Declarations) -> str:
    """Return the values as a table in Markdown."""
    rows = ["| Value | Default | What it is |", "|---|---|---|"]
    for each in declarations:
        key = ".".join(part if "." not in part else json.dumps(part) for part in each.path)
        default = json.dumps(each.default, ensure_ascii=False)
        rows.append(f"| {_cell(key)} | {_cell(default)} | {each.about.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text.replace('|', chr(92) + '|')}{space}{fence}"


def _lines(group: Group, depth: int) -> Iterator[str]:
    for key, member in group.members.items():
        yield from _comment(member.about, depth)
        head = f"{' ' * depth}{_plain(key)}:"
        if isinstance(member, Declared):
            yield from _value(head, member.default, depth)
        elif member.members:
            yield head
            yield from _lines(member, depth + 2)
        else:
            yield f"{head} {{}}"
        if depth == 0:
            yield ""


def _value(head: str, value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 any JSON value
    if isinstance(value, dict) and value:
        yield head
        for key, item in value.items():
            yield from _value(f"{' ' * (depth + 2)}{_plain(key)}:", item, depth + 2)
    elif isinstance(value, dict | list):
        yield f"{head} {json.dumps(value, ensure_ascii=False)}"
    else:
        yield f"{head} {_plain(value)}"


def _plain(value: Any) -> str:  # noqa: ANN401 a leaf
    """Return a leaf; values.yaml is no template, so `{{` stands as it is."""
    return (
        json.dumps(value, ensure_ascii=False) if isinstance(value, str) and "{{" in value else scalar(value)
    )


def _comment(text: str, depth: int) -> Iterator[str]:
    for line in text.splitlines():
        for part in textwrap.wrap(line, WIDTH - depth) or [""]:
            yield f"{' ' * depth}# {part}".rstrip()


def _schema(group: Group) -> Schema:
    properties: dict[str, Any] = {}
    for key, member in group.members.items():
        if isinstance(member, Declared):
            properties[key] = {**member.schema, "description": member.about}
        else:
            properties[key] = _schema(member)
            if member.about:
                properties[key]["description"] = member.about
    needed = [
        key
        for key, each in group.members.items()
        if not (isinstance(each, Declared) and each.default is None)
    ]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
        "properties": properties,
    }
