"""Determine the unpacked size of a layer from its first and last bytes."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from bundler.layer.size import GUESS, told_size
from bundler.layer.size import unpacked_size as size_of

CONTENT = b"content " * 10_000


def told(data: bytes) -> int:
    return told_size(data[:64], data[-4:], len(data))


def test_every_form_of_a_layer_is_told_exactly(tmp_path: Path) -> None:
    for data in (CONTENT, gzip.compress(CONTENT), zstandard.compress(CONTENT)):
        path = tmp_path / "layer"
        path.write_bytes(data)
        assert size_of(path) == len(CONTENT)


def test_what_does_not_tell_its_size_is_estimated() -> None:
    streamed = zstandard.ZstdCompressor().compressobj()
    data = streamed.compress(CONTENT) + streamed.flush()
    assert told(data) == len(data) * GUESS


def test_the_last_of_several_members_is_not_believed() -> None:
    data = gzip.compress(bytes(range(256)) * 40) + gzip.compress(b"")
    assert told(data) == len(data) * GUESS


@pytest.mark.parametrize("wraps", [0, 1, 2])
def test_the_size_that_gzip_keeps_is_modulo_four_gigabytes(wraps: int) -> None:
    tail, packed = (1000).to_bytes(4, "little"), (wraps << 32) or 900
    assert told_size(gzip.compress(b"x")[:64], tail, packed) == (wraps << 32) + 1000
