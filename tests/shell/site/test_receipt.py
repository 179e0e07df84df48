"""Receipts of a site: signed, without secrets, and said if they cannot be written."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from bundler.errors import VerificationError
from bundler.trust.receipts import check_receipt
from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
SECRET = "kioskvaultsecret"
MANIFEST, CONFIG = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SUMS = f"{'1' * 64}  attestations/sbom.spdx.json\n{'2' * 64}  bundle.env\n"
SETUP = """
TITLE='Ki"osk' NAME=kiosk VERSION=1.0 PROFILE=profile COMPOSE_VERSION=v2.26.0 PROJECT=kiosk
YES=yes ACCEPTED=' cpu ' JUDGED=yes
docker() { echo 26.1.0; }
list_containers() { printf 'web running healthy 0 0 id no 0\\nsetup exited none 0 0 id no 0\\n'; }
"""
WRITE = SETUP + "write_receipt upgrade old-1 ''\n"


def site(folder: Path) -> None:
    """Make a release and a site with secrets, one of which a check measured."""
    here = folder / "here"
    here.mkdir()
    (here / "SHA256SUMS").write_text(SUMS)
    (here / "images.tsv").write_text(
        "".join(f"shop/{name}:1\t{MANIFEST}\t{CONFIG}\t1\t1\n" for name in ("web", "setup"))
    )
    (here / "services.tsv").write_text(
        "# service\nweb\tshop/web:1\thealthy\t1\nsetup\tshop/setup:1\tcompleted\t1\n"
    )
    (folder / "root").mkdir()
    (folder / "root/secrets.env").write_text(f"VAULT={SECRET}\n")


NOTED = (
    "printf 'cpu\\thardware\\taccepted\\t1 core\\t2 cores\\tadd one\\trequired\\n"
    f'dns\\tnetwork\\twarn\\tproxy {SECRET}\\t-\\tx\\trecommended\\n\' >"$SCRATCH/noted-checks"\n'
)


def written(folder: Path) -> Path:
    [path] = (folder / "root/receipts").glob("*.json")
    return path


def content(path: Path) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(base64.b64decode(json.loads(path.read_text())["payload"]))
    return payload


@shell
def test_a_receipt_says_what_was_done(shell: str, tmp_path: Path) -> None:
    site(tmp_path)
    done = call(shell, NOTED + WRITE, tmp_path)
    assert done.stderr == ""
    path = written(tmp_path)
    assert done.stdout == f"The receipt of this change, signed by this site: {path}\n"
    site_key = (tmp_path / "root/receipts/site.pub").read_bytes()
    found = check_receipt(path.read_bytes(), site_key).receipt
    assert (found.kind, found.previous, found.backup) == ("upgrade", "old-1", None)
    assert found.application.title == 'Ki"osk'
    assert found.release == "here"
    assert found.verified.bundle == hashlib.sha256(SUMS.encode()).hexdigest()
    assert found.verified.files == 2
    assert [(each.path, each.sha256) for each in found.verified.attestations] == [
        ("attestations/sbom.spdx.json", "1" * 64)
    ]
    assert found.accepted.options == ("--yes", "--accept cpu")
    assert [(each.id, each.measured, each.needed) for each in found.accepted.checks] == [
        ("cpu", "1 core", "2 cores")
    ]
    assert [each.id for each in found.warnings] == ["dns"]
    assert found.runs.engine == "26.1.0"
    assert [(each.service, each.states) for each in found.runs.services] == [
        ("web", "running/healthy"),
        ("setup", "exited 0"),
    ]
    assert {(each.manifest, each.config) for each in found.runs.services} == {(MANIFEST, CONFIG)}


@shell
def test_a_receipt_contains_no_secrets(shell: str, tmp_path: Path) -> None:
    """The value of a variable, a registry's login, the site's private key."""
    site(tmp_path)
    login = tmp_path / ".docker/config.json"
    login.parent.mkdir()
    auth = base64.b64encode(b"registry-user:registry-password").decode()
    login.write_text(json.dumps({"auths": {"registry.example": {"auth": auth}}}))
    assert call(shell, NOTED + WRITE, tmp_path).returncode == 0
    private = tmp_path / "root/state/receipt.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    files = list((tmp_path / "root/receipts").iterdir())
    assert len(files) == 3
    for file in files:
        text = file.read_text() + (json.dumps(content(file)) if file.suffix == ".json" else "")
        for secret in (SECRET, auth, "registry-password", private.read_text().splitlines()[1]):
            assert secret not in text, file
    assert "proxy ******" in written(tmp_path).with_suffix(".txt").read_text()


@shell
def test_the_key_is_made_once(shell: str, tmp_path: Path) -> None:
    site(tmp_path)
    again = WRITE + 'cp "$ROOT/receipts/site.pub" "$ROOT/first.pub"\nwrite_receipt restore "" backup-1\n'
    assert call(shell, again, tmp_path).stderr == ""
    root = tmp_path / "root"
    assert (root / "first.pub").read_bytes() == (root / "receipts/site.pub").read_bytes()
    [restored] = root.glob("receipts/*-restore.json")
    assert check_receipt(restored.read_bytes()).receipt.backup == "backup-1"


@shell
def test_an_openssl_before_3_signs_with_ecdsa(shell: str, tmp_path: Path) -> None:
    """It has no `pkeyutl -rawin`, which Ed25519 needs."""
    site(tmp_path)
    old = 'openssl() { case " $* " in *" -rawin "*) return 1 ;; esac; command openssl "$@"; }\n'
    done = call(shell, old + WRITE, tmp_path)
    assert done.stderr == ""
    assert "BEGIN EC PRIVATE KEY" in (tmp_path / "root/state/receipt.key").read_text()
    assert check_receipt(written(tmp_path).read_bytes()).receipt.kind == "upgrade"


OBSTACLES = {
    "a file in place of the folder": ('echo x >"$ROOT/receipts"', ""),
    "another key": ('echo x >"$ROOT/state/receipt.key"', "is not the key with which this site signs"),
    "a link in place of the folder": ('mkdir "$ROOT/else"; ln -s else "$ROOT/receipts"', ""),
    "no scratch folder": ('rm -rf "$SCRATCH"', ""),
    "the engine does not answer": ("list_containers() { return 1; }", "Docker"),
    "openssl fails": (
        'openssl() { case " $* " in *" -sign "*) return 1 ;; esac; command openssl "$@"; }',
        "",
    ),
}


@pytest.mark.parametrize(("obstacle", "why"), OBSTACLES.values(), ids=OBSTACLES.keys())
@shell
def test_a_receipt_that_cannot_be_written_is_said(
    shell: str, obstacle: str, why: str, tmp_path: Path
) -> None:
    """The change itself is complete, so the run goes on and ends with 0."""
    site(tmp_path)
    done = call(shell, f"{SETUP}{obstacle}\nwrite_receipt install '' ''\necho went on\n", tmp_path)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
    assert "WARNING: the receipt could not be written to" in done.stderr
    assert "The change itself is complete." in done.stderr
    assert why in done.stderr
    assert not list((tmp_path / "root").glob("*/*.json"))


@shell
def test_a_changed_receipt_is_refused(shell: str, tmp_path: Path) -> None:
    site(tmp_path)
    assert call(shell, WRITE, tmp_path).returncode == 0
    envelope = json.loads(written(tmp_path).read_text())
    payload = base64.b64decode(envelope["payload"])
    assert b"--yes" in payload
    envelope["payload"] = base64.b64encode(payload.replace(b"--yes", b"--noo")).decode()
    with pytest.raises(VerificationError, match="was changed"):
        check_receipt(json.dumps(envelope).encode())
