"""ECDSA over P-256 with SHA-256 (FIPS 186-5), nonces by RFC 6979, keys as PKCS#8 PEM.

Both `cosign verify-blob --key` and `openssl dgst -sha256 -verify` (OpenSSL 1.0.2 or newer) accept these
signatures, so that any server at a site can verify them. `cryptography` is imported where it is used, because
it takes 40 ms, which would slow down `bundle --help`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.api.signing import Secret
from bundler.errors import UsageError, VerificationError
from bundler.language import tr

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True, repr=False)
class KeyFile:
    """A private key, read from a file."""

    key: ec.EllipticCurvePrivateKey

    @property
    def public_key(self) -> bytes:
        """See `bundler.api.signing.PrivateKey.public_key`."""
        return _public_pem(self.key.public_key())

    def sign(self, payload: bytes) -> bytes:
        """See `bundler.api.signing.PrivateKey.sign`."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        return self.key.sign(payload, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    def close(self) -> None:
        """Do nothing: no file stays open."""


class EcdsaSigner:
    """The signature scheme `ecdsa`."""

    name = "ecdsa"

    def generate(self, passphrase: bytes | None) -> tuple[bytes, bytes]:
        """See `bundler.api.signing.Signer.generate`."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        encryption: serialization.KeySerializationEncryption = (
            serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        )
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        return private, _public_pem(key.public_key())

    def open(self, reference: str, secret: Secret) -> KeyFile:
        """See `bundler.api.signing.Signer.open`: the reference is a path."""
        path = Path(reference)
        try:
            pem = path.read_bytes()
        except FileNotFoundError as error:
            raise UsageError(
                tr("no signing key: {reference} does not exist", reference=reference),
                hint=tr("create one with `bundle keygen`, or use --key FILE; `build --unsigned` needs none"),
            ) from error
        passphrase = (
            secret(tr("Passphrase of the signing key {reference}", reference=reference))
            if b"ENCRYPTED" in pem
            else None
        )
        return KeyFile(_private_key(pem, passphrase))

    def verify(self, payload: bytes, signature: bytes, public_key: bytes) -> None:
        """See `bundler.api.signing.Signer.verify`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        try:
            key = serialization.load_pem_public_key(public_key)
        except ValueError as error:
            what = tr("a private key: keep it secret") if b"PRIVATE KEY-----" in public_key else tr("not PEM")
            raise UsageError(
                tr("the public key is {what}", what=what),
                hint=tr("use the bundle.pub written by `bundle keygen`"),
            ) from error
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise UsageError(tr("the public key is not an ECDSA key on the curve P-256"))
        try:
            key.verify(signature, payload, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise VerificationError(
                tr("the bundle is not signed with this key"),
                hint=tr("do not install it; ask its publisher for the bundle and the key again"),
            ) from error


def _private_key(pem: bytes, passphrase: bytes | None) -> ec.EllipticCurvePrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_private_key(pem, passphrase)
    except TypeError as error:
        if passphrase is None:
            raise UsageError(
                tr("the signing key is encrypted and no passphrase was given"),
                hint=tr("use --passphrase-file FILE, set BUNDLE_KEY_PASSPHRASE, or use a terminal"),
            ) from error
        raise UsageError(
            tr("the signing key is not encrypted, although it is marked as encrypted")
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if b"ENCRYPTED" in pem and passphrase is not None:
            raise UsageError(
                tr("the signing key cannot be decrypted: wrong passphrase"),
                hint=tr("see --passphrase-file and BUNDLE_KEY_PASSPHRASE"),
            ) from error
        what = (
            tr("a public key, not a private one")
            if b"PUBLIC KEY-----" in pem
            else tr("not a PKCS#8 PEM file")
        )
        raise UsageError(
            tr("the signing key cannot be read: it is {what}", what=what),
            hint=tr("use the bundle.key written by `bundle keygen`"),
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UsageError(
            tr("the signing key is not an ECDSA key on the curve P-256"),
            hint=tr("create one with `bundle keygen`"),
        )
    return key


def _public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
