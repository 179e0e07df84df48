from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest

from bundler.build.sign import sign
from bundler.bundle.checksums import PUBLIC_KEY, SIGNATURE, SUMS
from bundler.bundle.tar import Member
from bundler.errors import BundleError, UsageError, VerificationError
from bundler.trust.keys import PublicKey
from bundler_signature.ecdsa import EcdsaSigner, KeyFile

SIGNER = EcdsaSigner()


def make_key(folder: Path, name: str = "bundle.key", passphrase: bytes | None = None) -> Path:
    path = folder / name
    path.write_bytes(SIGNER.generate(passphrase)[0])
    return path


def no_passphrase(purpose: str) -> bytes | None:
    return None


@pytest.fixture
def key(tmp_path: Path) -> KeyFile:
    return SIGNER.open(str(make_key(tmp_path)), no_passphrase)


def test_a_signature_is_the_same_each_time_and_verifies(key: KeyFile) -> None:
    assert key.sign(b"x") == key.sign(b"x")
    SIGNER.verify(b"x", key.sign(b"x"), key.public_key)


def test_other_bytes_or_another_key_are_refused(key: KeyFile) -> None:
    signature = key.sign(b"x")
    with pytest.raises(VerificationError):
        SIGNER.verify(b"y", signature, key.public_key)
    with pytest.raises(VerificationError):
        SIGNER.verify(b"x", signature, SIGNER.generate(None)[1])
    with pytest.raises(VerificationError):
        SIGNER.verify(b"x", b"not DER", key.public_key)


def test_an_encrypted_key_needs_its_passphrase(tmp_path: Path) -> None:
    path = make_key(tmp_path, passphrase=b"correct horse")
    assert b"ENCRYPTED" in path.read_bytes()
    key = SIGNER.open(str(path), lambda _: b"correct horse")
    SIGNER.verify(b"x", key.sign(b"x"), key.public_key)
    with pytest.raises(UsageError, match="no passphrase"):
        SIGNER.open(str(path), no_passphrase)
    with pytest.raises(BundleError, match="wrong passphrase"):
        SIGNER.open(str(path), lambda _: b"wrong")


def test_keys_of_other_kinds_are_refused(tmp_path: Path) -> None:
    for algorithm in (["-algorithm", "ed25519"], ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]):
        path = tmp_path / "key"
        subprocess.run(["openssl", "genpkey", *algorithm, "-out", path], check=True)
        with pytest.raises(UsageError, match="P-256"):
            SIGNER.open(str(path), no_passphrase)
        public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], capture_output=True, check=True)
        with pytest.raises(UsageError, match="P-256"):
            SIGNER.verify(b"x", b"", public.stdout)
        with pytest.raises(UsageError, match="P-256"):
            PublicKey.read(public.stdout)


def test_openssl_accepts_the_signature(tmp_path: Path, key: KeyFile) -> None:
    members = sign([Member.of("install", b"x"), Member.of("a b", b"y")], [key])
    content = {member.path: member.read() for member in members}
    (tmp_path / "sums").write_bytes(content[SUMS])
    (tmp_path / "pub").write_bytes(content[PUBLIC_KEY])
    (tmp_path / "sig").write_bytes(base64.b64decode(content[SIGNATURE]))
    command = ["openssl", "dgst", "-sha256", "-verify", "pub", "-signature", "sig", "sums"]
    assert subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout == b"Verified OK\n"
    assert content[SUMS].decode() == (
        f"{hashlib.sha256(b'y').hexdigest()}  a b\n{hashlib.sha256(b'x').hexdigest()}  install\n"
    )


def test_a_key_is_never_shown(key: KeyFile) -> None:
    assert "EllipticCurve" not in repr(key)
    assert "PRIVATE" not in repr(key)


def test_a_missing_or_invalid_key_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no signing key: .*gone does not exist"):
        SIGNER.open(str(tmp_path / "gone"), no_passphrase)
    (tmp_path / "text").write_text("not a key\n")
    with pytest.raises(UsageError, match="the signing key"):
        SIGNER.open(str(tmp_path / "text"), no_passphrase)
    private = make_key(tmp_path).read_bytes()
    with pytest.raises(UsageError, match="the public key is a private key: keep it secret"):
        SIGNER.verify(b"x", b"", private)
    with pytest.raises(UsageError, match="the public key is not PEM"):
        SIGNER.verify(b"x", b"", b"not a key")


def test_a_key_that_falsely_claims_encryption_is_reported(tmp_path: Path) -> None:
    path = make_key(tmp_path)
    path.write_bytes(b"ENCRYPTED by nobody\n" + path.read_bytes())
    with pytest.raises(UsageError, match="is not encrypted, although it is marked"):
        SIGNER.open(str(path), lambda _: b"a passphrase")
