"""Every command refuses a root folder that belongs to another user, before it reads or writes in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.kiosk import Host
from tests.support.programs import need_root

NOBODY = 65534


def prepare(root: Path, key: Path) -> None:
    """Prepare the root as an attacker would: another user's folder, with that user's key as a trusted one."""
    (root / "state").mkdir(parents=True)
    shutil.copy(key, root / "state/trusted.pub")
    for path in (root, root / "state", root / "state/trusted.pub"):
        os.chown(path, NOBODY, NOBODY)


@pytest.mark.parametrize("command", ["install", "plan", "preflight", "verify", "restore", "uninstall"])
def test_commands_of_the_bundle(command: str, host: Host) -> None:
    need_root()
    prepare(host.root, host.key)
    before = sorted(host.root.rglob("*"))
    word = [host.folder] if command == "restore" else []
    refused = host.run(command, *word, "--root", host.root, "--yes", "--set", "GREETING=x")
    assert refused.returncode == 1, refused.stdout
    assert f"{host.root} belongs to user 65534" in refused.stderr
    assert sorted(host.root.rglob("*")) == before
    assert "load" not in host.calls()


def test_commands_of_the_installed_release(host: Host) -> None:
    need_root()
    assert host.install().returncode == 0
    log = sorted((host.root / "log").iterdir())
    secrets = host.root / "secrets.env"
    kept = secrets.rename(host.folder / "kept")
    secrets.symlink_to(kept)
    for command in ("status", "backup", "restart", "rollback", "inspect", "logs", "support", "stop"):
        refused = host.run(command, "--root", host.root, "--yes")
        assert refused.returncode == 1, command
        assert f"{secrets} is a link to {kept}" in refused.stderr, command
    assert sorted((host.root / "log").iterdir()) == log


def test_it_is_said_in_chinese(host: Host) -> None:
    need_root()
    prepare(host.root, host.key)
    refused = host.run("--root", host.root, "--lang", "zh")
    assert refused.returncode == 1
    assert f"{host.root} 属于用户 65534" in refused.stderr
