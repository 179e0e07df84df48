from __future__ import annotations

import io
import multiprocessing
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from bundler.errors import BundleError, FetchError
from bundler.image.digest import digest_of
from bundler.image.oci import Descriptor
from bundler.store.blobs import Store, default_root

DATA = random.Random(7).randbytes(3_000_000)  # noqa: S311 the same in a spawned process
BLOB = Descriptor("application/octet-stream", digest_of(DATA), len(DATA))


def ignore(size: int) -> None:
    pass


class Source:
    """Serves bytes and counts the requests."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.offsets: list[int] = []

    def __call__(self, offset: int) -> io.BytesIO:
        self.offsets.append(offset)
        return io.BytesIO(self.data[offset:])


def test_a_blob_is_fetched_once(tmp_path: Path) -> None:
    store, source = Store(tmp_path), Source()
    seen: list[int] = []
    for _ in range(2):
        store.fetch(BLOB, source, seen.append)
    assert source.offsets == [0]
    assert store.read(BLOB.digest) == DATA
    assert sum(seen) == 2 * len(DATA)


@pytest.mark.parametrize(
    "data", [DATA[:-1], DATA + b"x", b"", bytes(len(DATA))], ids=["short", "long", "empty", "other"]
)
def test_wrong_bytes_never_enter(tmp_path: Path, data: bytes) -> None:
    store = Store(tmp_path)
    with pytest.raises(FetchError, match=BLOB.digest):
        store.fetch(BLOB, Source(data), ignore)
    assert not store.has(BLOB)
    assert list(store.entries()) == []
    store.fetch(BLOB, Source(), ignore)
    assert store.has(BLOB)


def test_an_empty_blob_is_a_blob(tmp_path: Path) -> None:
    empty = Descriptor("x", digest_of(b""), 0)
    assert Store(tmp_path).fetch(empty, Source(b""), ignore).read_bytes() == b""


def test_a_broken_fetch_is_resumed(tmp_path: Path) -> None:
    class Breaks(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 1_000_000:
                raise ConnectionError("cut")
            return super().read(size)

    store = Store(tmp_path)
    with pytest.raises(ConnectionError):
        store.fetch(BLOB, lambda _: Breaks(DATA), ignore)
    source = Source()
    store.fetch(BLOB, source, ignore)
    assert source.offsets[0] > 1_000_000
    assert store.read(BLOB.digest) == DATA


def _fetch_slowly(root: Path) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            time.sleep(0.2)
            return super().read(100_000)

    Store(root).fetch(BLOB, lambda offset: Slow(DATA[offset:]), ignore)


def test_after_a_kill_the_next_build_continues(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_fetch_slowly, args=(tmp_path,))
    process.start()
    partial = tmp_path / "partial" / BLOB.hex
    deadline = time.monotonic() + 120
    while not (partial.exists() and partial.stat().st_size):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert list(Store(tmp_path).entries()) == []
    source = Source()
    Store(tmp_path).fetch(BLOB, source, ignore)
    assert source.offsets[0] > 0
    assert Store(tmp_path).read(BLOB.digest) == DATA


def test_two_builds_at_once_fetch_a_blob_once(tmp_path: Path) -> None:
    source = Source()
    stores = [Store(tmp_path) for _ in range(4)]
    threads = [threading.Thread(target=s.fetch, args=(BLOB, source, ignore)) for s in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.offsets == [0]
    assert list((tmp_path / "partial").iterdir()) == []


def test_a_damaged_blob_is_found_and_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest = store.put(b"good")
    path = store.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"evil")
    with pytest.raises(FetchError, match="damaged"):
        store.read(digest)
    assert not path.exists()
    store.put(b"good")
    path.chmod(0o644)
    path.write_bytes(b"evil")
    assert [blob.digest for blob in store.check()] == [digest]


def test_pruning_does_not_wait_for_builds_and_removes_only_unused_blobs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, new = store.put(b"old"), store.put(b"new")
    os.utime(store.path(old), (0, 0))
    with store.in_use(), pytest.raises(BundleError, match="in use"):
        store.prune()
    assert [blob.digest for blob in store.prune(keep_seconds=3600).blobs] == [old]
    assert [blob.digest for blob in store.entries()] == [new]
    store.prune()
    assert list(store.entries()) == []


def test_ingest_returns_digest_and_size(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.ingest(io.BytesIO(DATA)) == (BLOB.digest, BLOB.size)
    assert store.has(BLOB)


def test_references_are_remembered(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.recall("redis:7 linux/amd64") is None
    store.remember("redis:7 linux/amd64", BLOB.digest)
    assert store.recall("redis:7 linux/amd64") == BLOB.digest


def test_the_folder_of_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BUNDLE_CACHE", "/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert default_root() == Path("/own")
    monkeypatch.delenv("BUNDLE_CACHE")
    assert default_root() == Path("/xdg/bundle")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_root() == tmp_path / ".cache/bundle"


def test_a_stream_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise FetchError("the engine ended the export early")
            return super().read(10)

    with pytest.raises(FetchError, match="ended the export early"):
        Store(tmp_path).ingest(Broken(DATA))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_unfinished_blob_that_is_too_long_is_thrown_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    partial = tmp_path / "partial"
    partial.mkdir()
    (partial / BLOB.hex).write_bytes(DATA + b"x")
    with pytest.raises(FetchError, match="was too long; it was discarded"):
        store.fetch(BLOB, Source(), ignore)
    assert store.fetch(BLOB, Source(), ignore).read_bytes() == DATA


def test_a_missing_or_damaged_small_blob_is_an_error(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest = store.put(b"{}")
    assert store.read(digest) == b"{}"
    store.path(digest).chmod(0o644)  # blobs are read-only, but for root
    store.path(digest).write_bytes(b"[]")
    with pytest.raises(FetchError, match="was damaged and has been removed"):
        store.read(digest)
    with pytest.raises(FetchError, match="is not in the cache"):
        store.read(digest)
