"""Encryption of backups: AES-256-CTR with PBKDF2, and an HMAC over the list of digests."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.support.installer import call, shells

PASSPHRASE = "correct horse 电池 $(x) %s \\n 'q'"
ROUNDS = 1000
"""PBKDF2 iterations in these tests; each backup records its own number."""
SALT = "00112233445566ff"

shell = pytest.mark.parametrize("shell", shells())


def keystream(salt: bytes, data: bytes) -> bytes:
    """Encrypt as the backup format specifies, with an independent implementation."""
    material = hashlib.pbkdf2_hmac("sha256", PASSPHRASE.encode(), salt, ROUNDS, 48)
    cipher = Cipher(algorithms.AES(material[:32]), modes.CTR(material[32:])).encryptor()
    return cipher.update(data) + cipher.finalize()


def prepare(folder: Path) -> str:
    (folder / "passphrase").write_text(PASSPHRASE + "\nsecond line\n")
    return f"PASSPHRASE_FILE={folder}/passphrase; CRYPT_ROUNDS={ROUNDS}; take_passphrase\n"


@shell
def test_another_implementation_reads_what_is_encrypted(shell: str, tmp_path: Path) -> None:
    plain = bytes(range(256)) * 400 + b"end"
    (tmp_path / "plain").write_bytes(plain)
    script = (
        prepare(tmp_path)
        + f"encrypt <{tmp_path}/plain >{tmp_path}/1; encrypt <{tmp_path}/plain >{tmp_path}/2\n"
    )
    done = call(shell, script + f"decrypt <{tmp_path}/1 >{tmp_path}/back", tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = (tmp_path / "1").read_bytes(), (tmp_path / "2").read_bytes()
    assert first[:8] == b"Salted__"
    assert first[8:16] != second[8:16]
    assert keystream(first[8:16], first[16:]) == plain
    assert (tmp_path / "back").read_bytes() == plain


@shell
def test_the_hmac_is_the_standard_one_under_a_key_of_its_own(shell: str, tmp_path: Path) -> None:
    content = b"0" * 64 + b"  data.tar.enc\n"
    (tmp_path / "sums").write_bytes(content)
    done = call(shell, prepare(tmp_path) + f"authenticate {tmp_path}/sums {SALT}", tmp_path)
    key = keystream(bytes.fromhex(SALT), bytes(32))
    assert done.stdout == hmac.new(key, content, "sha256").hexdigest() + "\n", done.stderr


@shell
def test_the_passphrase_is_in_no_argument_and_no_environment(shell: str, tmp_path: Path) -> None:
    spy = tmp_path / "bin" / "openssl"
    spy.parent.mkdir()
    seen = tmp_path / "seen"
    spy.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >>{seen}; env >>{seen}\n'
        'export PATH="${PATH#*:}"; exec openssl "$@"\n'
    )
    spy.chmod(0o755)
    secret = "a-secret-pass-phrase"
    (tmp_path / "passphrase").write_text(secret + "\n")
    script = (
        f"cd {tmp_path}; PATH={spy.parent}:$PATH; export PATH; CRYPT_ROUNDS={ROUNDS}\n"
        "PASSPHRASE_FILE=passphrase; take_passphrase new\n"
        f"encrypt <passphrase >x; authenticate x {SALT}\n"
    )
    done = call(shell, script, tmp_path)
    assert done.returncode == 0, done.stderr
    text = seen.read_text()
    assert "fd:3" in text
    assert secret not in text
    assert secret not in done.stdout + done.stderr


@shell
@pytest.mark.parametrize(("passphrase", "message"), [("short", "12 characters"), ("", "cannot be read")])
def test_a_bad_new_passphrase_is_refused(shell: str, tmp_path: Path, passphrase: str, message: str) -> None:
    (tmp_path / "passphrase").write_text(passphrase)
    done = call(shell, f"PASSPHRASE_FILE={tmp_path}/passphrase; take_passphrase new; echo taken", tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


@shell
def test_without_terminal_and_file_a_passphrase_is_an_error(shell: str, tmp_path: Path) -> None:
    done = call(shell, "take_passphrase; echo taken", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--passphrase-file" in done.stderr
