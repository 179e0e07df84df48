"""Backups of real databases: restored after data loss and at another location; refused when incomplete."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import stat
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import BuiltBundle
from tests.e2e.test_main_line import carry, psql, run_in
from tests.support.backups import seal
from tests.support.engines import Site
from tests.support.programs import run
from tests.support.secrets import forms

pytestmark = pytest.mark.engine

old_site = pytest.mark.parametrize("site", [False], indirect=True, ids=["docker20"])
new_site = pytest.mark.parametrize("site", [True], indirect=True, ids=["docker26"])
"""The tests share two sites to save time: dash and GNU tar on the old one, busybox on the new one."""
PASSPHRASE = "a long pass phrase, 中文 too"


class Shop:
    """Installed shop, with helpers to operate it."""

    def __init__(self, site: Site, bundle: BuiltBundle, root: Path, shell: tuple[str, ...]) -> None:
        self.site = site
        self.root = root
        self.shell = shell
        self.unpacked = carry(bundle, site)
        self.common = ["--key", bundle.key.name, "--yes", "--set", "WEB_PORT=18080", "--root", str(root)]

    def install(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        install: list[str | Path] = [*self.shell, self.unpacked / "install"]
        return self.site.run(*install, *arguments, *self.common, cwd=self.unpacked.parent)

    def control(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        # like `shopctl`, but in this shell, which may have its own built-in programs
        return self.site.run(*self.shell, self.root / "current/install", *arguments)

    def backup(self, *arguments: str | Path) -> Path:
        done = self.control("backup", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "no name" not in done.stderr
        return max((self.root / "backups").iterdir())

    def passphrase(self, text: str = PASSPHRASE) -> Path:
        path = self.site.folder / "passphrase"
        path.write_text(text + "\n")
        return path

    def containers(self) -> str:
        return self.site.docker("ps", "-q", "--no-trunc", "--filter", "health=healthy")

    def spoil(self) -> None:
        """Damage the data: rows, keys and files are deleted."""
        psql(self.site, "DELETE FROM orders")
        run_in(self.site, "cache", "redis-cli", "FLUSHALL")
        shutil.rmtree(self.root / "data" / "文 件")
        (self.site.folder / "outside" / "owned").unlink()

    def wipe(self) -> None:
        """Remove the whole installation, including data and secrets, but not the backups."""
        done = self.control("uninstall", "--yes", "--purge", "data,volumes,images,secrets")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not (self.root / "data").exists()


@pytest.fixture(scope="module")
def installed(shop: BuiltBundle, site: Site) -> Iterator[Shop]:
    """Yield the shop with a row, a key in redis, and files with unusual names, owners and modes."""
    root = site.folder / "数据 shop"
    found = Shop(site, shop, root, ("busybox", "sh") if site.newer else ("dash",))
    done = found.install("--set", "GREETING=hello")
    assert done.returncode == 0, done.stdout + done.stderr
    psql(site, "INSERT INTO orders (what) VALUES ('tea')")
    run_in(site, "cache", "redis-cli", "SET", "basket", "3 pears")
    extra = root / "data" / "文 件"
    extra.mkdir()
    (extra / "owned").write_text("mine")
    os.chown(extra / "owned", 4321, 8765)
    (extra / "owned").chmod(0o640)
    (extra / "link").symlink_to("owned")
    (extra / "hard").hardlink_to(extra / "owned")
    outside = site.folder / "outside"
    options = ["--opt", "type=none", "--opt", "o=bind", "--opt", f"device={outside}"]
    labels = ["--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.volume=outside"]
    site.docker("volume", "create", *options, *labels, "shop_outside")
    shutil.copytree(extra, outside, symlinks=True)
    os.chown(outside / "owned", 4321, 8765)
    if not site.newer:  # busybox tar does not keep extended attributes
        os.setxattr(extra / "owned", "user.note", b"kept")
    yield found
    site.clear()
    shutil.rmtree(found.root, ignore_errors=True)


def check_data(shop: Shop) -> None:
    """Check the data that the fixture wrote, including a volume that only the engine can access."""
    assert psql(shop.site, "SELECT what FROM orders") == "tea"
    assert run_in(shop.site, "cache", "redis-cli", "GET", "basket") == "3 pears"
    volume = json.loads(shop.site.docker("volume", "inspect", "shop_outside"))[0]
    outside = Path((volume["Options"] or {}).get("device") or volume["Mountpoint"])
    for folder in (shop.root / "data" / "文 件", outside):
        owned = folder / "owned"
        found = owned.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (4321, 8765, 0o640)
        assert owned.with_name("link").readlink() == Path("owned")
    owned = shop.root / "data" / "文 件" / "owned"
    assert owned.with_name("hard").stat().st_ino == owned.stat().st_ino
    if not shop.site.newer:
        assert os.getxattr(owned, "user.note") == b"kept"


@old_site
def test_reports_without_secrets(installed: Shop) -> None:
    """The inspection covers backup and services; the support archive has no secret in any form."""
    shop = installed
    backup = shop.backup()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    assert {"shop"} == {path.name for path in (backup / "dumps").iterdir()}
    listed = json.loads(shop.control("backup", "--list", "--json").stdout)
    assert [entry["name"] for entry in listed] == [backup.name]
    assert shop.control("status").returncode == 0

    found = json.loads(shop.control("inspect", "--json").stdout)["inspection"]
    results = {entry["what"]: entry["result"] for entry in found}
    assert {"engine", "backup", "service db", "service web", f"disk {shop.root}"} <= set(results)
    assert results["engine"] == results["backup"] == results["service db"] == "pass"

    lines = (shop.root / "secrets.env").read_text().splitlines()
    secrets = dict(line.split("=", 1) for line in lines)
    planted = [form for secret in secrets.values() for form in forms(secret)]
    planted += [base64.b64encode(f"shop:{secret}".encode()).decode() for secret in secrets.values()]
    (shop.root / "log" / "planted.log").write_text("\n".join(planted))
    psql(shop.site, f"DO $$BEGIN RAISE LOG 'nowhere {planted[0]}'; END$$")
    done = shop.control("support")
    assert done.returncode == 0, done.stdout + done.stderr
    archive = next((shop.root / "support").iterdir())
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as opened:
        contents = {
            member.name.partition("/")[2]: file.read().decode(errors="replace")
            for member in opened
            if (file := opened.extractfile(member))
        }
    assert {"versions.txt", "inspection.json", "logs/db.txt", "runs/planted.log"} <= set(contents)
    assert "nowhere" in contents["logs/db.txt"]
    assert contents["configuration/secrets.env"] == "".join(f"{name}=******\n" for name in secrets)
    for name, text in contents.items():
        for form in planted:
            assert form not in text, name


def tree(root: Path) -> dict[str, tuple[int, int]]:
    """Return every path that a refused restore must leave unchanged, with its size and inode."""
    return {
        str(path.relative_to(root)): (path.lstat().st_size, path.lstat().st_ino)
        for path in root.rglob("*")
        if path.relative_to(root).parts[0] in {"data", "site.env", "secrets.env", "releases", "backups"}
        and "data/db" not in str(path)
    }


@new_site
def test_refused_with_nothing_changed(installed: Shop) -> None:
    shop = installed
    backup = shop.backup("--encrypt", "--passphrase-file", shop.passphrase(), "--keep", "1")
    assert len(list((shop.root / "backups").iterdir())) == 1
    for path in backup.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"\ttea\n" not in content  # a row of a dump; the letters alone may also occur by chance
            assert b"public.orders" not in content
    before, running = tree(shop.root), shop.containers()

    wrong = shop.control("restore", backup.name, "--yes", "--passphrase-file", shop.passphrase("not the one"))
    assert wrong.returncode == 4, wrong.stdout
    assert "Wrong passphrase" in wrong.stderr
    unanswered = shop.control("restore", backup.name, "--passphrase-file", shop.passphrase())
    assert unanswered.returncode == 1
    assert "--yes" in unanswered.stderr
    carried = shop.site.folder / "carried backup.tar"
    run("tar", "-cf", carried, "-C", backup.parent, backup.name)
    with carried.open("r+b") as file:
        file.truncate(carried.stat().st_size // 2)
    for cut in (carried, shutil.copytree(backup, shop.site.folder / "carried backup")):
        if cut.is_dir():
            dump = cut / "dumps" / "shop.enc"
            dump.write_bytes(dump.read_bytes()[:-1])
        refused = shop.control("restore", cut, "--yes", "--passphrase-file", shop.passphrase())
        assert refused.returncode == 4, refused.stdout + refused.stderr
        assert "damaged" in refused.stderr
    assert tree(shop.root) == before
    assert shop.containers() == running


@old_site
def test_a_full_disk_leaves_the_services_running(installed: Shop) -> None:
    shop = installed
    disk = shop.site.folder / "full disk"
    disk.mkdir()
    for size, inodes, message in (("2m", "100", "free"), ("400m", "9", "space")):
        run("mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes}", "tmpfs", disk)
        try:
            failed = shop.control("backup", "--output", disk)
            assert failed.returncode == 1, failed.stdout
            assert message in failed.stderr
            assert list(disk.iterdir()) == []
        finally:
            run("umount", disk)
        assert shop.control("status").returncode == 0
    assert psql(shop.site, "SELECT what FROM orders") == "tea"


def interrupt(shop: Shop, number: signal.Signals, seen: str, *arguments: str | Path) -> None:
    """Send `number` to a command as soon as a file matching `seen` exists; wait until it ends."""
    command = shop.site.inside(*shop.shell, shop.root / "shopctl", *arguments)
    with subprocess.Popen(
        command,
        env=shop.site.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 120
        while not list(shop.root.glob(seen)):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, number)
        process.communicate()
        assert process.returncode != 0


@new_site
def test_an_interrupted_backup_restarts_the_services(installed: Shop) -> None:
    shop = installed
    interrupt(shop, signal.SIGTERM, "backups/.*.part/dumps", "backup")
    assert list((shop.root / "backups").glob(".*")) == []
    assert not (shop.root / "state" / "stopped").exists()
    assert shop.site.docker("ps", "-q", "--filter", "label=com.docker.compose.service=web")
    interrupt(shop, signal.SIGKILL, "backups/.*.part/dumps", "backup")
    assert shop.control("inspect").returncode == 1
    shop.backup()
    assert list((shop.root / "backups").glob(".*")) == []
    assert shop.control("status").returncode == 0


@old_site
def test_restored_after_a_power_cut(installed: Shop) -> None:
    shop = installed
    password = (shop.root / "secrets.env").read_text()
    backup = shop.backup("--encrypt", "--passphrase-file", shop.passphrase())
    shop.spoil()
    (shop.root / "data" / "new").write_text("made after the backup")
    restore = ("restore", backup.name, "--yes", "--passphrase-file", shop.passphrase())
    interrupt(shop, signal.SIGKILL, "data.before-restore-*/complete", *restore)
    refused = shop.control("start")
    assert refused.returncode == 1
    assert "Run it again" in refused.stderr
    back = shop.control(*restore)
    assert back.returncode == 0, back.stdout + back.stderr
    check_data(shop)
    assert (shop.root / "secrets.env").read_text() == password
    (aside,) = shop.root.glob("data.before-restore-*")
    assert (aside / "data" / "new").read_text() == "made after the backup"
    assert (aside / "data" / "data" / "db" / "PG_VERSION").exists()
    assert not (shop.root / "data" / "new").exists()


@new_site
def test_a_failed_restore_puts_the_old_data_back(installed: Shop) -> None:
    shop = installed
    backup = shop.backup()
    dump = backup / "dumps" / "shop"
    dump.write_text(dump.read_text() + "SELECT broken;\n")
    (line,) = [line for line in lines_of(shop.root / "secrets.env") if line.startswith("BUNDLE_BACKUP_KEY=")]
    seal(backup, line.partition("=")[2])
    failed = shop.control("restore", backup.name, "--yes", "--accept", "plain-backup")  # the site encrypts
    assert failed.returncode == 1
    assert "broken" in failed.stderr
    shutil.rmtree(backup)
    started = shop.control("start")
    assert started.returncode == 0, started.stdout + started.stderr
    check_data(shop)


def lines_of(file: Path) -> list[str]:
    return file.read_text().splitlines()


@new_site
def test_restored_on_another_machine(installed: Shop) -> None:
    shop = installed
    backup = shop.backup("--encrypt", "--passphrase-file", shop.passphrase())
    carried = shop.site.folder / "on another disk.tar"
    run("tar", "-cf", carried, "-C", backup.parent, backup.name)
    password = (shop.root / "secrets.env").read_text()
    shop.wipe()
    assert (shop.root / "backups" / backup.name).exists()
    shutil.rmtree(shop.root)
    shop.root = shop.site.folder / "elsewhere"
    shop.common[-1] = str(shop.root)
    new = shop.install("restore", carried, "--passphrase-file", shop.passphrase())
    assert new.returncode == 0, new.stdout + new.stderr
    assert (shop.root / "secrets.env").read_text() == password
    assert shop.site.get("http://127.0.0.1:18080/") == "hello\n"
    check_data(shop)
