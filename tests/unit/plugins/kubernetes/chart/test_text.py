"""Objects as text of templates: YAML reads back what was written, and Helm only meant expressions."""

from __future__ import annotations

import re
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from bundler_kubernetes.chart.leaves import Expression, Included, Only, Tree
from bundler_kubernetes.chart.text import scalar, write

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        "{{",
        "}}",
        "{{{",
        "a {{ b",
        "1e6",
        "0o7",
        "yes",
        "~",
        "",
        " x",
        "x ",
        "a: b",
        "# c",
        "- d",
        "a\n b\n\n",
        "\n",
        "1_000",
    ]
)
LEAVES = TEXTS | st.integers() | st.booleans() | st.none()
PARTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def rendered(text: str) -> str:
    """Return a template as Helm prints it if it has no expressions but those that stand for `{{`."""
    return text.replace('{{ "{{" }}', "\0\0").replace("\0\0", "{{")


@given(st.dictionaries(TEXTS, PARTS, max_size=4))
def test_yaml_reads_what_was_written(document: dict[str, Any]) -> None:
    text = write(document)
    assert re.sub(re.escape('{{ "{{" }}'), "", text).count("{{") == 0
    assert (yaml.safe_load(rendered(text)) or {}) == document


def test_expressions_and_conditions() -> None:
    document = {
        "one": Expression("$.Values.a"),
        "two": Expression("int $.Values.b", bare=True),
        "three": Only("$.Values.c", Tree("$.Values.c")),
        "four": [{"a": 1}, Only("$.Values.d", {"b": "x", "c": [1]}), Included('include "e" $')],
    }
    assert (
        write(document)
        == """\
one: {{ $.Values.a | toJson }}
two: {{ int $.Values.b }}
{{- if $.Values.c }}
three:
  {{- toYaml $.Values.c | nindent 2 }}
{{- end }}
four:
  - a: 1
{{- if $.Values.d }}
  - b: x
    c:
      - 1
{{- end }}
  {{- include "e" $ | nindent 2 }}
"""
    )


def test_a_text_that_any_yaml_reads_otherwise_is_quoted() -> None:
    for text in (
        "yes",
        "No",
        "1e6",
        "0x1",
        "12:30",
        "~",
        "null",
        "",
        ".inf",
        "=",
        "<<",
        "2001-01-01",
        "a #b",
        "é",
    ):
        assert scalar(text).startswith('"'), text
    assert scalar("docker.io/library/redis") == "docker.io/library/redis"
