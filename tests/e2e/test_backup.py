"""Backups of real databases: made, wiped, restored; at another place; refused when they are not whole."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import BuiltBundle
from tests.e2e.test_main_line import carry, psql, run_in
from tests.support.engines import Site
from tests.support.secrets import forms

pytestmark = pytest.mark.engine

PASSPHRASE = "a long pass phrase, 中文 too\n"


class Shop:
    """The installed shop and the ways to talk to it."""

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
        return self.site.run(*self.shell, self.root / "shopctl", *arguments)

    def backup(self, *arguments: str | Path) -> Path:
        done = self.control("backup", "--json" if "--list" in arguments else "--yes", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return max((self.root / "backups").iterdir())

    def wipe(self) -> None:
        """The whole installation goes, data and secrets too; backups must have been carried away."""
        done = self.control("uninstall", "--yes", "--purge", "all")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not (self.root / "data").exists()


@pytest.fixture
def installed(shop: BuiltBundle, site: Site) -> Iterator[Shop]:
    """The shop with a row, a key in redis, and awkward files."""
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
    if not site.newer:
        os.setxattr(extra / "owned", "user.note", b"kept")
    yield found
    site.run(*found.shell, root / "shopctl", "uninstall", "--purge", "all", "--yes")
    for container in site.docker("ps", "-aq").split():
        site.docker("rm", "-f", container)
    shutil.rmtree(root, ignore_errors=True)


def check_data(shop: Shop) -> None:
    """What the fixture wrote is there, as it was."""
    assert psql(shop.site, "SELECT what FROM orders") == "tea"
    assert run_in(shop.site, "cache", "redis-cli", "GET", "basket") == "3 pears"
    owned = shop.root / "data" / "文 件" / "owned"
    found = owned.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (4321, 8765, 0o640)
    assert owned.with_name("link").readlink() == Path("owned")
    assert owned.with_name("hard").stat().st_ino == found.st_ino
    if not shop.site.newer:
        assert os.getxattr(owned, "user.note") == b"kept"


def check_reports(shop: Shop) -> None:
    """The inspection sees the backup and the services; the support archive holds no secret in any form."""
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


def test_wiped_and_restored(installed: Shop) -> None:
    shop = installed
    backup = shop.backup()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    assert {"shop"} == {path.name for path in (backup / "dumps").iterdir()}
    listed = json.loads(shop.control("backup", "--list", "--json").stdout)
    assert [entry["name"] for entry in listed] == [backup.name]
    status = shop.control("status")
    assert status.returncode == 0, status.stdout

    check_reports(shop)

    psql(shop.site, "DELETE FROM orders")
    run_in(shop.site, "cache", "redis-cli", "FLUSHALL")
    shutil.rmtree(shop.root / "data" / "文 件")
    back = shop.control("restore", backup.name, "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    check_data(shop)
    aside = list(shop.root.glob("data.before-restore-*"))
    assert len(aside) == 1
    assert (aside[0] / "data" / "data" / "db" / "PG_VERSION").exists()

    carried = shop.site.folder / "another disk"
    shutil.copytree(backup, carried, symlinks=True)
    password = (shop.root / "secrets.env").read_text()
    shop.wipe()
    shutil.rmtree(shop.root)
    shop.root = shop.site.folder / "elsewhere"
    shop.common[-1] = str(shop.root)
    try:
        new = shop.install("restore", carried)
        assert new.returncode == 0, new.stdout + new.stderr
        assert (shop.root / "secrets.env").read_text() == password
        assert shop.site.get("http://127.0.0.1:18080/") == "hello\n"
        check_data(shop)
    finally:
        shop.control("uninstall", "--purge", "all", "--yes")
        shutil.rmtree(shop.root, ignore_errors=True)
        shutil.rmtree(carried, ignore_errors=True)
