"""Deliberate faults during an installation; docs/explanation/faults.md has the table.

Upgrades killed at every line of the journal are in tests/integration/test_interruption.py, faults of
backups in test_backup.py, damaged bundles in test_refusals.py.
"""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.demo.host_image import host_programs
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engines import Site
from tests.support.kiosk import Host, Kiosk
from tests.support.programs import need_root, run, sites_folder

pytestmark = [pytest.mark.engine, pytest.mark.root]

LAYER = 40 << 20
"""Size of the large layer in bytes; it is incompressible, and `docker load` needs twice that."""
TOO_SMALL = "64m"
BIG_ENOUGH = "400m"


@contextmanager
def mounted(point: Path, *options: str) -> Iterator[Path]:
    """Mount a small tmpfs at `point`."""
    need_root()
    point.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", ",".join(("mode=755", *options)), "tmpfs", point)
    try:
        yield point
    finally:
        subprocess.run(
            ["umount", "-l", point], check=False, capture_output=True
        )  # may already be unmounted after the engine ended


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle of the demo application with a large image; the key is in the same folder."""
    folder = tmp_path_factory.mktemp("heavy")
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    ballast = {"ballast": random.Random(1).randbytes(LAYER)}  # noqa: S311 the same bytes each time
    with SampleRegistry() as sample:
        sample.add_image("hello", "1.0", make_image([{**host_programs()}, ballast], {"Cmd": ["/bin/sh"]}))
        mirror = f"registry.demo.example={sample.host}"
        builder.check("build", "--profile", "demo", "--registry-mirror", mirror, "--output", ".")
    return next(folder.glob("*.tar"))


class Frail:
    """Site whose engine has little disk space, with the unpacked bundle."""

    def __init__(self, site: Site, bundle: Path) -> None:
        self.site = site
        run("tar", "-xf", bundle, "-C", site.folder)
        self.unpacked = site.folder / bundle.stem
        self.key = bundle.parent / "bundle.pub"

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.site.run("sh", self.unpacked / "install", *arguments)

    def install(self, root: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run("--root", root, "--key", self.key, "--yes", "--accept", "disk", *arguments)

    def start_install(self, root: Path, *arguments: str) -> subprocess.Popen[str]:
        """Start an installation in the background."""
        command = (
            "sh",
            self.unpacked / "install",
            "--root",
            root,
            "--key",
            self.key,
            "--yes",
            "--accept",
            "disk",
        )
        return subprocess.Popen(
            self.site.inside(*command, *arguments),
            env=self.site.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def purge(self, root: Path) -> None:
        result = self.run("uninstall", "--root", root, "--purge", "all", "--yes")
        assert result.returncode == 0, result.stdout + result.stderr
        assert self.site.docker("ps", "-aq") == ""


@pytest.fixture(scope="module")
def frail(bundle: Path) -> Iterator[Frail]:
    with tempfile.TemporaryDirectory(prefix="bf-", dir=sites_folder(), ignore_cleanup_errors=True) as name:
        site = Site(Path(name) / "frail")
        with mounted(site.engine.data, f"size={BIG_ENOUGH}"):
            try:
                yield Frail(site.open(), bundle)
            finally:
                site.engine.stop()
                site.close()


def wait_until(condition: Callable[[], bool], limit: float = 60) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_disk_full_while_loading(frail: Frail, tmp_path: Path) -> None:
    root = tmp_path / "root"
    data = frail.site.engine.data
    run("mount", "-o", f"remount,size={TOO_SMALL}", data)
    refused = frail.run("preflight", "--root", root)
    assert refused.returncode == 3, refused.stdout
    full = frail.install(root)
    assert full.returncode == 1, full.stdout + full.stderr
    assert "no space left on device" in full.stderr
    assert "run the same command again" in full.stderr
    assert not (root / "current").exists()
    assert "hello" not in frail.site.docker("images")
    run("mount", "-o", f"remount,size={BIG_ENOUGH}", data)
    again = frail.install(root)
    assert again.returncode == 0, again.stdout + again.stderr
    frail.purge(root)


def test_disk_full_while_writing(frail: Frail, tmp_path: Path) -> None:
    """The disk fills up at different moments: after the first files, after some more, before the last."""
    with mounted(tmp_path / "small", "size=4k") as point:
        codes = []
        for size in (8, 16, 32, 64, 96, 128, 160, 192, 256, 4096):
            run("mount", "-o", f"remount,size={size}k", point)
            result = frail.install(point / "root")
            codes.append(result.returncode)
            said = result.stdout + result.stderr
            if result.returncode == 0:
                break
            assert result.returncode == 1, said
            assert "disk is full" in said or "not writable" in said, f"{size} kB: {said}"
            assert not (point / "root/current").exists() or size > 160
            for name in ("site.env", "secrets.env"):  # complete or absent
                path = point / "root" / name
                assert not path.exists() or path.read_text().endswith("\n")
        assert codes[-1] == 0, codes
        assert codes.count(1) >= 3
        secrets = (point / "root/secrets.env").read_text()
        assert re.fullmatch(r"HELLO_TOKEN=[A-Za-z0-9]{32}\nBUNDLE_BACKUP_KEY=[0-9a-f]{64}\n", secrets)
        frail.purge(point / "root")


def test_the_engine_is_killed_while_it_loads(frail: Frail, tmp_path: Path) -> None:
    root = tmp_path / "root"
    installing = frail.start_install(root)
    journal = root / "state/journal"
    wait_until(lambda: journal.exists() and "begin\timages" in journal.read_text())
    wait_until(lambda: any((frail.site.engine.data / "tmp").glob("docker-import-*")))
    frail.site.engine.stop(signal.SIGKILL)
    said = installing.communicate(timeout=120)[0]
    assert installing.returncode == 1, said
    assert "docker load failed" in said
    assert not (root / "current").exists()
    frail.site.engine.start()
    again = frail.install(root)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "hello" in frail.site.docker("ps", "--format", "{{.Names}}")
    frail.purge(root)


def test_the_engine_is_killed_while_services_run(frail: Frail, tmp_path: Path) -> None:
    """The services start again with the engine or with `start`."""
    root = tmp_path / "root"
    assert frail.install(root).returncode == 0
    frail.site.engine.stop(signal.SIGKILL)
    status = frail.site.run("sh", root / "helloctl", "status")
    assert status.returncode == 1
    assert "The Docker engine does not respond" in status.stderr
    frail.site.engine.start()
    started = frail.site.run("sh", root / "helloctl", "start")
    assert started.returncode == 0, started.stdout + started.stderr
    frail.purge(root)


def test_read_only_medium_and_no_execution_anywhere(frail: Frail, tmp_path: Path) -> None:
    """Read-only medium for the bundle, noexec disk for the root; paths with spaces and Chinese characters."""
    medium, disk = tmp_path / "安装 盘", tmp_path / "数据 disk (2)"
    with mounted(medium, "noexec,nosuid,nodev"), mounted(disk, "noexec,nosuid,nodev"):
        shutil.copytree(frail.unpacked, medium / "the bundle")
        run("mount", "-o", "remount,ro", medium)
        root = disk / "应用 root"
        install = medium / "the bundle/install"
        result = frail.site.run(
            "sh", install, "--root", root, "--key", frail.key, "--yes", "--accept", "disk"
        )
        assert result.returncode == 0, result.stdout + result.stderr
        control = re.search(r"Next: (.*) status", result.stdout)
        assert control
        assert control[1] == f"sh {root}/helloctl"  # a command that works on this disk
        assert frail.site.run("sh", root / "helloctl", "status").returncode == 0
        removed = frail.site.run("sh", root / "helloctl", "uninstall", "--purge", "all", "--yes")
        assert removed.returncode == 0, removed.stdout + removed.stderr
        assert list(disk.iterdir()) == []


def test_read_only_root(frail: Frail, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as point:
        run("mount", "-o", "remount,ro", point)
        result = frail.install(point / "root")
        assert result.returncode == 2, result.stdout
        assert "not writable, not even for root" in result.stderr
        assert "hello" not in frail.site.docker("images")


def test_a_truncated_copy(kiosk: Kiosk, tmp_path: Path) -> None:
    """A truncated copy fails its checksum, and whatever can be unpacked from it refuses to install."""
    content = kiosk.path.read_bytes()
    comments = 512 + content[512:].index(b"{\n")
    with tarfile.open(kiosk.path) as archive:
        rest = archive.getmembers()[1].offset  # `install` is the first member
    end = len(content) - 10240  # without the padding of the archive
    cuts = [*range(700, rest, rest // 6), *range(rest + 700, end, (end - rest) // 6)]
    codes = set()
    for number, cut in enumerate(cuts):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / kiosk.path.name).write_bytes(content[:cut])
        shutil.copy(f"{kiosk.path}.sha256", folder)
        checked = subprocess.run(
            ["sha256sum", "-c", f"{kiosk.path.name}.sha256"], cwd=folder, capture_output=True, check=False
        )
        assert checked.returncode == 1
        host = Host("dash", folder / "host", folder / kiosk.path.stem, kiosk.key)
        host.prepare()
        subprocess.run(["tar", "-xf", kiosk.path.name], cwd=folder, capture_output=True, check=False)
        result = host.install()
        # a script cut within the comments at the top of `install` does nothing
        assert result.returncode in ({1, 2, 4} if cut > comments else {0}), f"{cut}: {result.stdout}"
        codes.add(result.returncode)
        assert not (host.root / "releases").exists()
        assert "load" not in host.calls()
    assert 4 in codes
