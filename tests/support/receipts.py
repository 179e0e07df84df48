"""Receipts of a site that is none, signed by keys of this process."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from bundler.trust.receipts import PAYLOAD_TYPE

ED25519 = ed25519.Ed25519PrivateKey.generate()
P256 = ec.generate_private_key(ec.SECP256R1())
Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def public(key: Private, form: serialization.Encoding = serialization.Encoding.DER) -> bytes:
    """Return the public key."""
    return key.public_key().public_bytes(form, serialization.PublicFormat.SubjectPublicKeyInfo)


def document(key: Private) -> dict[str, Any]:
    """Return the payload of a receipt."""
    return {
        "format": 1,
        "kind": "install",
        "finished": "2026-11-28T21:00:00Z",
        "host": "server",
        "root": "/opt/shop",
        "application": {"name": "shop", "title": "Shop", "version": "1.0", "profile": "bank"},
        "release": "1.0-abc",
        "previous": None,
        "backup": None,
        "verified": {
            "in_this_run": True, "bundle": "0" * 64, "files": 3, "keys": ["1" * 64],
            "attestations": [{"path": "attestations/sbom.spdx.json", "sha256": "2" * 64}],
        },
        "accepted": {"options": ["--yes"], "checks": [{"id": "cpu", "measured": "1", "needed": "2"}]},
        "warnings": [],
        "runs": {
            "engine": "26.1.0", "compose": "2.26.0",
            "services": [
                {"service": "web", "image": "shop/web:1", "manifest": "sha256:" + "3" * 64, "config": None,
                 "states": "running/healthy"},
            ],
        },
        "site_key": base64.b64encode(public(key)).decode(),
    }  # fmt: skip


def seal(
    key: Private, payload: bytes, *, keyid: str | None = None, kind: str = PAYLOAD_TYPE
) -> dict[str, Any]:
    """Return the envelope around a payload; by default it names the key that signs."""
    signed = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    if isinstance(key, ec.EllipticCurvePrivateKey):
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    else:
        signature = key.sign(signed)
    return {
        "payloadType": kind,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {
                "keyid": keyid or hashlib.sha256(public(key)).hexdigest(),
                "sig": base64.b64encode(signature).decode(),
            }
        ],
    }


def receipt(key: Private, **changes: object) -> bytes:
    """Return a receipt, with these fields of its payload changed."""
    return json.dumps(seal(key, json.dumps(document(key) | changes).encode())).encode()
