"""Interpolation of `${NAME}` in Compose documents: Compose specification, "Interpolation"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bundler.errors import BundleError

_START = re.compile(
    r"\$(?:(?P<escape>\$)|(?P<plain>[A-Za-z_][A-Za-z0-9_]*)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*))"
)
_OPERATOR = re.compile(r":?[-?+]")


@dataclass(frozen=True)
class Use:
    """One use of a variable.

    Attributes:
        name: name of the variable.
        operator: `:-`, `-`, `:?`, `?`, `:+`, `+`, or empty.
        word: text after the operator.
        text: the use as it is written.
    """

    name: str
    operator: str
    word: str
    text: str


def split(text: str) -> Iterator[str | Use]:
    """Yield the pieces of `text`: literals (with `$$` kept) and uses of variables.

    Raises:
        BundleError: a brace is not closed, or a variable name is invalid.
    """
    start = 0
    while True:
        at = text.find("$", start)
        if at < 0:
            break
        if at > start:
            yield text[start:at]
        found = _START.match(text, at)
        if found is None:
            raise BundleError(
                f"{text!r}: a `$` that does not start a variable", hint="write `$$` for a dollar sign"
            )
        if found["escape"]:
            yield "$$"
            start = found.end()
        elif found["plain"]:
            yield Use(found["plain"], "", "", found[0])
            start = found.end()
        else:
            end = _closing(text, found.end())
            inner = text[found.end() : end]
            operator = _OPERATOR.match(inner)
            if inner and operator is None:
                raise BundleError(
                    f"{text[at : end + 1]!r}: not a variable", hint="as ${NAME} or ${NAME:-default}"
                )
            sign = operator[0] if operator else ""
            yield Use(found["name"], sign, inner[len(sign) :], text[at : end + 1])
            start = end + 1
    if start < len(text):
        yield text[start:]


def _closing(text: str, start: int) -> int:
    depth = 1
    for index in range(start, len(text)):
        if text[index] == "{" and text[index - 1] == "$":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    raise BundleError(f"{text!r}: a `${{` is not closed", hint="close it with `}`")


def uses(text: str) -> Iterator[Use]:
    """Yield each variable that `text` uses, including those in defaults."""
    for piece in split(text):
        if isinstance(piece, Use):
            yield piece
            yield from uses(piece.word) if piece.operator[-1:] in {"-", "+"} else ()


def plain(text: str) -> str:
    """Return `text` without constant defaults, because the site has a value for every variable.

    The default is kept only in the site variable, and the default of a secret is not kept at all.
    """
    return "".join(_plain(piece) if isinstance(piece, Use) else piece for piece in split(text))


def _plain(use: Use) -> str:
    if use.operator in {":+", "+"} or (use.operator in {":-", "-"} and "$" in use.word):
        return use.text
    return f"${{{use.name}}}"


def bind(text: str, values: Mapping[str, str], missing: Callable[[Use], str]) -> str:
    """Return `text` with each variable replaced by its value, or by the result of `missing` without one."""
    pieces = []
    for piece in split(text):
        if not isinstance(piece, Use):
            pieces.append("$" if piece == "$$" else piece)
            continue
        value = values.get(piece.name)
        empty = not value if piece.operator.startswith(":") else value is None
        match piece.operator[-1:]:
            case "+":
                pieces.append("" if empty else bind(piece.word, values, missing))
            case "-" if empty:
                pieces.append(bind(piece.word, values, missing))
            case _:
                pieces.append(missing(piece) if empty or value is None else value)
    return "".join(pieces)
