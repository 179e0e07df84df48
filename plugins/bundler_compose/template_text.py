"""The syntax of `${NAME}` in texts, as compose-go reads it.

Source: compose-go v2, `template/template.go` at e70e961: `patternString`, `getFirstBraceClosingIndex` and
`DefaultReplacementAppliedFunc`. The limits of that code are facts of the language, and are kept:

- A `$` that begins no variable stands for itself; `${` that begins none is an error.
- The word after an operator does not go over the end of a line.
- The brace that closes a use is found by counting braces, and the character after each `{` is not counted.
  Where the count finds none, the use ends with the last `}` of the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bundler.errors import BundleError
from bundler.language import tr

_NAME: Final = "[_A-Za-z\u017f\u212a][_A-Za-z0-9\u017f\u212a]*"
"""A name. Two more characters are letters for Go's `(?i)`: the long s, and the sign of Kelvin."""
_PATTERN: Final = re.compile(
    rf"\$(?:(?P<dollar>\$)|(?P<plain>{_NAME})"
    rf"|\{{(?:(?P<name>{_NAME})(?:(?P<operator>:?[-+?])(?P<word>.*))?\}}|(?P<invalid>)))"
)


@dataclass(frozen=True)
class Substitution:
    """A use of a variable, as it is written.

    Attributes:
        name: name of the variable.
        operator: `:-`, `-`, `:?`, `?`, `:+`, `+`, or empty.
        word: text after the operator, which may use variables itself.
    """

    name: str
    operator: str
    word: str


def pieces(text: str) -> Iterator[str | Substitution]:
    """Yield the literal texts of `text` (with `$$` as `$`) and its uses of variables, in their order.

    Raises:
        BundleError: a `${` begins no variable. The message has no place: the caller knows it.
    """
    start = 0
    while found := _PATTERN.search(text, start):
        if found.start() > start:
            yield text[start : found.start()]
        start = found.end()
        if found["dollar"]:
            yield "$"
        elif found["plain"]:
            yield Substitution(found["plain"], "", "")
        elif found["name"]:
            end = _closing(found[0])
            word = found["word"] or ""
            if end is not None and found["operator"]:
                start = found.start() + end + 1
                word = text[found.start("word") : start - 1]
            yield Substitution(found["name"], found["operator"] or "", word)
        else:
            raise BundleError(
                tr("{text!r}: a `${{` that begins no variable", text=text),
                hint=tr("as ${NAME}, or `$$` for a dollar sign"),
            )
    if start < len(text):
        yield text[start:]


def _closing(text: str) -> int | None:
    depth = 0
    index = 0
    while index < len(text):
        if text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
        elif text[index] == "{":
            depth += 1
            index += 1
        index += 1
    return None
