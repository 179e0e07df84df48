"""Makes a text that matches a POSIX extended regular expression (POSIX.1-2017, XBD section 9.4).

The text is short: repetitions are as few as allowed, of alternatives the first. Back-references are no part
of extended expressions.
"""

from __future__ import annotations

import re
from typing import Final

from bundler.language import tr

CLASSES: Final = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
    "space": " ",
    "blank": " ",
    "punct": "._-",
    "print": "a-zA-Z0-9",
    "graph": "a-zA-Z0-9",
    "cntrl": "",
}
"""Bracket classes, as the ranges from which a text is made."""
_COUNT: Final = re.compile(r"\{(\d*)(?:,(\d*))?\}")
_FAVOURITES: Final = "rehasl1A0b2-_./: "
"""Characters that are chosen first."""
_PLAIN: Final = "".join(map(chr, range(32, 127)))


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches the expression.

    Raises:
        ValueError: the expression is not understood.
    """
    try:
        return re.fullmatch(_for_python(pattern), text) is not None
    except re.error as error:
        raise ValueError(str(error)) from error


def sample(pattern: str) -> str:
    """Return a short text that matches the expression.

    Raises:
        ValueError: the expression is not understood, or no text was found.
    """
    maker = _Maker(pattern)
    text = maker.alternatives()
    if maker.at != len(pattern) or not matches(pattern, text):
        raise ValueError(tr("no text was found that matches {pattern}", pattern=pattern))
    return text


def _for_python(pattern: str) -> str:
    """Write the bracket classes as Python has them."""
    classes = {**CLASSES, "space": r"\s", "punct": r"!-/:-@\[-`{-~", "print": " -~", "graph": "!-~"}

    def replace(found: re.Match[str]) -> str:
        if found[1] not in classes:
            raise ValueError(tr("unknown class {value}", value=found[0]))
        return classes[found[1]]

    return re.sub(r"\[:([a-z]+):\]", replace, pattern)


class _Maker:
    """Reads an expression once, and makes the text on the way.

    Attributes:
        at: position of the next character.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def alternatives(self) -> str:
        """Read `a|b|c` up to the closing parenthesis; return the text of the first alternative."""
        found = [self._branch()]
        while self._peek() == "|":
            self.at += 1
            found.append(self._branch())
        return next((text for text in found if text), "")

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _branch(self) -> str:
        text = ""
        while (next_one := self._peek()) and next_one not in "|)":
            atom = self._atom()
            text += atom * self._times()
        return text

    def _atom(self) -> str:
        character = self._peek()
        self.at += 1
        if character == "(":
            text = self.alternatives()
            if self._peek() != ")":
                raise ValueError(tr("a parenthesis is not closed"))
            self.at += 1
            return text
        if character == "[":
            return self._bracket()
        if character == "\\":
            self.at += 1
            return self.pattern[self.at - 1 : self.at]
        return {"^": "", "$": "", ".": "r"}.get(character, character)

    def _times(self) -> int:
        """Read the repetitions after an atom; return the smallest number allowed, or 1 of an optional one."""
        times = 1
        while (character := self._peek()) and character in "*+?{":
            count = _COUNT.match(self.pattern, self.at)
            if character == "{" and count is None:
                break
            self.at += len(count[0]) if count and character == "{" else 1
            if character in "*?":
                times = 0
            elif count and character == "{":
                times *= int(count[1] or 0)
        return times

    def _bracket(self) -> str:
        """Read a bracket expression behind its `[`; return one of its characters."""
        end = self.at
        if self.pattern[end : end + 1] == "^":
            end += 1
        if self.pattern[end : end + 1] == "]":
            end += 1  # in the first place, it is itself
        while self.pattern[end : end + 1] != "]":
            if self.pattern.startswith("[:", end):
                end = self.pattern.index(":]", end) + 1
            end += 1
            if end > len(self.pattern):
                raise ValueError(tr("a bracket is not closed"))
        inside = f"[{self.pattern[self.at : end]}]"
        self.at = end + 1
        for character in _FAVOURITES + _PLAIN:
            if matches(inside, character):
                return character
        raise ValueError(tr("{inside} has no character that a person can type", inside=inside))
