"""The bundle is written to a folder, with the files that lie beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bundler.build.pack import pack
from bundler.bundle.format import Format
from bundler.bundle.tar import Archive, Member
from bundler.store.blobs import Store
from bundler.terminal.progress import LogReporter


def test_a_file_beside_the_bundle_gets_a_checksum_file_too(tmp_path: Path) -> None:
    sidecar = Member.of("preflight.sh", b"#!/bin/sh\n", 0o755)
    archive, store = Archive("top", [Member.of("install", b"x")], 1), Store(tmp_path / "cache")
    packed = pack(
        archive, Format(first=("install",)), tmp_path / "dist", store, LogReporter(), sidecars=[sidecar]
    )
    (path,) = packed.sidecars
    assert path == tmp_path / "dist/top.preflight.sh"
    assert path.stat().st_mode & 0o777 == 0o755
    digest = hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    assert (path.parent / "top.preflight.sh.sha256").read_text() == f"{digest}  top.preflight.sh\n"
    assert len(list(path.parent.iterdir())) == 4
