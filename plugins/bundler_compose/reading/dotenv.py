"""Reads `.env`, `env_file` and `label_file` as Compose does.

Sources: compose-go v2, `dotenv/parser.go` and `dotenv/env.go` at e70e961; for `format: raw`, docker/cli,
`pkg/kvfile`, which Compose calls in `cmd/compose/compose.go` (`rawEnv`) at f729794.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading.interpolation import Interpolation, Site
from bundler_compose.site_text import refuse_marks
from bundler_compose.template_text import Substitution, pieces

_BOM: Final = "\ufeff"
_IN_LINE: Final = "\t\v\f\r \x85\xa0"
"""White space that does not end a line."""
_SPACE: Final = (
    _IN_LINE + "\n\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
"""White space of Unicode, as Go's `unicode.IsSpace` has it."""
_EXPORT: Final = re.compile(r"export[\t\n\f\r ]+")
_ESCAPE: Final = re.compile(r'\\([abcfnrtv$"\\]|0[0-9]{0,3})')
_LETTERS: Final = {**dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)), "$": "$$", '"': '"', "\\": "\\"}
_LONGEST_RAW: Final = 64 << 10
"""Maximum length of a line of `format: raw`, in bytes, from Go's `bufio.Scanner`."""


@dataclass(frozen=True)
class Entry:
    """One statement of a file.

    Attributes:
        name: name of the variable.
        text: its value as a template: without quotes and escapes, before variables are replaced.
        value: its value; None if the file only names the variable, and Compose's environment has the value.
        where: file and line of the name, such as `.env:3`.
        comment: the comment lines directly above, without `#`, joined by line breaks.
    """

    name: str
    text: str
    value: str | None
    where: str
    comment: str = ""

    @property
    def references(self) -> tuple[str, ...]:
        """Names of the variables that the value uses, also those in words."""
        return tuple(dict.fromkeys(_names(self.text)))


def _names(text: str) -> Iterator[str]:
    for piece in pieces(text):
        if isinstance(piece, Substitution):
            yield piece.name
            yield from _names(piece.word)


def decode(content: bytes, where: str) -> str:
    """Return the text of a file, without a byte order mark.

    Raises:
        BundleError: it is not UTF-8, or has private characters of marks.
    """
    try:
        text = content.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BundleError(
            tr("{where}:{line}: not UTF-8", where=where, line=line), hint=tr("save the file as UTF-8")
        ) from error
    refuse_marks(text, where)
    return text


def read_dotenv(
    content: bytes, where: str, interpolation: Interpolation, values: dict[str, str] | None = None
) -> tuple[Entry, ...]:
    """Return the statements of a file with their values, in order; a name may stand there twice.

    Args:
        content: content of the file.
        where: name of the file in errors.
        interpolation: its lookup is asked before `values`, as Compose does.
        values: values of earlier files; each statement adds its own.

    Raises:
        BundleError: Compose refuses the file, with file and line.
    """
    known = {} if values is None else values

    def lookup(name: str) -> str | Site | None:
        found = interpolation.lookup(name)
        return known.get(name) if found is None else found

    expand = replace(interpolation, lookup=lookup)
    entries = []
    for entry in statements(decode(content, where), where):
        if entry.value is None:
            found = interpolation.lookup(entry.name)
            resolved = replace(entry, value=found if isinstance(found, str) else None)
        else:
            resolved = replace(entry, value=expand.text(entry.text, entry.where))
        if resolved.value is not None:
            known[entry.name] = resolved.value
        entries.append(resolved)
    return tuple(entries)


def read_raw(
    content: bytes, where: str, interpolation: Interpolation, values: dict[str, str] | None = None
) -> tuple[Entry, ...]:
    """Return the statements of a file with `format: raw`: nothing is quoted, escaped or replaced.

    Raises:
        BundleError: Compose refuses the file, with file and line.
    """
    entries = []
    for number, each in enumerate(decode(content, where).split("\n"), 1):
        line = each.removesuffix("\r").lstrip(" \t")
        if len(line.encode()) >= _LONGEST_RAW:
            raise BundleError(
                tr("{where}:{number}: longer than 64 KiB", where=where, number=number),
                hint=tr("remove `format: raw`"),
            )
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not name or " " in name or "\t" in name:
            raise BundleError(
                tr("{where}:{number}: {name!r} is not a name", where=where, number=number, name=name),
                hint=tr("as NAME=VALUE, without spaces"),
            )
        found = interpolation.lookup(name)
        given = value if equals else found if isinstance(found, str) else None
        entries.append(Entry(name, value.replace("$", "$$"), given, f"{where}:{number}"))
        if values is not None and given is not None:
            values[name] = given
    return tuple(entries)


def statements(text: str, where: str) -> Iterator[Entry]:
    """Yield the statements of a file; the value of those that have one is an empty text.

    Raises:
        BundleError: Compose refuses the file, with file and line.
    """
    place = last = 0
    while (place := _skip(text, place)) < len(text):
        line = text.count("\n", 0, place) + 1
        name, start, named_only = _read_name(text, place, f"{where}:{line}")
        comment = _comment_above(text, last, place)
        if named_only:
            place = start
            if name:
                yield Entry(name, "", None, f"{where}:{line}", comment)
        else:
            template, place = _read_value(text, start, f"{where}:{line}")
            if not name:
                raise BundleError(
                    tr("{where}:{line}: a value without a name", where=where, line=line),
                    hint=tr("as NAME=VALUE"),
                )
            yield Entry(name, template, "", f"{where}:{line}", comment)
        last = place


def _skip(text: str, place: int) -> int:
    """Return the place of the next statement: after white space and comments."""
    while place < len(text):
        if text[place] == "#":
            place = _end(text, place)
        elif text[place] in _SPACE:
            place += 1
        else:
            break
    return place


def _end(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def _skip_in_line(text: str, place: int) -> int:
    while place < len(text) and text[place] in _IN_LINE:
        place += 1
    return place


def _read_name(text: str, place: int, where: str) -> tuple[str, int, bool]:
    """Return the name at `place`, the place after it, and whether it has no value."""
    if _EXPORT.match(text, place):
        place = _skip_in_line(text, place + len("export"))
    for end in range(place, len(text)):
        char = text[end]
        if char in "=:\n":
            name = text[place:end].rstrip(_SPACE)
            if " " in name:
                raise BundleError(
                    tr("{where}: the name {name!r} has a space", where=where, name=name),
                    hint=tr("as NAME=VALUE"),
                )
            return name, _skip_in_line(text, end + 1), char == "\n"
        if not (char in _IN_LINE or char in "_.-[]" or unicodedata.category(char)[0] in "LN"):
            raise BundleError(
                tr(
                    "{where}: the character {char!r} in the name {text!r}",
                    where=where,
                    char=char,
                    text=text[place : _end(text, place)],
                ),
                hint=tr("as NAME=VALUE, or as a comment after `#`"),
            )
    raise BundleError(
        tr(
            "{where}: {text!r} has no value, and its line does not end: Compose reads no name from it",
            where=where,
            text=text[place:],
        ),
        hint=tr("end the file with a line break, or remove the line"),
    )


def _read_value(text: str, place: int, where: str) -> tuple[str, int]:
    """Return the value at `place` as a template, and the place after it."""
    quote = text[place : place + 1]
    if quote not in {"'", '"'}:
        end = _end(text, place)
        return text[place:end].partition(" #")[0].rstrip(_SPACE), min(end + 1, len(text))
    chars = []
    end = place + 1
    while end < len(text) and text[end] != quote:
        if text[end] == "\\" and end + 1 < len(text):
            chars.append(quote if text[end + 1] == quote else text[end : end + 2])
            end += 1
        else:
            chars.append(text[end])
        end += 1
    if end >= len(text):
        raise BundleError(
            tr(
                "{where}: the quoted value {text!r} does not end",
                where=where,
                text=text[place : _end(text, place)],
            ),
            hint=tr("end it with {quote}; write a {quote} within it as \\{quote}", quote=quote),
        )
    value = "".join(chars)
    return _ESCAPE.sub(_unescape, value) if quote == '"' else value.replace("$", "$$"), end + 1


def _unescape(found: re.Match[str]) -> str:
    if found[1] in _LETTERS:
        return _LETTERS[found[1]]
    octal = found[1][1:]
    if len(octal) == len("000") and not set(octal) & set("89") and int(octal, 8) < 1 << 8:
        return chr(int(octal, 8))
    return "\\" + octal  # compose-go takes the 0 away before it finds that the escape is none


def _comment_above(text: str, last: int, place: int) -> str:
    """Return the comment lines between the last statement and this one, without an empty line between."""
    found: list[str] = []
    for line in reversed(text[last:place].split("\n")[1 if last else 0 : -1]):
        if not line.lstrip(_IN_LINE).startswith("#"):
            break
        found.append(line.strip(_SPACE).removeprefix("#").strip(_SPACE))
    return "\n".join(reversed(found))
