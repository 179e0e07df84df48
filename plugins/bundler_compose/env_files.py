"""Parses `.env` and `env_file` as Compose does: Docker's documentation, "Env file syntax".

python-dotenv splits the text into assignments. Their values are parsed here, because Compose's rules differ:
a comment requires a space before it, a backslash in single quotes escapes only a single quote, a colon may
replace `=`, and variables are replaced in order.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dotenv.parser import parse_stream

from bundler.errors import BundleError
from bundler_compose.interpolation import Use, bind

_BOM: Final = "\ufeff"
_BARE: Final = re.compile(r"\s*(?:export[^\S\r\n]+)?[\w.\[\]-]*\s*(?:#.*)?", re.DOTALL)
"""An empty line, a comment, or a name without a value, which Compose takes from its own environment."""
_ASSIGNMENT: Final = re.compile(
    r"\s*(?:export[^\S\r\n]+)?(?P<name>[\w.\[\]-]+)[^\S\r\n]*[=:][^\S\r\n]*(?P<rest>.*)", re.DOTALL
)
_QUOTED: Final = re.compile(
    r"""(?P<raw>(?P<quote>["'])(?P<text>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote))\s*(?:#.*)?""", re.DOTALL
)
_ESCAPE: Final = re.compile(
    r'\\(?:(?P<letter>[abfnrtv])|0(?P<octal>[0-7]{1,3})|(?P<itself>["\\])|(?P<dollar>\$))'
)
_LETTERS: Final = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
_LONE_DOLLAR: Final = re.compile(r"\$\$|\$(?![A-Za-z_{])")


@dataclass(frozen=True)
class Assignment:
    """`NAME=VALUE`.

    Attributes:
        name: name of the variable.
        value: value without quotes and escapes. `${NAME}` is not replaced yet; `$$` is a dollar sign.
        raw: value as it is written, with its quotes.
        place: offset of `raw` in the text.
        line: line number of the assignment.
    """

    name: str
    value: str
    raw: str
    place: int
    line: int


def parse_assignments(text: str, name: str) -> Iterator[Assignment]:
    """Yield the assignments of a file.

    Args:
        text: content of the file.
        name: name of the file in errors.

    Raises:
        BundleError: a line is not an assignment. The message names file and line.
    """
    begin = len(text) - len(text.removeprefix(_BOM))
    for binding in parse_stream(io.StringIO(text, newline="")):
        original = binding.original.string
        found = _ASSIGNMENT.fullmatch(original)
        line = binding.original.line + original[: len(original) - len(original.lstrip())].count("\n")
        if found is not None:
            raw, value = _read_value(found["rest"], f"{name}:{line}")
            yield Assignment(found["name"], value, raw, begin + found.start("rest"), line)
        elif not _BARE.fullmatch(original):
            raise BundleError(f"{name}:{line}: not NAME=VALUE")
        begin += len(original)


def _read_value(rest: str, where: str) -> tuple[str, str]:
    """Return the value as it is written, and the value without quotes and escapes."""
    if not rest.startswith(('"', "'")):
        raw = rest.partition("\n")[0].strip().partition(" #")[0].rstrip()
        return raw, raw
    found = _QUOTED.fullmatch(rest)
    if found is None:
        raise BundleError(
            f"{where}: a quoted value that is not closed, or has something after its closing quote",
            hint='write a quote within quotes as \\"',
        )
    text = found["text"]
    if found["quote"] == "'":
        return found["raw"], text.replace("\\'", "'").replace("$", "$$")
    return found["raw"], _ESCAPE.sub(_unescape, text)


def _unescape(found: re.Match[str]) -> str:
    if found["letter"]:
        return _LETTERS[found["letter"]]
    if found["octal"]:
        return chr(int(found["octal"], 8))
    return "$$" if found["dollar"] else found["itself"]


def read_env_file(text: str, name: str) -> dict[str, str]:
    """Return the variables of a `.env`. Values may use variables above them, but not the environment.

    Raises:
        BundleError: as `parse_assignments`, or a variable is used in a way that Compose rejects.
    """
    values: dict[str, str] = {}
    for assignment in parse_assignments(text, name):
        values[assignment.name] = _interpolate(assignment, values, f"{name}:{assignment.line}")
    return values


def _interpolate(assignment: Assignment, values: Mapping[str, str], where: str) -> str:
    def missing(use: Use) -> str:
        if use.operator.endswith("?"):
            raise BundleError(
                f"{use.text} has no value: {use.word}", hint="give it one in a line above, or remove the `?`"
            )
        return ""

    try:
        return bind(_LONE_DOLLAR.sub("$$", assignment.value), values, missing)
    except BundleError as error:
        raise BundleError(f"{where}: {error.message}", hint=error.hint) from error


def replace_values(text: str, name: str, change: Callable[[str], str]) -> str:
    """Return the file with changed values and everything else unchanged.

    Args:
        text: content of the file.
        name: name of the file in errors.
        change: returns the new value, which may contain `${NAME}`.
    """
    for assignment in reversed(list(parse_assignments(text, name))):
        value = change(assignment.value)
        if value != assignment.value:
            end = assignment.place + len(assignment.raw)
            text = text[: assignment.place] + _quote(assignment, value) + text[end:]
    return text


def _quote(assignment: Assignment, value: str) -> str:
    """Return the original text, or the changed value in double quotes: single quotes disable variables."""
    if assignment.raw == assignment.value:
        return value
    if assignment.raw == f'"{assignment.value}"':
        return f'"{value}"'
    escaped = re.sub(r'["\\]', r"\\\g<0>", value).replace("\n", "\\n")
    return f'"{escaped}"'
