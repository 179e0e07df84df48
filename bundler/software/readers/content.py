"""The bytes of a file in an image, in memory or in a scratch file."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from bundler.io.streams import CHUNK, Readable
from bundler.software.package import UnreadableError

Content = bytes | mmap.mmap
IN_MEMORY: Final = 4 << 20
"""Bytes above which a file is kept on disk."""


@contextmanager
def held(stream: Readable, size: int, scratch: Path) -> Iterator[Content]:
    """Provide the next `size` bytes of a stream, in memory if they are few.

    Args:
        stream: where they come from.
        size: how many.
        scratch: folder for files that vanish with the block.
    """
    if size <= IN_MEMORY:
        data = bytearray()
        while len(data) < size and (chunk := stream.read(min(CHUNK, size - len(data)))):
            data += chunk
        yield bytes(data)
        return
    with TemporaryFile(dir=scratch) as file:
        left = size
        while left and (chunk := stream.read(min(CHUNK, left))):
            file.write(chunk)
            left -= len(chunk)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped


def lines_of(content: Content, *, strict: bool = True) -> Iterator[str]:
    """Yield the lines of a text without their ends. Bytes that are not UTF-8 are replaced.

    Args:
        content: the text.
        strict: whether zero bytes, which no text has, are an error.

    Raises:
        UnreadableError: the content is not text.
    """
    if strict and content.find(b"\0") >= 0:
        raise UnreadableError("it is not text")
    for line in io.TextIOWrapper(io.BytesIO(content), "utf-8", "replace", newline="\n"):
        yield line.rstrip("\r\n")
