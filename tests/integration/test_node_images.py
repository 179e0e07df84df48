"""`node-images` with a real containerd: whole images under both names; what is wrong is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.containerd import Containerd
from tests.support.installer import SHELLS
from tests.support.kiosk import Host, Kiosk, build_kiosk
from tests.support.programs import SYSTEM_PATH, need_program, need_root

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def containerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containerd]:
    """Start a containerd for the tests of this file."""
    started = Containerd(tmp_path_factory.mktemp("node") / "containerd").start()
    yield started
    started.remove()


@pytest.fixture
def node(containerd: Containerd) -> Containerd:
    """Return the containerd, without images."""
    for name in containerd.ctr("images", "ls", "-q").split():
        containerd.ctr("images", "rm", "--sync", name)
    return containerd


@pytest.fixture(scope="module")
def compact(tmp_path_factory: pytest.TempPathFactory) -> Kiosk:
    """Build a compact bundle."""
    return build_kiosk(tmp_path_factory.mktemp("compact"), "--set", "pack.compression=compact")


def serve(kiosk: Kiosk, folder: Path, shell: str = "dash") -> Host:
    return Host(shell, folder, kiosk.unpack(folder), kiosk.key)


def names(host: Host) -> dict[str, str]:
    """Return the digest that each name must have, from the bundle's table."""
    rows = [line.split("\t") for line in (host.unpacked / "images.tsv").read_text().splitlines()[1:]]
    both = [(reference, f"{reference.rpartition(':')[0]}@{digest}", digest) for reference, digest, *_ in rows]
    return {name: digest for *pair, digest in both for name in pair}


@pytest.mark.parametrize("shell", SHELLS)
def test_images_are_imported_under_both_names(
    shell: str, kiosk: Kiosk, node: Containerd, tmp_path: Path
) -> None:
    host = serve(kiosk, tmp_path, shell)
    command = ("node-images", "--key", host.key, "--containerd", node.socket)
    done = host.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "This node has all 2 images; 2 imported now." in done.stdout
    assert node.images() == names(host)
    assert set(node.ctr("images", "check", "-q").split()) >= set(names(host))
    assert node.known() == 2
    (tmp_path / "link").symlink_to(node.socket.parent)
    again = host.run(*command[:-1], f"unix://{tmp_path}/link/{node.socket.name}")
    assert "This node has all 2 images; 0 imported now." in again.stdout, again.stdout + again.stderr

    lost = next(name for name in names(host) if "@" not in name)
    node.ctr("images", "rm", "--sync", lost)
    mended = host.run(*command)
    assert "This node has all 2 images; 1 imported now." in mended.stdout, mended.stdout + mended.stderr
    assert node.images() == names(host)


def test_compact_images_are_imported(compact: Kiosk, node: Containerd, tmp_path: Path) -> None:
    need_program("zstd")
    host = serve(compact, tmp_path)
    done = host.run("node-images", "--key", host.key, "--containerd", node.socket)
    assert done.returncode == 0, done.stdout + done.stderr
    assert node.images() == names(host)


def test_another_image_of_that_name_is_replaced(kiosk: Kiosk, node: Containerd, tmp_path: Path) -> None:
    host = serve(kiosk, tmp_path)
    assert host.run("node-images", "--key", host.key, "--containerd", node.socket).returncode == 0
    web, setup = sorted(name for name in names(host) if "@" not in name)
    node.ctr("images", "tag", "--force", web, setup)
    assert node.images()[web] == node.images()[setup]
    done = host.run("node-images", "--key", host.key, "--containerd", node.socket)
    assert done.returncode == 0, done.stdout + done.stderr
    assert node.images() == names(host)


def test_nothing_is_imported_from_a_changed_bundle(kiosk: Kiosk, node: Containerd, tmp_path: Path) -> None:
    host = serve(kiosk, tmp_path)
    blob = max((host.unpacked / "images/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    refused = host.run("node-images", "--key", host.key, "--containerd", node.socket)
    assert refused.returncode == 4, refused.stdout + refused.stderr
    unknown = host.run("node-images", "--containerd", node.socket)
    assert unknown.returncode == 4, unknown.stdout + unknown.stderr
    assert node.images() == {}


def test_what_fails_is_never_a_success(kiosk: Kiosk, node: Containerd, tmp_path: Path) -> None:
    """ctr ends with an error, or with success and no images."""
    host = serve(kiosk, tmp_path)
    fake = tmp_path / "bin/ctr"
    fake.parent.mkdir()
    path = {"PATH": f"{fake.parent}:{SYSTEM_PATH}"}
    for when, then, reason in (
        ("import", "cat >/dev/null; echo no space left on device >&2; exit 1", "no space left"),
        ("import", "cat >/dev/null; exit 0", "is not whole on this node"),
        ("tag", "exit 1", "did not take the images"),
        ("images ls", "exit 1", "does not say which images it has"),
    ):
        bad = f'case " $* " in *" {when} "*) {then} ;; esac'
        fake.write_text(f'#!/bin/sh\n{bad}\nexec {shutil.which("ctr", path=SYSTEM_PATH)} "$@"\n')
        fake.chmod(0o755)
        done = host.run("node-images", "--key", host.key, "--containerd", node.socket, environment=path)
        assert done.returncode == 1, done.stdout + done.stderr
        assert reason in done.stderr, done.stderr


def test_a_containerd_that_is_not_for_kubernetes_is_refused(kiosk: Kiosk, tmp_path: Path) -> None:
    """Such as the one that Docker starts."""
    host = serve(kiosk, tmp_path)
    other = Containerd(tmp_path / "docker").start(cri=False)
    try:
        refused = host.run("node-images", "--key", host.key, "--containerd", other.socket)
        assert other.images() == {}
    finally:
        other.remove()
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "does not answer, or has no CRI plugin" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("--containerd", "/nowhere/containerd.sock"), 2, "No socket: /nowhere/containerd.sock"),
        (("--tail", "3", "--watch"), 2, "--watch"),
    ],
)
def test_wrong_options(
    arguments: tuple[str, ...], code: int, reason: str, kiosk: Kiosk, tmp_path: Path
) -> None:
    need_root()
    host = serve(kiosk, tmp_path)
    refused = host.run("node-images", "--key", host.key, *arguments)
    assert refused.returncode == code, refused.stdout + refused.stderr
    assert reason in refused.stderr
