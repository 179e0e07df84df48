"""`keygen --rotate`, `revoke`, `sign`, and how `build` and `verify` treat several keys."""

from __future__ import annotations

import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from bundler.errors import ExitCode
from bundler.trust.keys import PublicKey
from examples.demo.sample_registry import make_image
from tests.support.console import Console, make_console
from tests.support.faults import FaultRegistry

BUNDLE = Path("dist/shop-1.0-shop-linux-amd64.tar")
PREFLIGHT = BUNDLE.with_suffix(".preflight.sh")


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return make_console(capsys)


PUSHED = {"library/web:1": make_image({"web": b"web"})}
"""The images in the registry."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console) -> Path:
    """Change to a folder with a profile `shop` and the keys `a` and `b`."""
    for name in ("BUNDLE_KEY", "BUNDLE_KEY_PASSPHRASE", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BUNDLE_CACHE", str(tmp_path / "cache"))
    work = tmp_path / "work"
    (work / "project").mkdir(parents=True)
    (work / "project/compose.yaml").write_text("name: shop\nservices: {web: {image: 'web:1'}}\n")
    (work / "shop.yaml").write_text(
        "application: compose\nversion: '1.0'\nsources: [registry]\nsettings: {project: project}\n"
    )
    monkeypatch.chdir(work)
    for name in ("a", "b"):
        assert console("keygen", "--output", name).code == 0
    return work


def build(console: Console, registry: FaultRegistry, *keys: str) -> None:
    options = [word for key in keys for word in ("--key", f"{key}/bundle.key")]
    mirror = f"docker.io={registry.host}"
    done = console("build", "--profile", "./shop.yaml", "--registry-mirror", mirror, *options)
    assert done.code == 0, done.err


def name_of(key: str) -> str:
    return PublicKey.read(Path(key, "bundle.pub").read_bytes()).fingerprint


def public(*keys: str) -> list[str]:
    return [word for key in keys for word in ("--key", f"{key}/bundle.pub")]


def members() -> list[str]:
    with tarfile.open(BUNDLE) as archive:
        return [name.partition("/")[2] for name in archive.getnames()]


def test_several_keys_sign(folder: Path, registry: FaultRegistry, console: Console) -> None:
    build(console, registry, "a", "b")
    assert console("keygen", "--output", "c").code == 0
    for keys, require, code in (
        ("a", 1, 0),
        ("b", 1, 0),
        ("c", 1, 4),
        ("ab", 2, 0),
        ("ac", 2, 4),
        ("ca", 1, 0),
    ):
        done = console("verify", BUNDLE, *public(*keys), "--require", str(require))
        assert (keys, done.code) == (keys, code), done.err
    found = console("verify", BUNDLE, *public("b", "a"), "--require", "2", "--json").json
    assert found["signers"] == [name_of("b"), name_of("a")]
    assert console("inspect", BUNDLE, "--json").json["signers"] == [name_of("a"), name_of("b")]
    assert f"by the keys {name_of('a')}, {name_of('b')}" in console("inspect", BUNDLE).out
    twice = console("verify", BUNDLE, *public("a", "a"), "--require", "2")
    assert (twice.code, "1 different keys" in twice.err) == (ExitCode.USAGE, True)


def test_a_key_signs_once(folder: Path, registry: FaultRegistry, console: Console) -> None:
    mirror = f"docker.io={registry.host}"
    done = console("build", "-p", "./shop.yaml", "--registry-mirror", mirror, *["--key", "a/bundle.key"] * 2)
    assert done.code == ExitCode.USAGE
    assert "given twice" in done.err
    assert registry.requests == [], "said before anything is asked for"


def test_a_profile_may_ask_for_several_signatures(
    folder: Path, registry: FaultRegistry, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = (
        "-p",
        "./shop.yaml",
        "--registry-mirror",
        f"docker.io={registry.host}",
        "--set",
        "signing.signatures=2",
    )
    refused = console("build", *options, "--key", "a/bundle.key")
    assert (refused.code, "requires 2 signatures, but only 1 given" in refused.err) == (ExitCode.USAGE, True)
    assert registry.requests == []
    monkeypatch.setenv("BUNDLE_KEY", "a/bundle.key\nb/bundle.key\n")
    assert console("build", *options).code == 0
    assert console("verify", BUNDLE, *public("a", "b"), "--require", "2").code == 0


def test_sign_adds_to_a_finished_bundle(folder: Path, registry: FaultRegistry, console: Console) -> None:
    build(console, registry, "a", "b")
    both, beside = BUNDLE.read_bytes(), Path(f"{PREFLIGHT}.sig").read_bytes()
    build(console, registry, "a")
    BUNDLE.chmod(0o640)
    assert console("sign", BUNDLE, "--key", "b/bundle.key").code == 0
    assert BUNDLE.read_bytes() == both, "as if both had signed at once"
    assert Path(f"{PREFLIGHT}.sig").read_bytes() == beside
    assert stat.S_IMODE(BUNDLE.stat().st_mode) == 0o640
    subprocess.run(["sha256sum", "-c", f"{BUNDLE.name}.sha256"], cwd="dist", check=True, capture_output=True)
    again = console("sign", BUNDLE, "--key", "b/bundle.key")
    assert (again.code, "signed with the key" in again.err) == (ExitCode.USAGE, True)
    assert BUNDLE.read_bytes() == both
    assert console("keygen", "--output", "c").code == 0
    for place in (both.index(b"#!/bin/sh") + 30, both.rindex(b"-----BEGIN PUBLIC KEY-----") + 60):
        content = bytearray(both)
        content[place] ^= 1
        BUNDLE.write_bytes(content)
        assert console("sign", BUNDLE, "--key", "c/bundle.key").code == ExitCode.VERIFICATION
        assert BUNDLE.read_bytes() == bytes(content)
    assert [path.name for path in Path("dist").iterdir() if path.name.startswith(".")] == []


def test_sign_takes_an_unsigned_bundle(folder: Path, registry: FaultRegistry, console: Console) -> None:
    mirror = f"docker.io={registry.host}"
    done = console("build", "-p", "./shop.yaml", "--registry-mirror", mirror, "--unsigned")
    assert done.code == 0, done.err
    assert console("sign", BUNDLE, "--key", "a/bundle.key").code == 0
    assert console("verify", BUNDLE, *public("a")).code == 0


def test_bundles_carry_rotations_found_beside_their_key(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    made = console("keygen", "--rotate", "--key", "a/bundle.key", "--output", "c")
    assert made.code == 0, made.err
    rotation = next(Path("c").glob("*.rotation"))
    assert str(rotation) in made.out
    build(console, registry, "c")
    assert members()[:6] == [
        "install", "SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.pub", f"keys/{rotation.name}", "bundle.json",
    ]  # fmt: skip
    followed = console("verify", BUNDLE, *public("a"))
    assert followed.code == 0, followed.err
    assert name_of("c") in followed.out
    assert console("verify", BUNDLE, *public("b")).code == ExitCode.VERIFICATION
    rotation.rename("moved.rotation")
    build(console, registry, "c")
    assert not [name for name in members() if name.startswith("keys/")]
    assert console("verify", BUNDLE, *public("a")).code == ExitCode.VERIFICATION
    assert console("verify", BUNDLE, *public("a"), "--rotation", "moved.rotation").code == 0
    Path("moved.rotation").write_bytes(b"x")
    broken = console("verify", BUNDLE, *public("a"), "--rotation", "moved.rotation")
    assert (broken.code, "not a valid rotation" in broken.err) == (ExitCode.VERIFICATION, True)


def test_a_rotation_to_an_existing_key(folder: Path, console: Console) -> None:
    done = console("keygen", "--rotate", "--key", "a/bundle.key", "--to", "b/bundle.pub", "--output", "c")
    assert done.code == 0, done.err
    assert sorted(path.suffix for path in Path("c").iterdir()) == [".pub", ".rotation"]
    same = console("keygen", "--rotate", "--key", "a/bundle.key", "--to", "a/bundle.pub", "--output", "d")
    assert (same.code, Path("d").exists()) == (ExitCode.USAGE, False)
    assert console("keygen", "--rotate", "--output", "d").code == ExitCode.USAGE
    assert console("keygen", "--key", "a/bundle.key", "--output", "d").code == ExitCode.USAGE


def test_a_revoked_key_neither_signs_nor_verifies(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    build(console, registry, "a")
    done = console("revoke", "--key", "a/bundle.key", "--output", "a")
    assert done.code == 0, done.err
    revocation = next(Path("a").glob("*.revocation"))
    refused = console("verify", BUNDLE, *public("a"), "--rotation", revocation)
    assert refused.code == ExitCode.VERIFICATION
    assert f"the key {name_of('a')} is revoked" in refused.err
    mirror = f"docker.io={registry.host}"
    build_again = console("build", "-p", "./shop.yaml", "--registry-mirror", mirror, "--key", "a/bundle.key")
    assert (build_again.code, "is revoked" in build_again.err) == (ExitCode.USAGE, True)
    assert console("revoke", "--key", "a/bundle.key", "--revoke", "abc").code == ExitCode.USAGE


def test_a_new_key_revokes_the_old_one(folder: Path, registry: FaultRegistry, console: Console) -> None:
    build(console, registry, "a")
    Path("old.tar").write_bytes(BUNDLE.read_bytes())
    assert console("keygen", "--rotate", "--key", "a/bundle.key", "--output", "c").code == 0
    assert console("revoke", "--key", "c/bundle.key", "--revoke", "a/bundle.pub", "--output", "c").code == 0
    build(console, registry, "c")
    assert len([name for name in members() if name.startswith("keys/")]) == 2
    old = console("verify", BUNDLE, *public("a"))
    assert (old.code, "is revoked" in old.err) == (ExitCode.VERIFICATION, True)
    assert console("verify", BUNDLE, *public("c")).code == 0
    said = [word for path in Path("c").glob("*.r*") for word in ("--rotation", str(path))]
    assert console("verify", "old.tar", *public("a")).code == 0
    assert console("verify", "old.tar", *public("a"), *said).code == ExitCode.VERIFICATION


# ---------------------------------------------------------------- preflight files to send ahead


def test_the_preflight_is_signed(folder: Path, registry: FaultRegistry, console: Console) -> None:
    mirror = f"docker.io={registry.host}"
    done = console("build", "-p", "./shop.yaml", "--registry-mirror", mirror, "--key", "a/bundle.key")
    line = next(line for line in done.out.splitlines() if "openssl dgst" in line).removesuffix(" &&")
    Path("dist/bundle.pub").write_bytes(Path("a/bundle.pub").read_bytes())
    checked = subprocess.run(["sh", "-c", line], cwd="dist", capture_output=True, text=True, check=True)
    assert checked.stdout == "Verified OK\n"
    assert f"ok: {PREFLIGHT.name}" in console("verify", BUNDLE, *public("a")).out
    assert console("verify", PREFLIGHT, *public("a")).code == 0
    assert console("verify", PREFLIGHT, *public("b")).code == ExitCode.VERIFICATION
    PREFLIGHT.write_text(PREFLIGHT.read_text() + "\n")
    assert subprocess.run(["sh", "-c", line], cwd="dist", capture_output=True, check=False).returncode != 0
    for file in (BUNDLE, PREFLIGHT):
        refused = console("verify", file, *public("a"))
        assert (refused.code, str(PREFLIGHT) in refused.err) == (ExitCode.VERIFICATION, True)
    Path(f"{PREFLIGHT}.sig").unlink()
    warned = console("verify", BUNDLE, *public("a"))
    assert (warned.code, "was not checked: there is no" in warned.err) == (0, True)
    assert console("verify", PREFLIGHT, *public("a")).code == ExitCode.VERIFICATION


def test_an_unsigned_build_leaves_no_signature_of_an_earlier_one(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    build(console, registry, "a")
    assert Path(f"{PREFLIGHT}.sig").exists()
    mirror = f"docker.io={registry.host}"
    assert console("build", "-p", "./shop.yaml", "--registry-mirror", mirror, "--unsigned").code == 0
    assert not Path(f"{PREFLIGHT}.sig").exists()


def test_each_key_has_its_own_passphrase(folder: Path, registry: FaultRegistry, console: Console) -> None:
    options = []
    for name in ("x", "y"):
        Path(name).mkdir()
        Path(f"{name}/pass").write_text(f"{name}{name}\n")
        assert console("keygen", "--output", name, "--passphrase-file", f"{name}/pass").code == 0
        options += ["--key", f"{name}/bundle.key", "--passphrase-file", f"{name}/pass"]
    mirror = ("-p", "./shop.yaml", "--registry-mirror", f"docker.io={registry.host}")
    done = console("build", *mirror, *options)
    assert done.code == 0, done.err
    assert console("build", *mirror, *options[:4], "--key", "y/bundle.key").code == ExitCode.USAGE
    assert console("build", *mirror, "--key", "a/bundle.key", *options[2:4]).code == ExitCode.USAGE
