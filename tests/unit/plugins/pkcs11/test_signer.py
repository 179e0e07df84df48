"""Errors of the token signer without a token. tests/integration/test_pkcs11.py uses tokens."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bundler.errors import BundleError, UsageError, VerificationError
from bundler_pkcs11.signer import MODULE, TokenSigner
from tests.support.signing import Maker

SIGNER = TokenSigner()


def no_pin(purpose: str) -> bytes | None:
    return None


def test_a_signature_is_verified_without_a_token(tmp_path: Path) -> None:
    maker, other = Maker.make(tmp_path, "maker"), Maker.make(tmp_path, "other")
    signature = maker.key.sign(b"x")
    SIGNER.verify(b"x", signature, maker.public.read_bytes())
    with pytest.raises(VerificationError):
        SIGNER.verify(b"y", signature, maker.public.read_bytes())
    with pytest.raises(VerificationError):
        SIGNER.verify(b"x", signature, other.public.read_bytes())


def test_keys_are_made_with_the_program_of_the_token() -> None:
    with pytest.raises(UsageError, match="the token's own program") as error:
        SIGNER.generate(None)
    assert "pkcs11-tool" in str(error.value.hint)


def test_a_module_must_be_named_and_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(MODULE, raising=False)
    with pytest.raises(UsageError, match="no PKCS#11 module is set"):
        SIGNER.open("pkcs11:token=bank", no_pin)
    with pytest.raises(UsageError, match=r"gone\.so does not exist"):
        SIGNER.open(f"pkcs11:token=bank?module-path={tmp_path}/gone.so", no_pin)


def test_an_invalid_module_is_reported_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "module.so").write_bytes(b"not a library")
    with pytest.raises(BundleError, match="the token refused"):
        SIGNER.open(f"pkcs11:token=bank?module-path={tmp_path}/module.so", no_pin)


def test_a_missing_library_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(UsageError, match="python-pkcs11") as error:
        SIGNER.open("pkcs11:token=bank", no_pin)
    assert "bundler-airgap[pkcs11]" in str(error.value.hint)
