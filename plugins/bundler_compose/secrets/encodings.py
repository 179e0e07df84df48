"""Files that are no UTF-8: as texts in which secrets are searched, but not replaced.

Source of the byte order marks: the Unicode Standard, section 23.8.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL: Final = bytes({*range(32)} - set(b"\t\n\r\f\x1b"))
_FEW: Final = 4
_PART: Final = 500
"""A text has a few control characters, and one in so many bytes."""
_ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "cp1251", "gb18030", "big5", "shift_jis")


def read_utf8(content: bytes) -> str | None:
    """Return a file as the text in which values can be replaced, or None if it is no UTF-8."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def read_other(content: bytes) -> str | None:
    """Return a text in another encoding, or None if the bytes are no text.

    Letters beyond ASCII become others, except in UTF-16 and UTF-32; most names and values are ASCII.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace").replace("\r\n", "\n")
    for first, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        zeros = content[first::2].count(0)
        if len(content) > _FEW and zeros * 10 > len(content) * 4 and not content[1 - first :: 2].count(0):
            return content.decode(encoding, "replace").replace("\r\n", "\n")
    controls = len(content) - len(content.translate(None, _CONTROL))
    if controls > _FEW + len(content) // _PART:
        return None
    return content.decode("latin-1").replace("\0", "\n")


def encoded_forms(value: str) -> Iterator[bytes]:
    """Yield a value in each encoding that files are written in."""
    for encoding in _ENCODINGS:
        try:
            yield value.encode(encoding)
        except UnicodeEncodeError:
            continue
