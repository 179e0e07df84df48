"""What a rehearsal says first of a machine that cannot."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

import pytest

from bundler.bundle.manifest import ImageEntry, LayerEntry
from bundler.errors import ExitCode
from bundler_installer.manifest import InstallerManifest
from bundler_installer.rehearsal.machine import UnrehearsableError, check_bundle, check_machine
from tests.support.rehearsed import manifest_with


def test_root_is_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UnrehearsableError, match="needs root") as caught:
        check_machine()
    assert caught.value.exit_code == ExitCode.PREFLIGHT
    assert caught.value.hint


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name, path: None if name in {"dockerd", "ip"} else name)
    with pytest.raises(UnrehearsableError, match="dockerd, ip") as caught:
        check_machine()
    assert caught.value.hint
    assert "iproute2" in caught.value.hint


def test_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(UnrehearsableError, match="needs Linux"):
        check_machine()


def manifest(architecture: str, unpacked: int) -> InstallerManifest:
    blob = LayerEntry(digest="sha256:" + "0" * 64, size=1, media_type="application/octet-stream")
    image = ImageEntry(
        reference="a:1", tag="a:1", source="registry", origin=blob.digest, manifest=blob, config=blob,
        layers=(blob,), unpacked=unpacked,
    )  # fmt: skip
    return manifest_with(platform=f"linux/{architecture}", images=(image,))


def test_a_bundle_of_another_platform(tmp_path: Path) -> None:
    with pytest.raises(UnrehearsableError, match="the bundle is for linux/s390x"):
        check_bundle(manifest("s390x", 0), 1, tmp_path)


def test_too_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    with pytest.raises(UnrehearsableError, match="free, but the rehearsal needs") as caught:
        check_bundle(manifest("amd64", 10**17), 1, tmp_path)
    assert caught.value.hint == "name another folder with --scratch"
    check_bundle(manifest("amd64", 0), 1, tmp_path)
