"""The way from this program to a terminal: what others wrote cannot command it.

Names, titles, file names and the texts of servers and plugins come from elsewhere. An escape sequence in them
could hide or rewrite what stands on the screen, a bidirectional mark could turn it round. All output of the
commands goes through `echo` and `echo_json`, progress through `clean`; colours are put around clean text.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import traceback
from types import TracebackType
from typing import Final, TextIO

_CONTROLS: Final = "\x00-\x1f\x7f-\x9f"
"""C0, DEL and C1: ECMA-48."""
_MARKS: Final = "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""What turns text round (Unicode, UAX 9) or begins a line."""
_HALVES: Final = "\ud800-\udfff"
"""Halves of characters: undecodable bytes of file names, and JSON's lone surrogates. No encoding has them."""
_UNSAFE: Final = re.compile(f"[{_CONTROLS}{_MARKS}{_HALVES}]")
_UNSAFE_IN_LINES: Final = re.compile(f"(?![\\n\\t])[{_CONTROLS}{_MARKS}{_HALVES}]")


def clean(text: str, *, lines: bool = False) -> str:
    r"""`text` with every character that a terminal would obey written out, as Python does: `\x1b`, `\u202e`.

    Args:
        text: from anywhere.
        lines: keep line breaks and tabs.
    """
    return (_UNSAFE_IN_LINES if lines else _UNSAFE).sub(_write_out, text)


def _write_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def to_json(document: object, *, indent: int | None = None) -> str:
    """`document` as JSON, readable, and with the same characters escaped."""
    import json  # noqa: PLC0415 only who prints a document pays

    text = json.dumps(document, indent=indent, ensure_ascii=False)
    return _UNSAFE_IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # its line breaks are our own


def is_terminal(stream: TextIO) -> bool:
    """Whether `stream` leads to a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def echo(text: str = "", *, lines: bool = False, err: bool = False, end: str = "\n") -> None:
    """Print text for people, on standard error where it is not the result.

    Args:
        text: one line, whatever is in it.
        lines: keep its line breaks and tabs: it has several lines.
        err: on standard error.
        end: what follows.
    """
    _print(clean(text, lines=lines), err=err, end=end)


def echo_json(document: object, *, indent: int | None = None, err: bool = False) -> None:
    """Print a JSON document for machines."""
    _print(to_json(document, indent=indent), err=err)


def echo_error(text: str, *, colour: bool) -> None:
    """Print `error: <text>` on standard error."""
    label = "\033[31m\033[1merror: \033[0m" if colour else "error: "
    _print(label + clean(text, lines=True), err=True)


def _print(text: str, *, err: bool, end: str = "\n") -> None:
    print(text, file=sys.stderr if err else sys.stdout, end=end, flush=True)


def prepare() -> None:
    """Make the process's own streams take every text, and clean what Python says of a bug."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a stand-in of a test, or none at all
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.excepthook = _show_bug
    threading.excepthook = lambda bug: _show_bug(bug.exc_type, bug.exc_value, bug.exc_traceback)


def _show_bug(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    echo("".join(traceback.format_exception(kind, error, trace)), lines=True, err=True, end="")
