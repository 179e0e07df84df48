"""Public keys, compared by their DER encoding, regardless of the format of their files.

The format has one kind of key: ECDSA on P-256, as SubjectPublicKeyInfo with an uncompressed point (RFC 5480,
sections 2 and 2.2). Its DER encoding is unique, so its SHA-256 identifies the key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bundler.errors import UsageError
from bundler.language import tr, tr_later

_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
"""SubjectPublicKeyInfo of P-256 up to the point's coordinates."""
_SIZE = len(_PREFIX) + 64
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
"""The curve is y^2 = x^3 - 3x + b modulo p: SP 800-186, section 3.2.1.3."""
_BLOCK = re.compile(
    rb"^(?:\xef\xbb\xbf)?-----BEGIN PUBLIC KEY-----[ \t]*\r?\n(.*?)^-----END PUBLIC KEY-----",
    re.DOTALL | re.MULTILINE,
)
_LINE = 64
"""Characters in a line of PEM: RFC 7468, section 2."""


@dataclass(frozen=True)
class PublicKey:
    """A public key.

    Attributes:
        der: SubjectPublicKeyInfo in DER.
    """

    der: bytes

    @property
    def pem(self) -> bytes:
        """Return the key as `openssl pkey -pubout` writes it."""
        text = base64.b64encode(self.der)
        lines = b"".join(text[at : at + _LINE] + b"\n" for at in range(0, len(text), _LINE))
        return b"-----BEGIN PUBLIC KEY-----\n" + lines + b"-----END PUBLIC KEY-----\n"

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 (hex) of the DER: `openssl pkey -pubin -in FILE -outform DER | sha256sum`."""
        return hashlib.sha256(self.der).hexdigest()

    @classmethod
    def read(cls, data: bytes) -> PublicKey:
        """Read the single key in a PEM or DER file.

        Raises:
            UsageError: the file has no key, several keys, or a key of another kind.
        """
        found = read_keys(data)
        if len(found) != 1:
            raise UsageError(
                tr("{count} public keys where one is expected", count=len(found)),
                hint=tr("put each key in its own file"),
            )
        return found[0]

    @classmethod
    def of_point(cls, point: bytes) -> PublicKey:
        """Return the key with an uncompressed point, which is the form that tokens return.

        Raises:
            UsageError: the point has another length.
        """
        return _checked(_PREFIX[:-1] + point)


def read_keys(data: bytes) -> tuple[PublicKey, ...]:
    """Read all keys in a file: PEM blocks with any line endings, or one DER key.

    Raises:
        UsageError: the file has no key, or a key of another kind.
    """
    blocks = _BLOCK.findall(data)
    if blocks:
        return tuple(_checked(_decode(block)) for block in blocks)
    if b"PRIVATE KEY-----" in data:
        raise UsageError(tr("this is a private key, not a public key: keep it secret"), hint=tr(_HINT))
    if data.startswith(b"\x30"):
        return (_checked(data),)
    raise UsageError(tr("the public key is not PEM"), hint=tr(_HINT))


_HINT = tr_later("use the bundle.pub written by `bundle keygen`")


def _decode(block: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(block.split()), validate=True)
    except binascii.Error as error:
        raise UsageError(
            tr("the public key is not PEM: its content is not base64"), hint=tr(_HINT)
        ) from error


def _checked(der: bytes) -> PublicKey:
    if len(der) != _SIZE or not der.startswith(_PREFIX):
        raise UsageError(
            tr("the public key is not an ECDSA key on the curve P-256"),
            hint=tr(
                "compressed points and explicit parameters are refused too; `openssl ec -pubin -in"
                " KEY -conv_form uncompressed -param_enc named_curve` rewrites such a key"
            ),
        )
    x, y = (int.from_bytes(der[at : at + 32], "big") for at in (_SIZE - 64, _SIZE - 32))
    if max(x, y) >= _P or (y * y - x * x * x + 3 * x - _B) % _P:
        raise UsageError(tr("the public key is damaged: its point is not on the curve P-256"), hint=tr(_HINT))
    return PublicKey(der)


def distinct(keys: Iterable[PublicKey]) -> tuple[PublicKey, ...]:
    """Return the keys in order, without duplicates."""
    return tuple(dict.fromkeys(keys))
