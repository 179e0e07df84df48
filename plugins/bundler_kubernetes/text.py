"""Texts with values of the site: Compose's `${NAME}` in its forms, as parts that each writer writes its way.

Source: compose-go v2.16.1, template/template.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

Operator = Literal[":-", "-", ":+", "+"]
_OPERATORS: Final[tuple[Operator, ...]] = (":-", ":+", "-", "+")
_START: Final = re.compile(r"\$(?:(\$)|\{([A-Za-z_]\w*)|([A-Za-z_]\w*))", re.ASCII)
_TEMPLATE: Final = re.compile(r"@@([A-Za-z_][A-Za-z0-9_]*)@@")


@dataclass(frozen=True)
class Value:
    """The value of a site variable: `${NAME}`."""

    name: str


@dataclass(frozen=True)
class Choice:
    """A value that depends on whether a site variable is set.

    Attributes:
        name: the site variable.
        operator: as in Compose. `:-`: its value, or `text` if it is empty or not set; `-`: or `text` if it is
            not set. `:+`: `text` if it is neither, else empty; `+`: `text` if it is set, else empty.
        text: the other text.
    """

    name: str
    operator: Operator
    text: SiteText

    @property
    def expression(self) -> str:
        """Return it as Compose writes it."""
        return f"${{{self.name}{self.operator}{self.text.expression}}}"


Part = str | Value | Choice


@dataclass(frozen=True)
class SiteText:
    """A text with values of the site.

    Attributes:
        parts: what stands one after the other; texts are literal.
        bare: whether it stands for a number, so that it is written without quotes.
    """

    parts: tuple[Part, ...]
    bare: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Return the site variables in it."""
        return frozenset(_names(self))

    @property
    def literal(self) -> str | None:
        """Return the text if it has no values of the site, else None."""
        if all(isinstance(part, str) for part in self.parts):
            return "".join(part for part in self.parts if isinstance(part, str))
        return None

    @property
    def expression(self) -> str:
        """Return the text as Compose writes it."""
        return "".join(
            part.replace("$", "$$")
            if isinstance(part, str)
            else f"${{{part.name}}}"
            if isinstance(part, Value)
            else part.expression
            for part in self.parts
        )

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with values; a variable without one is not set."""
        return "".join(
            part
            if isinstance(part, str)
            else values.get(part.name, "")
            if isinstance(part, Value)
            else _choose(part, values)
            for part in self.parts
        )

    def escape(self, old: str, new: str) -> SiteText:
        """Return the text with `old` replaced by `new` in what is literal, also in the texts of choices."""
        parts: list[Part] = []
        for part in self.parts:
            if isinstance(part, str):
                parts.append(part.replace(old, new))
            elif isinstance(part, Choice):
                parts.append(replace(part, text=part.text.escape(old, new)))
            else:
                parts.append(part)
        return replace(self, parts=tuple(parts))


Text = str | SiteText
"""A text that is known at the build, or one with values of the site."""


def parse(text: str, *, bare: bool = False) -> Text:
    """Return a value of the Compose document: a plain text, or a `SiteText` if it has site variables."""
    found = SiteText(tuple(_parts(text)), bare)
    literal = found.literal
    return found if literal is None else literal


def parse_template(text: str) -> Text:
    """Return the content of a site template, in which `@@NAME@@` is the value of a site variable."""
    parts: list[Part] = []
    end = 0
    for found in _TEMPLATE.finditer(text):
        parts += [text[end : found.start()], Value(found[1])]
        end = found.end()
    if not parts:
        return text
    return SiteText(tuple(part for part in (*parts, text[end:]) if part))


def join(*texts: Text) -> Text:
    """Return texts one after the other."""
    parts: list[Part] = []
    for text in texts:
        parts += [text] if isinstance(text, str) else text.parts
    joined = SiteText(tuple(part for part in parts if part))
    literal = joined.literal
    return joined if literal is None else literal


def names_in(value: Any) -> frozenset[str]:  # noqa: ANN401 any part of an object
    """Return the site variables in an object, or in a part of it."""
    if isinstance(value, SiteText):
        return value.names
    if isinstance(value, Mapping):
        return frozenset().union(*map(names_in, value.values()))
    if isinstance(value, list | tuple):
        return frozenset().union(*map(names_in, value))
    return frozenset()


def _parts(text: str) -> Iterator[Part]:
    end, literal = 0, ""
    while (found := _START.search(text, end)) is not None:
        literal += text[end : found.start()]
        end = found.end()
        if found[1]:
            literal += "$"
            continue
        if literal:
            yield literal
            literal = ""
        if found[3]:
            yield Value(found[3])
            continue
        close = _close(text, end)
        yield _braced(found[2], text[end:close])
        end = close + 1
    if literal or text[end:]:
        yield literal + text[end:]


def _close(text: str, start: int) -> int:
    """Return where the brace is closed that was opened before `start`."""
    depth = 1
    for at in range(start, len(text)):
        if text.startswith("${", at):
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
    return len(text)


def _braced(name: str, rest: str) -> Part:
    for operator in _OPERATORS:
        if rest.startswith(operator):
            return Choice(name, operator, SiteText(tuple(_parts(rest[len(operator) :]))))
    return Value(name)  # `${NAME}`, and `${NAME:?message}`: the site has a value


def _names(text: SiteText) -> Iterator[str]:
    for part in text.parts:
        if isinstance(part, Value):
            yield part.name
        elif isinstance(part, Choice):
            yield part.name
            yield from _names(part.text)


def _choose(choice: Choice, values: Mapping[str, str]) -> str:
    value = values.get(choice.name)
    there = bool(value) if choice.operator[0] == ":" else value is not None
    if choice.operator[-1] == "+":
        return choice.text.fill(values) if there else ""
    return value or "" if there else choice.text.fill(values)
