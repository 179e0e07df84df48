"""Entries of applications' caches are made once, atomically, pruned by age, and survive kills."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from bundler.errors import BundleError
from bundler.store.blobs import Store

NAME = "dify-plugins"


def write(path: Path) -> None:
    path.write_bytes(b"made")


def refuse(path: Path) -> None:
    raise AssertionError(path)


def test_an_entry_is_made_once_and_found(tmp_path: Path) -> None:
    cache = Store(tmp_path).cache(NAME)
    assert cache.find("a.difypkg") is None
    path = cache.keep("a.difypkg", write)
    assert path == tmp_path / "caches" / NAME / "a.difypkg"
    assert path.read_bytes() == b"made"
    assert cache.keep("a.difypkg", refuse) == path
    assert Store(tmp_path).cache(NAME).find("a.difypkg") == path


def test_a_folder_is_an_entry_too(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "x.whl").write_bytes(b"wheel")

    cache = Store(tmp_path).cache(NAME)
    assert [path.name for path in cache.keep("wheels", make).iterdir()] == ["x.whl"]
    (entry,) = cache.entries()
    assert (entry.name, entry.size) == ("wheels", 5)


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.mkdir()
        (path / "half").write_bytes(b"half")
        raise BundleError("no wheel")

    cache = Store(tmp_path).cache(NAME)
    with pytest.raises(BundleError):
        cache.keep("a", fail)
    assert list(cache.entries()) == []
    assert cache.keep("a", write).read_bytes() == b"made"


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden"])
def test_names_that_are_not_a_caches(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Store(tmp_path).cache(name)


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden"])
def test_names_that_are_not_an_entrys(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Store(tmp_path).cache(NAME).find(name)


def test_pruning_takes_entries_by_age_as_it_takes_blobs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    cache = store.cache(NAME)
    for name in ("old", "new", "used"):
        cache.keep(name, write)
    for name in ("old", "used"):
        os.utime(tmp_path / "caches" / NAME / name, (0, 0))
    assert cache.find("used")
    assert [entry.name for entry in store.prune(keep_seconds=3600).made[NAME]] == ["old"]
    assert sorted(entry.name for entry in cache.entries()) == ["new", "used"]
    assert len(store.prune().made[NAME]) == 2
    assert not (tmp_path / "caches" / NAME).exists()
    assert store.caches() == []


# ---------------------------------------------------------------- another process


def _make_slowly(root: Path) -> None:
    def make(path: Path) -> None:
        with (root / "makers").open("a") as makers:
            makers.write(f"{os.getpid()}\n")
        path.mkdir()
        for number in range(20):
            (path / str(number)).write_bytes(b"x")
            time.sleep(0.1)

    Store(root).cache(NAME).keep("slow", make)


def begin(root: Path) -> BaseProcess:
    """Start a process and return once it has begun to make the entry."""
    process = multiprocessing.get_context("spawn").Process(target=_make_slowly, args=(root,))
    process.start()
    deadline = time.monotonic() + 120
    while not (root / "caches" / NAME / ".slow.part").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def test_an_entry_that_another_build_makes_is_waited_for_and_not_pruned(tmp_path: Path) -> None:
    process = begin(tmp_path)
    store = Store(tmp_path)
    assert list(store.cache(NAME).entries()) == []
    with pytest.raises(BundleError, match="in use"):
        store.prune()
    path = store.cache(NAME).keep("slow", refuse)
    assert len(list(path.iterdir())) == 20
    process.join()
    assert (tmp_path / "makers").read_text() == f"{process.pid}\n"


def test_a_kill_leaves_nothing_whole_and_the_next_build_makes_it(tmp_path: Path) -> None:
    process = begin(tmp_path)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    cache = Store(tmp_path).cache(NAME)
    assert cache.find("slow") is None
    assert cache.keep("slow", write).read_bytes() == b"made"


def test_pruning_removes_what_a_killed_build_left(tmp_path: Path) -> None:
    process = begin(tmp_path)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    Store(tmp_path).prune(keep_seconds=3600)
    assert not (tmp_path / "caches" / NAME).exists()
