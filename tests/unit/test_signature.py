from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest

from bundler.archive import Member
from bundler.checksums import PUBLIC_KEY, SIGNATURE, SUMS
from bundler.errors import BundleError, UsageError, VerificationError
from bundler.stages.sign import SigningKey, sign
from bundler_signature.ecdsa import EcdsaSigner

SIGNER = EcdsaSigner()
PRIVATE, PUBLIC = SIGNER.generate(None)


def test_a_signature_is_the_same_each_time_and_verifies() -> None:
    first, second = SIGNER.sign(b"x", PRIVATE, None), SIGNER.sign(b"x", PRIVATE, None)
    assert first == second
    assert first.public_key == PUBLIC
    SIGNER.verify(b"x", first.value, PUBLIC)


def test_other_bytes_or_another_key_are_refused() -> None:
    signature = SIGNER.sign(b"x", PRIVATE, None).value
    with pytest.raises(VerificationError):
        SIGNER.verify(b"y", signature, PUBLIC)
    with pytest.raises(VerificationError):
        SIGNER.verify(b"x", signature, SIGNER.generate(None)[1])
    with pytest.raises(VerificationError):
        SIGNER.verify(b"x", b"not DER", PUBLIC)


def test_an_encrypted_key_needs_its_passphrase() -> None:
    private, public = SIGNER.generate(b"correct horse")
    assert b"ENCRYPTED" in private
    SIGNER.verify(b"x", SIGNER.sign(b"x", private, b"correct horse").value, public)
    with pytest.raises(UsageError, match="no passphrase"):
        SIGNER.sign(b"x", private, None)
    with pytest.raises(BundleError, match="wrong passphrase"):
        SIGNER.sign(b"x", private, b"wrong")
    with pytest.raises(UsageError, match="not encrypted"):
        SIGNER.sign(b"x", PRIVATE, b"needless")


def test_keys_of_other_kinds_are_refused(tmp_path: Path) -> None:
    for algorithm in (["-algorithm", "ed25519"], ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]):
        key = subprocess.run(["openssl", "genpkey", *algorithm], capture_output=True, check=True).stdout
        with pytest.raises(UsageError, match="P-256"):
            SIGNER.sign(b"x", key, None)
        path = tmp_path / "key"
        path.write_bytes(key)
        public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], capture_output=True, check=True)
        with pytest.raises(UsageError, match="P-256"):
            SIGNER.verify(b"x", b"", public.stdout)


def test_openssl_accepts_the_signature(tmp_path: Path) -> None:
    members = sign([Member.of("install", b"x"), Member.of("a b", b"y")], SigningKey(SIGNER, PRIVATE, None))
    content = {member.path: member.source for member in members if isinstance(member.source, bytes)}
    (tmp_path / "sums").write_bytes(content[SUMS])
    (tmp_path / "pub").write_bytes(content[PUBLIC_KEY])
    (tmp_path / "sig").write_bytes(base64.b64decode(content[SIGNATURE]))
    command = ["openssl", "dgst", "-sha256", "-verify", "pub", "-signature", "sig", "sums"]
    assert subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout == b"Verified OK\n"
    assert content[SUMS].decode() == (
        f"{hashlib.sha256(b'y').hexdigest()}  a b\n{hashlib.sha256(b'x').hexdigest()}  install\n"
    )


def test_a_key_is_never_shown() -> None:
    assert "PRIVATE" not in repr(SigningKey(SIGNER, PRIVATE, b"secret"))
