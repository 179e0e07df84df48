"""What a signer provides: access to private keys and signing with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

Secret = Callable[[str], bytes | None]
"""Asks for the passphrase or PIN of what its argument names, when needed; returns None if there is none."""


@runtime_checkable
class PrivateKey(Protocol):
    """An opened private key: read from a file, or a key that never leaves its device."""

    @property
    def public_key(self) -> bytes:
        """Return the public key, PEM or DER."""

    def sign(self, payload: bytes) -> bytes:
        """Return an ECDSA signature over P-256 with SHA-256, DER. The caller normalises it to the lower s.

        Raises:
            BundleError: the device cannot sign.
        """

    def close(self) -> None:
        """Release the device. May be called more than once."""


@runtime_checkable
class Signer(Protocol):
    """A provider of private keys."""

    name: str
    """Name used in profiles. `--key NAME:...` also selects the signer, regardless of the profile."""

    def generate(self, passphrase: bytes | None) -> tuple[bytes, bytes]:
        """Generate a private and a public key and return both, PEM.

        Raises:
            UsageError: keys of this kind are created with other programs.
        """

    def open(self, reference: str, secret: Secret) -> PrivateKey:
        """Open the private key that `--key` names.

        Args:
            reference: as the user typed it: a path, or another name that this signer understands.
            secret: asks for the passphrase or PIN, if one is needed.

        Raises:
            BundleError: there is no such key, it is of another kind, or the passphrase is wrong.
        """

    def verify(self, payload: bytes, signature: bytes, public_key: bytes) -> None:
        """Verify a DER signature with a PEM public key.

        Raises:
            VerificationError: the signature is not a signature of the payload by that key.
        """
