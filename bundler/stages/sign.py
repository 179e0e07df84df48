"""Checksums of everything -> a signature over them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from bundler.archive import Member
from bundler.checksums import PUBLIC_KEY, SIGNATURE, SUMS, format_sums
from bundler.contracts import Signer


@dataclass(frozen=True)
class SigningKey:
    """A signer with its private key. The passphrase is not shown in a traceback or a log."""

    signer: Signer
    key: bytes
    passphrase: bytes | None

    def __repr__(self) -> str:
        return f"SigningKey({self.signer.name})"


def sign(members: Sequence[Member], key: SigningKey | None) -> list[Member]:
    """`members` with SHA256SUMS and, where there is a key, its signature and public key."""
    sums = format_sums(members)
    signed = [*members, Member.of(SUMS, sums)]
    if key:
        signature = key.signer.sign(sums, key.key, key.passphrase)
        signed.append(Member.of(SIGNATURE, base64.b64encode(signature.value) + b"\n"))
        signed.append(Member.of(PUBLIC_KEY, signature.public_key))
    return signed
