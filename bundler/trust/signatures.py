"""Signatures of the bundle format: ECDSA over P-256 with SHA-256, in the only encoding that is accepted.

For a key and a text, (r, s) and (r, n - s) are both valid (FIPS 186-5, 6.4). Only the lower s is accepted, in
DER (X.690, section 10), so that a signature cannot be turned into another valid one without the key.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from bundler.api.signing import PrivateKey, Signer
from bundler.errors import UsageError, VerificationError
from bundler.language import tr
from bundler.trust.keys import PublicKey

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""n of P-256: SP 800-186, section 3.2.1.3."""
_INTEGER, _SEQUENCE = 0x02, 0x30
_SHORT = 33
"""Bytes of the longest integer: 32, plus a zero if the high bit is set."""


def encode(r: int, s: int) -> bytes:
    """Return the accepted encoding of a signature: low s, DER."""
    body = _integer(r) + _integer(min(s, ORDER - s))
    return bytes((_SEQUENCE, len(body))) + body


def decode(value: bytes) -> tuple[int, int]:
    """Return r and s of a signature in the accepted encoding.

    Raises:
        VerificationError: the signature has another encoding, or a high s.
    """
    r, rest = _read_integer(value[2:])
    s, rest = _read_integer(rest)
    if rest or not 0 < r < ORDER or not 0 < s < ORDER or encode(r, s) != value:
        raise VerificationError(tr("the signature is not in the required encoding: DER, with the lower s"))
    return r, s


def normalise(value: bytes) -> bytes:
    """Convert a signature of any signer (DER, low or high s) to the accepted encoding."""
    r, rest = _read_integer(value[2:])
    s, _ = _read_integer(rest)
    return encode(r, s)


def _integer(number: int) -> bytes:
    text = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return bytes((_INTEGER, len(text))) + text


def _read_integer(data: bytes) -> tuple[int, bytes]:
    if len(data) < 3 or data[0] != _INTEGER or not 0 < data[1] <= _SHORT or len(data) < 2 + data[1]:  # noqa: PLR2004 head and a byte
        raise VerificationError(tr("the signature is not in DER"))
    end = 2 + data[1]
    return int.from_bytes(data[2:end], "big"), data[end:]


def sign_text(payload: bytes, keys: Sequence[PrivateKey]) -> bytes:
    """Return one line of base64 for each key, in order."""
    return b"".join(base64.b64encode(sign_once(payload, key)) + b"\n" for key in keys)


def sign_once(payload: bytes, key: PrivateKey) -> bytes:
    """Return a signature in the accepted encoding."""
    return normalise(key.sign(payload))


def read_lines(text: bytes, where: str) -> list[bytes]:
    """Parse the signatures of a `.sig` file.

    Raises:
        VerificationError: a line is not canonical base64, or not a signature in the accepted encoding.
    """
    lines = text.split(b"\n")
    if lines.pop() or not lines:
        raise VerificationError(tr("{where}: its last line is incomplete", where=where))
    values = []
    for line in lines:
        try:
            value = base64.b64decode(line, validate=True)
        except binascii.Error as error:
            raise VerificationError(tr("{where} is not base64", where=where)) from error
        if base64.b64encode(value) != line:  # base64 can have unused bits, whose changes would go unnoticed
            raise VerificationError(
                tr("{where} is not canonical base64 (RFC 4648), one signature per line", where=where)
            )
        decode(value)
        values.append(value)
    return values


def verify_once(payload: bytes, value: bytes, key: PublicKey, signer: Signer) -> bool:
    """Whether `value` is the key's signature of the payload, in the accepted encoding."""
    try:
        decode(value)
        signer.verify(payload, value, key.pem)
    except VerificationError:
        return False
    return True


def refuse_twice(keys: Sequence[PrivateKey]) -> None:
    """Refuse duplicate keys: two signatures by one key count as one.

    Raises:
        UsageError: a key is listed twice.
    """
    seen: set[PublicKey] = set()
    for key in keys:
        public = PublicKey.read(key.public_key)
        if public in seen:
            raise UsageError(
                tr("the key {fingerprint} is given twice", fingerprint=public.fingerprint),
                hint=tr("use each key only once"),
            )
        seen.add(public)
