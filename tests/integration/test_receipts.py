"""Receipts of whole installations: signed by the site, without secrets, kept until they are purged."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from pathlib import Path
from typing import Any

from bundler.trust.receipts import check_receipt
from tests.support.kiosk import Host

SECRET = "kioskvaultsecret"
LOGIN = base64.b64encode(b"registry-user:registry-password").decode()


def receipts(host: Host) -> list[Path]:
    return sorted((host.root / "receipts").glob("*.json"))


def content(path: Path) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(base64.b64decode(json.loads(path.read_text())["payload"]))
    return payload


def test_an_installation_leaves_a_receipt(host: Host) -> None:
    login = host.folder / ".docker/config.json"
    login.parent.mkdir()
    login.write_text(json.dumps({"auths": {"registry.example": {"auth": LOGIN}}}))
    done = host.install("--set", f"VAULT={SECRET}", "--accept", "no-such-check")
    assert done.returncode == 0, done.stdout + done.stderr
    [path] = receipts(host)
    assert str(path) in done.stdout
    receipt = content(path)
    assert receipt["kind"] == "install"
    assert receipt["release"] == (host.root / "current").resolve().name
    sums = (host.unpacked / "SHA256SUMS").read_bytes()
    assert receipt["verified"]["bundle"] == hashlib.sha256(sums).hexdigest()
    assert receipt["verified"]["files"] == sums.count(b"\n")
    assert receipt["verified"]["in_this_run"] is True
    [key] = receipt["verified"]["keys"]
    assert f"{key}" in done.stdout
    listed = {line[66:]: line[:64] for line in sums.decode().splitlines()}
    attested = {each["path"]: each["sha256"] for each in receipt["verified"]["attestations"]}
    assert attested
    assert attested == {path: digest for path, digest in listed.items() if path.startswith("attestations/")}
    assert receipt["accepted"]["options"] == ["--yes", "--accept no-such-check"]
    services = {each["service"]: each for each in receipt["runs"]["services"]}
    assert services["web"]["states"].startswith("running")
    assert services["web"]["manifest"].startswith("sha256:")
    check_receipt(path.read_bytes(), (host.root / "receipts/site.pub").read_bytes())
    private = host.root / "state/receipt.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    kept = (host.root / "secrets.env").read_text()
    secrets = [line.partition("=")[2] for line in kept.splitlines()]
    assert SECRET in secrets
    for file in (host.root / "receipts").iterdir():
        whole = file.read_text() + (json.dumps(content(file)) if file.suffix == ".json" else "")
        for secret in [*secrets, LOGIN, "registry-password", private.read_text().splitlines()[1]]:
            assert secret not in whole, (file, secret)
    assert services["web"]["image"] in path.with_suffix(".txt").read_text()


def test_a_restore_has_one_too_and_removal_keeps_them(host: Host) -> None:
    assert host.install("--set", "VAULT=x").returncode == 0
    assert host.run("backup", "--root", host.root, "--key", host.key).returncode == 0
    [backup] = [each for each in (host.root / "backups").iterdir() if each.is_dir()]
    back = host.run("restore", backup.name, "--root", host.root, "--key", host.key, "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    [restored] = [content(path) for path in receipts(host) if path.stem.endswith("-restore")]
    assert restored["backup"] == backup.name
    keys = {content(path)["site_key"] for path in receipts(host)}
    assert len(keys) == 1
    remove = ("uninstall", "--root", host.root, "--key", host.key, "--yes")
    assert host.run(*remove).returncode == 0
    assert len(receipts(host)) == 2
    assert host.run(*remove, "--purge", "all").returncode == 0
    assert not (host.root / "receipts").exists()
