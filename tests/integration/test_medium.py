"""Bundles on a separate medium: image files are read once, and the bytes read are those kept and loaded."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.kiosk import Host, build_kiosk
from tests.support.programs import need_program, need_root
from tests.support.reads import Reads


@pytest.fixture
def medium(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder in memory; the roots are on disk, so hard links between the two are impossible."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        assert Path(folder).stat().st_dev != tmp_path.stat().st_dev
        yield Path(folder)


@pytest.fixture
def far(host: Host, medium: Path) -> Host:
    """Return a host whose unpacked bundle is on the medium."""
    moved = medium / host.unpacked.name
    shutil.move(host.unpacked, moved)
    return replace(host, unpacked=moved)


def names(host: Host) -> set[str]:
    return {path.name for path in (host.unpacked / "images/blobs/sha256").iterdir()}


def kept(host: Host) -> set[str]:
    folder = host.root / "blobs/sha256"
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def forget_images(host: Host) -> None:
    for path in host.docker.parent.glob("docker.*"):
        path.unlink()


def damage(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_an_installation_reads_every_image_file_once(far: Host) -> None:
    with Reads(far.unpacked / "images/blobs/sha256") as reads:
        done = far.install()
        assert done.returncode == 0, done.stdout + done.stderr
        assert reads.count() == dict.fromkeys(names(far), 1)
        assert kept(far) == names(far)
        with tarfile.open(f"{far.docker}.loaded") as loaded:
            for name in names(far):
                member = loaded.extractfile(f"blobs/sha256/{name}")
                assert member
                assert member.read() == (far.root / "blobs/sha256" / name).read_bytes()
        reads.count()
        forget_images(far)  # kept files are checked and loaded; the medium is only verified
        again = far.install()
        assert again.returncode == 0, again.stdout + again.stderr
        assert reads.count() == dict.fromkeys(names(far), 1)


def test_on_one_disk_links_are_made_and_nothing_is_copied(host: Host) -> None:
    done = host.install()
    assert done.returncode == 0, done.stdout + done.stderr
    for name in names(host):
        bundled = host.unpacked / "images/blobs/sha256" / name
        assert bundled.samefile(host.root / "blobs/sha256" / name)


@pytest.mark.parametrize("change", ["owner", "owner of a folder", "mode"])
def test_files_that_somebody_else_could_change_are_copied(host: Host, change: str) -> None:
    """Also on the same disk: a hard link would be a file that its owner can still change."""
    need_root()
    (blob, *_) = (host.unpacked / "images/blobs/sha256").iterdir()
    if change == "mode":
        blob.chmod(0o666)
    else:
        os.chown(blob if change == "owner" else host.unpacked, 65534, -1)
    assert host.install().returncode == 0
    assert kept(host) == names(host)
    for name in names(host):
        one = host.root / "blobs/sha256" / name
        assert one.stat().st_ino != (host.unpacked / "images/blobs/sha256" / name).stat().st_ino
        assert one.stat().st_uid == 0
        assert not one.stat().st_mode & 0o022


def test_changed_bytes_are_refused_and_no_copy_stays(far: Host) -> None:
    damage(max((far.unpacked / "images/blobs/sha256").iterdir()))
    refused = far.install()
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert max(names(far)) in refused.stderr
    assert kept(far) == set()
    assert "load" not in far.calls()


def test_a_kept_file_that_was_damaged_is_not_loaded(far: Host) -> None:
    assert far.install().returncode == 0
    forget_images(far)
    for name in names(far):
        damage(far.root / "blobs/sha256" / name)
    done = far.install()
    assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(f"{far.docker}.loaded") as loaded:
        for name in names(far):
            member = loaded.extractfile(f"blobs/sha256/{name}")
            assert member
            assert member.read() == (far.unpacked / "images/blobs/sha256" / name).read_bytes()


def test_no_copies_are_made_when_disabled(far: Host) -> None:
    done = far.install("--no-keep-blobs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert kept(far) == set()


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
def test_compact_images_are_read_once(damaged: bool, tmp_path: Path, medium: Path) -> None:
    need_program("zstd")
    kiosk = build_kiosk(tmp_path, "--set", "pack.compression=compact")
    host = Host("dash", tmp_path, kiosk.unpack(medium), kiosk.key)
    host.prepare()
    if damaged:
        damage(host.unpacked / "images/images.tar.zst.0000")
    with Reads(host.unpacked / "images") as reads:
        done = host.install()
        assert done.returncode == (4 if damaged else 0), done.stdout + done.stderr
        assert reads.count() == {"images.tar.zst.0000": 1}
    assert len(kept(host)) == (0 if damaged else 1)
    assert ("load" in host.calls()) is not damaged


def test_compact_images_that_somebody_else_could_change_are_not_loaded_from_there(tmp_path: Path) -> None:
    """The engine loads whichever images their stream names."""
    need_root()
    need_program("zstd")
    kiosk = build_kiosk(tmp_path / "kiosk", "--set", "pack.compression=compact")
    host = Host("dash", tmp_path, kiosk.unpack(tmp_path), kiosk.key)
    host.prepare()
    os.chown(host.unpacked / "images", 65534, -1)
    refused = host.install("--no-keep-blobs")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "belongs to another user" in refused.stderr
    assert not Path(f"{host.docker}.loaded").exists()
    assert host.install().returncode == 0  # from its own copies
