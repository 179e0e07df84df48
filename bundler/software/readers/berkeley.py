"""Hashes of Berkeley DB, as rpm before 4.16 keeps its packages: dbinc/db_page.h of Berkeley DB 5.3."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from bundler.software.package import UnreadableError
from bundler.software.readers.content import Content

_MAGIC: Final = 0x061561
_OVERFLOW, _HASH, _UNSORTED = 7, 13, 2
"""Types of pages."""
_INLINE, _OFF_PAGE = 1, 3
"""Types of items: in the page, or in a chain of pages of their own."""
_OFF_PAGE_SIZE: Final = 12
_HEAD: Final = 26
_PAGES: Final = range(512, 65536 + 1)


def hash_values(content: Content) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values.

    Raises:
        UnreadableError: it is damaged, or not a hash.
    """
    if len(content) < _PAGES[0]:
        raise UnreadableError("it is not a database of Berkeley DB")
    order = next((each for each in "<>" if struct.unpack_from(f"{each}I", content, 12)[0] == _MAGIC), None)
    if order is None:
        raise UnreadableError("it is not a hash of Berkeley DB")
    (size,) = struct.unpack_from(f"{order}I", content, 20)
    if size not in _PAGES or size & (size - 1) or len(content) % size or content[24]:
        raise UnreadableError("its head is damaged, or it is encrypted")
    if (struct.unpack_from(f"{order}I", content, 32)[0] + 1) * size > len(content):
        raise UnreadableError("it is truncated")
    database = _Hash(content, order, size)
    for at in range(size, len(content), size):
        if content[at + 25] in {_HASH, _UNSORTED}:
            items = list(database.items(at))
            if len(items) % 2:
                raise UnreadableError("a key has no value")
            yield from zip(items[::2], items[1::2], strict=True)


class _Hash:
    """The pages of a database.

    Attributes:
        left: bytes that chains of pages may still have: all together, they are no longer than the file.
    """

    def __init__(self, content: Content, order: str, size: int) -> None:
        self._content = content
        self._order = order
        self._size = size
        self.left = len(content)

    def items(self, at: int) -> Iterator[bytes]:
        """Yield the items of the page at an offset; each ends where the one before it begins."""
        (entries,) = self._numbers("H", at + 20)
        start = _HEAD + 2 * entries
        if start > self._size:
            raise UnreadableError("a page is damaged")
        end = self._size
        for place in self._numbers(f"{entries}H", at + _HEAD):
            if not start <= place < end:
                raise UnreadableError("a page is damaged")
            kind = self._content[at + place]
            if kind == _INLINE:
                yield bytes(self._content[at + place + 1 : at + end])
            elif kind == _OFF_PAGE and end - place >= _OFF_PAGE_SIZE:
                yield self._chain(*self._numbers("II", at + place + 4))
            else:
                raise UnreadableError("a page has an item that rpm does not write")
            end = place

    def _chain(self, page: int, total: int) -> bytes:
        """Return what is in a chain of overflow pages."""
        self.left -= total
        if self.left < 0:
            raise UnreadableError("its values are longer than the file")
        found = bytearray()
        while page and len(found) < total:
            at = page * self._size
            if at + self._size > len(self._content) or self._content[at + 25] != _OVERFLOW:
                raise UnreadableError("a chain of pages is broken")
            (page,) = self._numbers("I", at + 16)
            (length,) = self._numbers("H", at + 22)
            if not 0 < length <= self._size - _HEAD:
                raise UnreadableError("a page is damaged")
            found += self._content[at + _HEAD : at + _HEAD + length]
        if len(found) != total:
            raise UnreadableError("a chain of pages is broken")
        return bytes(found)

    def _numbers(self, form: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self._order + form, self._content, at)
