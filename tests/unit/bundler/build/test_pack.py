"""The bundle and the files beside it are written to a folder."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from bundler.build.pack import pack
from bundler.bundle.format import Format
from bundler.bundle.tar import Archive, Member
from bundler.errors import BundleError
from bundler.store.blobs import Store
from bundler.terminal.progress import LogReporter

FORMAT = Format(first=("install",))


def test_a_file_beside_the_bundle_gets_a_checksum_file_too(tmp_path: Path) -> None:
    sidecar = Member.of("preflight.sh", b"#!/bin/sh\n", 0o755)
    archive, store = Archive("top", [Member.of("install", b"x")], 1), Store(tmp_path / "cache")
    packed = pack(archive, FORMAT, tmp_path / "dist", store, LogReporter(), sidecars=[sidecar])
    (path,) = packed.sidecars
    assert path == tmp_path / "dist/top.preflight.sh"
    assert path.stat().st_mode & 0o777 == 0o755
    digest = hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    assert (path.parent / "top.preflight.sh.sha256").read_text() == f"{digest}  top.preflight.sh\n"
    assert len(list(path.parent.iterdir())) == 4


def test_a_folder_in_the_place_of_the_bundle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dist/top.tar").mkdir(parents=True)
    archive = Archive("top", [Member.of("install", b"x")], 1)
    with pytest.raises(BundleError, match="the bundle's path is a folder"):
        pack(archive, FORMAT, tmp_path / "dist", Store(tmp_path / "cache"), LogReporter())


def test_a_bundle_that_does_not_fit_on_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
    archive = Archive("top", [Member.of("install", b"x")], 1)
    with pytest.raises(BundleError, match=r"the disk has .* free"):
        pack(archive, FORMAT, tmp_path / "dist", Store(tmp_path / "cache"), LogReporter())
    assert list((tmp_path / "dist").iterdir()) == []


def test_the_same_bundle_is_left_and_a_damaged_one_is_written_again(tmp_path: Path) -> None:
    archive, store = Archive("top", [Member.of("install", b"x")], 1), Store(tmp_path / "cache")
    first = pack(archive, FORMAT, tmp_path / "dist", store, LogReporter())
    path = tmp_path / "dist/top.tar"
    content, inode = path.read_bytes(), path.stat().st_ino
    assert pack(archive, FORMAT, tmp_path / "dist", store, LogReporter()) == first
    assert path.stat().st_ino == inode
    path.write_bytes(content.replace(b"x", b"y"))
    assert pack(archive, FORMAT, tmp_path / "dist", store, LogReporter()) == first
    assert path.read_bytes() == content
