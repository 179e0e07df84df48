"""Signed statements about keys: rotations (one key follows another) and revocations.

Short texts that are verified on their own: "Rotation and revocation" in docs/reference/bundle-format.md. Each
has only one valid form: a statement is parsed, written again and compared.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bundler.api.signing import PrivateKey, Signer
from bundler.bundle.names import STATEMENTS
from bundler.errors import UsageError, VerificationError
from bundler.language import tr
from bundler.trust.keys import PublicKey, read_keys
from bundler.trust.signatures import read_lines, sign_once, verify_once

FOLDER = STATEMENTS
"""Folder of statements in a bundle."""
SUFFIXES = (".rotation", ".revocation")
CHAIN = 16
"""Longest chain of rotations, in keys."""
LIMIT = 4096
"""Largest statement in bytes; a typical one has about 700."""
_SIGNATURE = "signature "
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Rotation:
    """A statement by the key `before` that `after` follows it."""

    before: PublicKey
    after: PublicKey
    date: str
    signature: bytes

    @property
    def by(self) -> PublicKey:
        """Return the key that signs the statement."""
        return self.before

    @property
    def payload(self) -> bytes:
        """Return the signed text."""
        head = f"from {self.before.fingerprint}\nto {self.after.fingerprint}\ndate {self.date}\n"
        return b"bundle-rotation 1\n" + head.encode() + self.before.pem + self.after.pem


@dataclass(frozen=True)
class Revocation:
    """A statement by the key `by` that the key with the fingerprint `revoked` is no longer trusted."""

    revoked: str
    by: PublicKey
    date: str
    signature: bytes

    @property
    def payload(self) -> bytes:
        """Return the signed text."""
        head = f"revoked {self.revoked}\nby {self.by.fingerprint}\ndate {self.date}\n"
        return b"bundle-revocation 1\n" + head.encode() + self.by.pem


Statement = Rotation | Revocation


def rotate(before: PrivateKey, after: PublicKey) -> Rotation:
    """Create a statement by the old key that the new one follows it.

    Raises:
        UsageError: both are the same key.
    """
    old = PublicKey.read(before.public_key)
    if old == after:
        raise UsageError(
            tr("the new key is the same as the old one"), hint=tr("a rotation needs two different keys")
        )
    unsigned = Rotation(old, after, _today(), b"")
    return Rotation(old, after, unsigned.date, sign_once(unsigned.payload, before))


def revoke(by: PrivateKey, revoked: str) -> Revocation:
    """Create a statement by a key that a key is no longer trusted."""
    key = PublicKey.read(by.public_key)
    unsigned = Revocation(revoked, key, _today(), b"")
    return Revocation(revoked, key, unsigned.date, sign_once(unsigned.payload, by))


def write_statement(statement: Statement) -> bytes:
    """Return the content of the statement's file."""
    return statement.payload + _SIGNATURE.encode() + base64.b64encode(statement.signature) + b"\n"


def statement_name(statement: Statement) -> str:
    """Return the name of the statement's file: the first digits of the fingerprints in it."""
    if isinstance(statement, Rotation):
        return f"{statement.before.fingerprint[:16]}-{statement.after.fingerprint[:16]}.rotation"
    return f"{statement.revoked[:16]}-{statement.by.fingerprint[:16]}.revocation"


def read_statement(data: bytes, where: str, signer: Signer) -> Statement:
    """Parse a statement and verify its signature.

    Raises:
        VerificationError: the statement is malformed, or not signed by the key that it names.
    """
    if len(data) > LIMIT:
        raise VerificationError(
            tr("{where}: a statement about keys has at most {limit} bytes", where=where, limit=LIMIT)
        )
    try:
        statement = _parse(data, where)
    except (UnicodeDecodeError, ValueError, UsageError) as error:
        raise VerificationError(tr("{where}: not a valid rotation or revocation", where=where)) from error
    if write_statement(statement) != data:
        raise VerificationError(tr("{where}: not a valid rotation or revocation", where=where))
    if not verify_once(statement.payload, statement.signature, statement.by, signer):
        raise VerificationError(
            tr(
                "{where}: it is not signed with the key {fingerprint}",
                where=where,
                fingerprint=statement.by.fingerprint,
            ),
            hint=tr("do not use it; ask its publisher for it again"),
        )
    return statement


def _parse(data: bytes, where: str) -> Statement:
    kind, first, _, date, *_, signature, _ = data.decode("ascii").split("\n")
    if not signature.startswith(_SIGNATURE) or not _DATE.fullmatch(date.removeprefix("date ")):
        raise ValueError(where)
    value = read_lines(signature.removeprefix(_SIGNATURE).encode() + b"\n", where)[0]
    keys = read_keys(data)
    day = date.removeprefix("date ")
    if kind == "bundle-rotation 1" and len(keys) == 2:  # noqa: PLR2004 the old and the new key
        return Rotation(keys[0], keys[1], day, value)
    if kind == "bundle-revocation 1" and len(keys) == 1:
        return Revocation(read_fingerprint(first.removeprefix("revoked ")), keys[0], day, value)
    raise ValueError(where)


def read_fingerprint(text: str) -> str:
    """Parse a fingerprint as typed by a user.

    Raises:
        UsageError: it is not 64 hex digits.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise UsageError(
            tr("{text!r} is not a key fingerprint", text=text),
            hint=tr("64 hex digits, as `bundle keygen` prints them"),
        )
    return text


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


@dataclass(frozen=True)
class Known:
    """The effect of all statements that their signers may make.

    Attributes:
        successors: fingerprint -> fingerprints of the keys that follow it.
        revoked: fingerprints of keys that are no longer trusted.
    """

    successors: dict[str, tuple[str, ...]]
    revoked: frozenset[str]

    def chain(self, start: str) -> list[str]:
        """Return the key and those that follow it, up to a revoked key, a fork or a loop."""
        found: list[str] = []
        current: str | None = start
        while current and current not in found and current not in self.revoked and len(found) < CHAIN:
            found.append(current)
            following = self.successors.get(current, ())
            current = following[0] if len(following) == 1 else None
        return found

    def followers(self, start: str) -> set[str]:
        """Return all keys that follow it on any path, so that further statements cannot undo a revocation."""
        found: set[str] = set()
        ahead = list(self.successors.get(start, ()))
        while ahead:
            key = ahead.pop()
            if key not in found:
                found.add(key)
                ahead += self.successors.get(key, ())
        return found - {start}


def judge_statements(statements: Sequence[Statement]) -> Known:
    """Determine which keys follow which, and which are revoked.

    A key may revoke itself and any key that it follows by rotations. Other revocations are ignored, so that
    one
    stolen key cannot revoke the others.
    """
    successors: dict[str, tuple[str, ...]] = {}
    for one in statements:
        if isinstance(one, Rotation):
            there = successors.get(one.before.fingerprint, ())
            successors[one.before.fingerprint] = tuple(dict.fromkeys((*there, one.after.fingerprint)))
    revocations = [one for one in statements if isinstance(one, Revocation)]
    own = frozenset(one.revoked for one in revocations if one.revoked == one.by.fingerprint)
    known = Known(successors, own)
    by_followers = {one.revoked for one in revocations if one.by.fingerprint in known.followers(one.revoked)}
    return Known(known.successors, own | by_followers)
