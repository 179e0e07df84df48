"""Receipts of sites: what is accepted, and what is refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bundler.errors import UsageError, VerificationError
from bundler.trust.receipts import LIMIT, PAYLOAD_TYPE, check_receipt, read_site_key, receipt_schema
from tests.support.receipts import ED25519, P256, Private, document, public, receipt, seal


@pytest.mark.parametrize("key", [ED25519, P256], ids=["ed25519", "ecdsa"])
def test_a_receipt_is_read(key: Private) -> None:
    checked = check_receipt(receipt(key))
    assert checked.fingerprint == hashlib.sha256(public(key)).hexdigest()
    assert checked.receipt.runs.services[0].service == "web"
    for form in (serialization.Encoding.PEM, serialization.Encoding.DER):
        assert check_receipt(receipt(key), public(key, form)) == checked


def test_another_site_is_named() -> None:
    with pytest.raises(VerificationError, match="signed by another site") as caught:
        check_receipt(receipt(ED25519), public(P256))
    assert "site.pub" in (caught.value.hint or "")
    assert hashlib.sha256(public(P256)).hexdigest() in caught.value.message


def fingerprint(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()


GOOD = document(ED25519)
CHANGED = {
    "payload": {**seal(ED25519, b"{}"), "payload": seal(ED25519, json.dumps(GOOD).encode())["payload"]},
    "its key": seal(ED25519, json.dumps(document(P256)).encode(), keyid=fingerprint(public(P256))),
    "keyid": seal(ED25519, json.dumps(GOOD).encode(), keyid="0" * 64),
    "type": {**seal(ED25519, json.dumps(GOOD).encode(), kind="x"), "payloadType": PAYLOAD_TYPE},
    "no key": seal(ED25519, json.dumps(GOOD | {"site_key": "AAAA"}).encode(), keyid=fingerprint(b"\0\0\0")),
}


@pytest.mark.parametrize("envelope", CHANGED.values(), ids=CHANGED.keys())
def test_a_change_is_found(envelope: dict[str, Any]) -> None:
    with pytest.raises(VerificationError, match="was changed") as caught:
        check_receipt(json.dumps(envelope).encode())
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    "data",
    [
        b"", b"nonsense", b"{}", b"[]", b"[" * 100_000, b"\xff",
        json.dumps({**json.loads(receipt(ED25519)), "more": 1}).encode(),
        json.dumps({**json.loads(receipt(ED25519)), "signatures": []}).encode(),
        json.dumps({**json.loads(receipt(ED25519)), "payloadType": "text/plain"}).encode(),
        json.dumps({**json.loads(receipt(ED25519)), "payload": "e30"}).encode(),
        json.dumps({**json.loads(receipt(ED25519)), "payload": "e31="}).encode(),
        json.dumps({**json.loads(receipt(ED25519)), "payload": "é"}).encode(),
        receipt(ED25519)[:-40],
    ],
)  # fmt: skip
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError, match="not a receipt"):
        check_receipt(data)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(VerificationError, match="too large"):
        check_receipt(b" " * (LIMIT + 1))


def test_an_unknown_form_is_said() -> None:
    with pytest.raises(VerificationError, match="does not know: format") as caught:
        check_receipt(receipt(ED25519, format=2))
    assert "newer version" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"x", "not a public key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a private key"),
        (public(ec.generate_private_key(ec.SECP384R1())), "neither Ed25519 nor ECDSA"),
    ],
)
def test_a_key_of_no_site_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_site_key(data)


def test_the_schema_describes_each_field() -> None:
    schema = receipt_schema()
    assert json.loads(json.dumps(schema)) == schema
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert set(properties) == set(document(ED25519))
    assert all(field.get("description") for field in properties.values())
