"""Texts with values of the site as expressions of Helm's templates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bundler_kubernetes.text import Choice, SiteText, Value


def literal(text: str) -> str:
    """Return a text as a string of Go's templates, in which `{{` is not allowed either."""
    return json.dumps(text, ensure_ascii=False).replace("{{", "{\\u007b").replace("}}", "}\\u007d")


def values(path: Sequence[str]) -> str:
    """Return an expression for a value; `index` takes keys that are not identifiers."""
    return f"(index $.Values {' '.join(map(literal, path))})"


class Texts:
    """Writes the texts of one application.

    Attributes:
        secrets: names of the site variables that are made or kept at the site.
        required: what is said if a variable without a default has no value, by its name.
    """

    def __init__(self, secrets: frozenset[str], required: Mapping[str, str]) -> None:
        self.secrets = secrets
        self.required = required

    def write(self, text: SiteText) -> str:
        """Return an expression whose value is the text."""
        parts = [
            literal(part)
            if isinstance(part, str)
            else self._value(part.name)
            if isinstance(part, Value)
            else self._choice(part)
            for part in text.parts
        ]
        return parts[0] if len(parts) == 1 else f"(print {' '.join(parts)})"

    def _value(self, name: str) -> str:
        if name in self.required:
            return f"(required {literal(self.required[name])} {self._given(name)})"
        return self._given(name)

    def _given(self, name: str) -> str:
        helper = "bundle.secret" if name in self.secrets else "bundle.site"
        return f"(include {literal(helper)} (list $ {literal(name)}))"

    def _choice(self, choice: Choice) -> str:
        given, other = self._given(choice.name), self.write(choice.text)
        if choice.operator == ":-":
            return f"({given} | default {other})"
        filled = f'(ne {given} "")'
        there = (
            filled
            if choice.operator[0] == ":" or choice.name in self.secrets
            else f'(not (kindIs "invalid" (index $.Values.site {literal(choice.name)})))'
        )
        if choice.operator == "-":
            return f"(ternary {given} {other} {there})"
        return f'(ternary {other} "" {there})'
