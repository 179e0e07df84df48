"""Rotations and revocations of keys, read before anything in a bundle is trusted: forgeries are refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from bundler.trust.keys import PublicKey
from bundler.trust.statements import read_statement, revoke, rotate, statement_name, write_statement
from bundler_signature.ecdsa import KeyFile
from tests.fuzz.mutations import Random, damage, damage_lines
from tests.support.tiny import KEY, SIGNER

CUT = b"\n####\n"
"""Separates a statement's name from its text."""


@cache
def _base() -> tuple[bytes, ...]:
    other = PublicKey.read(KeyFile(ec.derive_private_key(12, ec.SECP256R1())).public_key)
    statements = (rotate(KEY, other), revoke(KEY, other.fingerprint))
    return tuple(
        statement_name(statement).encode() + CUT + write_statement(statement) for statement in statements
    )


def make(random: Random) -> bytes:
    """Damage the lines or bytes of a statement."""
    name, _, text = random.choice(_base()).partition(CUT)
    name = name if random.randrange(4) else damage(random, name)
    return name + CUT + (text if random.randrange(8) == 0 else damage_lines(random, text))


def check(data: bytes, folder: Path) -> bool:
    """Read the statement; raise AssertionError if it is accepted but differs from those that were signed."""
    name, _, text = data.partition(CUT)
    read_statement(text, name.decode("utf-8", "replace"), SIGNER)
    if text not in [base.partition(CUT)[2] for base in _base()]:
        raise AssertionError("a statement that nobody signed is taken")
    return True
