"""Terminal output in which untrusted text cannot control the terminal.

Names, titles, file names and the texts of servers and plugins are untrusted. An escape sequence in them could
hide or rewrite what is on the screen; a bidirectional mark could reverse it. All output of commands goes
through `echo` and `echo_json`, and progress through `clean`; colours are added around cleaned text.
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

from bundler.language import tr

_CONTROLS: Final = "\x00-\x1f\x7f-\x9f"
"""C0, DEL and C1: ECMA-48."""
_MARKS: Final = "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""Characters that change text direction (Unicode, UAX 9) or begin a line."""
_HALVES: Final = "\ud800-\udfff"
"""Surrogates, from undecodable file names or from escapes in JSON. No encoding can represent them."""
_UNSAFE: Final = re.compile(f"[{_CONTROLS}{_MARKS}{_HALVES}]")
_UNSAFE_IN_LINES: Final = re.compile(f"(?![\\n\\t])[{_CONTROLS}{_MARKS}{_HALVES}]")


def clean(text: str, *, lines: bool = False) -> str:
    r"""Return `text` with every character that controls a terminal escaped as in Python: `\x1b`, `\u202e`.

    Args:
        text: any text.
        lines: keep line breaks and tabs.
    """
    return (_UNSAFE_IN_LINES if lines else _UNSAFE).sub(_write_out, text)


def _write_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def to_json(document: object, *, indent: int | None = None) -> str:
    """Return `document` as readable JSON, with the same characters escaped."""
    import json  # noqa: PLC0415 needed only to print documents

    text = json.dumps(document, indent=indent, ensure_ascii=False)
    return _UNSAFE_IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # JSON's own line breaks


def is_terminal(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def echo(text: str = "", *, lines: bool = False, err: bool = False, end: str = "\n") -> None:
    """Print text for people, on standard error if it is not the result of the command.

    Args:
        text: one line; line breaks in it are escaped.
        lines: keep line breaks and tabs, for text of several lines.
        err: print on standard error.
        end: printed after the text.
    """
    _print(clean(text, lines=lines), err=err, end=end)


def echo_json(document: object, *, indent: int | None = None, err: bool = False) -> None:
    """Print a JSON document for machines."""
    _print(to_json(document, indent=indent), err=err)


def echo_page(page: bytes) -> None:
    """Write a whole document to standard output, as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(page)
    sys.stdout.buffer.flush()


def echo_error(text: str, *, colour: bool) -> None:
    """Print `error: <text>` on standard error."""
    label = tr("error: ")
    label = f"\033[31m\033[1m{label}\033[0m" if colour else label
    _print(label + clean(text, lines=True), err=True)


def _print(text: str, *, err: bool, end: str = "\n") -> None:
    print(text, file=sys.stderr if err else sys.stdout, end=end, flush=True)


def prepare() -> None:
    """Make the process's streams accept any text, and clean the tracebacks that Python prints."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a test's replacement, or None
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.excepthook = _show_bug
    threading.excepthook = lambda bug: _show_bug(bug.exc_type, bug.exc_value, bug.exc_traceback)


def _show_bug(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    echo("".join(traceback.format_exception(kind, error, trace)), lines=True, err=True, end="")
