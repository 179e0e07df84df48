"""A bundle that differs from what was signed is refused before anything in it is loaded or executed."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler.errors import VerificationError
from bundler.trust.keys import PublicKey
from bundler.trust.signatures import normalise
from bundler.trust.signers import Trust
from bundler.trust.verify import verify
from bundler_installer.packer import InstallerPacker
from bundler_signature.ecdsa import EcdsaSigner
from tests.support.builder import Builder
from tests.support.programs import SYSTEM_PATH, need_forwarding, need_program
from tests.support.small import SmallBundle

SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox": ("busybox", "sh")}
Damage = Callable[[Path, SmallBundle], None]
Shell = tuple[str, ...]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x20
    path.write_bytes(bytes(data))


def change(name: str) -> Damage:
    return lambda folder, _: flip(folder / name)


def change_blob(folder: Path, small: SmallBundle) -> None:
    flip(max((folder / "images/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size))


def change_installer(folder: Path, small: SmallBundle) -> None:
    install = folder / "install"
    install.write_bytes(install.read_bytes().replace(b"umask 022", b"umask 000"))


def remove(name: str) -> Damage:
    return lambda folder, _: (folder / name).unlink()


def add(folder: Path, small: SmallBundle) -> None:
    (folder / "config/extra.conf").write_text("surprise")


def add_link(folder: Path, small: SmallBundle) -> None:
    (folder / "config/passwd").symlink_to("/etc/passwd")


def replace_by_link(folder: Path, small: SmallBundle) -> None:
    copy = folder.parent / "elsewhere"
    shutil.move(folder / "config/compose.yaml", copy)
    (folder / "config/compose.yaml").symlink_to(copy)


def sign_again(folder: Path, small: SmallBundle) -> None:
    """Replace content as an attacker would, with matching checksums, a new signature and public key."""
    (folder / "config/compose.yaml").write_text("services: {}\n")
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    digest = hashlib.sha256((folder / "config/compose.yaml").read_bytes()).hexdigest()
    sums = [
        f"{digest}  config/compose.yaml" if line.endswith("  config/compose.yaml") else line for line in sums
    ]
    (folder / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", small.foreign / "bundle.key", "-out", folder.parent / "sig",
         folder / "SHA256SUMS"],
        check=True,
    )  # fmt: skip
    (folder / "SHA256SUMS.sig").write_bytes(
        base64.b64encode(normalise((folder.parent / "sig").read_bytes())) + b"\n"
    )
    shutil.copy(small.foreign / "bundle.pub", folder / "SHA256SUMS.pub")


def unsign(folder: Path, small: SmallBundle) -> None:
    (folder / "SHA256SUMS.sig").unlink()
    (folder / "SHA256SUMS.pub").unlink()


DAMAGES: dict[str, Damage] = {
    "installer": change_installer,
    "compose": change("config/compose.yaml"),
    "manifest": change("bundle.json"),
    "blob": change_blob,
    "sbom": change("attestations/sbom.spdx.json"),
    "sums": change("SHA256SUMS"),
    "signature": change("SHA256SUMS.sig"),
    "carried-key": change("SHA256SUMS.pub"),
    "missing": remove("config/hello/serve.sh"),
    "missing-sums": remove("SHA256SUMS"),
    "extra": add,
    "extra-link": add_link,
    "link": replace_by_link,
    "foreign-key": sign_again,
    "unsigned": unsign,
}


@pytest.fixture
def unpacked(small: SmallBundle, tmp_path: Path) -> Path:
    subprocess.run(["tar", "-xf", small.path], cwd=tmp_path, check=True)
    return tmp_path / small.path.stem


def site_tools(tmp_path: Path) -> dict[str, str]:
    """Return a PATH whose `docker` records every call: no call may load or run anything."""
    need_forwarding()
    folder = tmp_path / "bin"
    folder.mkdir()
    docker = folder / "docker"
    docker.write_text(
        '#!/bin/sh\necho "$*" >>"$0.calls"\n'
        'case "$1" in version) echo 26.1.0 ;; compose) echo 2.26.0 ;;\n'
        "info) echo /var/lib/docker ;; *) exit 1 ;; esac\n"
    )
    docker.chmod(0o755)
    return {"PATH": f"{folder}:{SYSTEM_PATH}", "HOME": str(tmp_path), "LANG": "C.UTF-8"}


def install(shell: Shell, unpacked: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    need_program(shell[0], "busybox-static" if shell[0] == "busybox" else None)
    return subprocess.run(
        [*shell, unpacked / "install", *arguments],
        env=site_tools(unpacked.parent),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_the_installer_refuses(damage: Damage, shell: Shell, unpacked: Path, small: SmallBundle) -> None:
    damage(unpacked, small)
    root = unpacked.parent / "root"
    result = install(shell, unpacked, "--root", root, "--key", small.key, "--yes")
    assert result.returncode == 4, result.stdout + result.stderr
    said = unpacked.parent / "bin/docker.calls"  # absent when the signature or the tables were refused first
    calls = said.read_text() if said.exists() else ""
    assert "load" not in calls
    assert " up " not in calls
    assert not (root / "releases").exists()


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_the_installer_refuses_another_key(shell: Shell, unpacked: Path, small: SmallBundle) -> None:
    result = install(shell, unpacked, "verify", "--key", small.foreign / "bundle.pub")
    assert result.returncode == 4
    assert "is not signed with the key" in result.stderr


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_the_installer_takes_no_key_from_the_bundle_itself(shell: Shell, unpacked: Path) -> None:
    result = install(shell, unpacked, "verify", "--root", unpacked.parent / "root")
    assert result.returncode == 4
    assert "--key bundle.pub" in result.stderr


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_an_undamaged_bundle_is_verified(shell: Shell, unpacked: Path, small: SmallBundle) -> None:
    result = install(shell, unpacked, "verify", "--key", small.key)
    assert result.returncode == 0, result.stderr
    assert "Verified" in result.stdout


def without_owner(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def repack(unpacked: Path) -> Path:
    """Pack the folder into one file again, with members in the order of the format."""
    packed = unpacked.parent / "changed.tar"
    names = [str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if not path.is_dir()]
    ordered = sorted(names, key=InstallerPacker.format.order)
    with tarfile.open(packed, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in ordered:
            archive.add(unpacked / name, f"{unpacked.name}/{name}", filter=without_owner)
    return packed


def test_a_bundle_packed_again_unchanged_is_the_same(unpacked: Path, small: SmallBundle) -> None:
    """Confirms that the refusals below are caused by the damage, not by the packing."""
    assert repack(unpacked).read_bytes() == small.path.read_bytes()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_bundle_verify_refuses(damage: Damage, unpacked: Path, small: SmallBundle) -> None:
    damage(unpacked, small)
    result = small.builder.bundle("verify", repack(unpacked), "--key", small.key)
    assert result.returncode == 4, result.stdout + result.stderr


def is_refused(bundle: Path, key: bytes) -> bool:
    """Return whether `bundle verify` refuses the bundle, without starting a process each time."""
    try:
        trust = Trust((PublicKey.read(key),))
        verify(
            bundle,
            EcdsaSigner(),
            trust,
            allow_unsigned=False,
            advance=lambda _: None,
            form=InstallerPacker.format,
        )
    except VerificationError:
        return True
    return False


def test_verify_refuses_every_changed_byte_of_the_file(small: SmallBundle, tmp_path: Path) -> None:
    """Changes a byte of each 512-byte block (headers, contents, padding), and all bytes without checksum."""
    whole = small.path.read_bytes()
    copy = tmp_path / small.path.name
    copy.write_bytes(whole)
    key = small.key.read_bytes()
    assert not is_refused(copy, key)
    offsets = [block + block // 512 * 37 % 512 for block in range(0, len(whole), 512)]
    with tarfile.open(copy) as archive:
        for name in ("SHA256SUMS.sig", "SHA256SUMS.pub"):
            member = archive.getmember(f"{copy.stem}/{name}")
            offsets += range(member.offset_data, member.offset_data + member.size)
    accepted = []
    for number, offset in enumerate(offsets):
        with copy.open("r+b") as file:
            file.seek(offset)
            file.write(bytes([whole[offset] ^ (1 << number % 8)]))
            file.flush()
            if not is_refused(copy, key):
                accepted.append(offset)
            file.seek(offset)
            file.write(whole[offset : offset + 1])
    assert accepted == []
    assert not is_refused(copy, key)


def test_bundle_verify_refuses_trailing_data_and_truncated_files(small: SmallBundle, tmp_path: Path) -> None:
    whole = small.path.read_bytes()
    for name, content in (
        ("longer", whole + b"\0" * 512 + b"x" * 512),
        ("shorter", whole[: len(whole) // 2]),
    ):
        copy = tmp_path / f"{name}.tar"
        copy.write_bytes(content)
        assert small.builder.bundle("verify", copy, "--key", small.key).returncode == 4, name


def test_bundle_verify_asks_for_a_file(small: SmallBundle, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused = small.builder.bundle("verify", tmp_path / "pipe", "--key", small.key)
    assert refused.returncode == 2
    assert "not a regular file" in refused.stderr


def test_unsigned_bundles_warn_and_are_refused(small: SmallBundle, tmp_path: Path) -> None:
    builder = Builder(tmp_path, small.builder.cache)
    refused = builder.bundle("build", *small.arguments)
    assert refused.returncode == 2
    assert "--unsigned" in refused.stderr
    assert list(tmp_path.glob("dist/*")) == []
    built = builder.bundle("build", *small.arguments, "--unsigned")
    assert built.returncode == 0, built.stderr
    assert "NOT SIGNED" in built.stderr.upper() or "UNSIGNED" in built.stderr.upper()
    bundle = next((tmp_path / "dist").glob("*.tar"))
    assert builder.bundle("verify", bundle, "--key", small.key).returncode == 4
    assert builder.bundle("verify", bundle, "--allow-unsigned").returncode == 0


def test_the_same_inputs_give_the_same_bytes(small: SmallBundle, tmp_path: Path) -> None:
    """Folder, cache, umask and time zone differ."""
    other = Builder(tmp_path / "other", tmp_path / "cache")
    other.folder.mkdir()
    shutil.copy(small.builder.folder / "bundle.key", other.folder)
    old = os.umask(0o077)
    try:
        other.check("build", *small.arguments, environment={"TZ": "Asia/Shanghai", "LANG": "zh_CN.UTF-8"})
    finally:
        os.umask(old)
    made = next((other.folder / "dist").glob("*.tar"))
    assert made.read_bytes() == small.path.read_bytes()
    assert (made.parent / f"{made.name}.sha256").read_text().split()[0] == hashlib.sha256(
        made.read_bytes()
    ).hexdigest()
