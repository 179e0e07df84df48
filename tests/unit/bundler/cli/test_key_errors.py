"""Errors of the commands for keys and locks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bundler.cli.signing import load_statements
from bundler.errors import ExitCode, UsageError
from tests.support.console import Console, make_console
from tests.support.tiny import SIGNER, signed, tiny_members, write_bundle


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    for name in ("BUNDLE_KEY", "BUNDLE_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BUNDLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return make_console(capsys)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "tiny.tar", signed(tiny_members()))


def test_a_rotation_needs_the_old_key_and_nothing_else_does(console: Console) -> None:
    assert console("keygen", "--output", "old").code == 0
    for words, message in (
        (["--rotate"], "--rotate needs the old key"),
        (["--key", "old/bundle.key"], "--key requires --rotate"),
    ):
        done = console("keygen", "--output", "new", *words)
        assert (done.code, message in done.err) == (ExitCode.USAGE, True)
    assert console("keygen", "--output", "new", "--rotate", "--key", "old/bundle.key").code == 0
    assert list(Path("new").glob("*.rotation"))


@pytest.mark.parametrize("file", [True, False])
def test_an_empty_passphrase_is_refused(
    *, file: bool, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("empty").write_text("\n")
    if not file:
        monkeypatch.setenv("BUNDLE_KEY_PASSPHRASE", "")
    done = console("keygen", *(["--passphrase-file", "empty"] if file else []))
    assert done.code == ExitCode.USAGE
    assert "the passphrase is empty" in done.err
    assert not Path("bundle.key").exists()


def test_each_key_needs_a_passphrase_file_where_there_are_several(console: Console, bundle: Path) -> None:
    for name in ("a", "b", "c"):
        Path(name).write_text(f"pass-{name}\n")
        assert console("keygen", "--output", f"key-{name}", "--passphrase-file", name).code == 0
    keys = [word for name in ("a", "b", "c") for word in ("--key", f"key-{name}/bundle.key")]
    done = console("sign", bundle, *keys, "--passphrase-file", "a", "--passphrase-file", "b")
    assert done.code == ExitCode.USAGE
    assert "not enough --passphrase-file options" in done.err


def test_a_statement_is_known_by_its_name() -> None:
    with pytest.raises(UsageError, match=r"statement\.txt: not named \*\.rotation or \*\.revocation"):
        load_statements([Path("statement.txt")], [], SIGNER)


def test_one_key_signs_a_revocation(console: Console) -> None:
    for name in ("a", "b"):
        assert console("keygen", "--output", name).code == 0
    done = console("revoke", "--key", "a/bundle.key", "--key", "b/bundle.key")
    assert done.code == ExitCode.USAGE
    assert "a revocation is signed by one key" in done.err


def test_a_file_that_is_not_a_key_is_named(console: Console, bundle: Path) -> None:
    Path("text").write_text("not a key")
    done = console("verify", bundle, "--key", "text")
    assert done.code == ExitCode.USAGE
    assert "text: the public key is not PEM" in done.err


def test_a_preflight_file_is_verified_by_its_own_signature(console: Console, bundle: Path) -> None:
    sidecar = bundle.with_suffix(".preflight.sh")
    sidecar.write_text("#!/bin/sh\n")
    assert console("keygen").code == 0
    done = console("verify", sidecar, "--key", "bundle.pub")
    assert "its signature was not checked" in done.err
    assert "was not checked: there is no" in done.err
    shutil.copy(bundle, "unsigned.tar")
    write_bundle(bundle, signed(tiny_members(), key=None))
    assert console("sign", bundle, "--key", "bundle.key").code == 0
    found = console("verify", sidecar, "--key", "bundle.pub", "--json")
    assert found.code == 0, found.err
    assert found.json["ok"] is True
    assert console("verify", sidecar, "--key", "bundle.pub").out.startswith("ok: ")
    Path("bundle.pub").unlink()
    assert console("verify", sidecar).code != 0
