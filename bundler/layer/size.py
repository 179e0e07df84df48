"""Determines the unpacked size of a layer from its first or last bytes, without unpacking."""

from __future__ import annotations

from pathlib import Path

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
GUESS = 3
"""Unpacked size over compressed size, if a layer does not record it: common base images have 2.1 to 2.7."""
HEAD = 18
"""Number of a layer's first bytes needed: the longest header of a zstd frame."""
TAIL = 4
"""Number of a layer's last bytes needed."""
_WRAP = 1 << 32


def unpacked_size(path: Path) -> int:
    """Return the bytes of the layer's tar; see `told_size`."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, size - TAIL))
        return told_size(head, file.read(TAIL), size)


def told_size(head: bytes, tail: bytes, size: int) -> int:
    """Return the bytes of a layer's tar, determined from its first and last bytes.

    gzip stores the size modulo 2^32 at its end (RFC 1952, ISIZE), zstd usually in the header of its first
    frame
    (RFC 8878). A gzip of several members stores only the size of the last one, so a value below the
    compressed
    size is replaced by an estimate.
    """
    if head.startswith(GZIP_MAGIC):
        found = int.from_bytes(tail, "little")
        while found < size and found + _WRAP <= size * 20:
            found += _WRAP
        return found if found >= size else size * GUESS
    if head.startswith(ZSTD_MAGIC):
        import zstandard  # noqa: PLC0415 12 MB of code, loaded only for such layers

        told = zstandard.frame_content_size(head)
        return told if told > 0 else size * GUESS
    return size
