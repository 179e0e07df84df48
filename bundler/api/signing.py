"""What a signer provides: it keeps private keys and signs with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

Secret = Callable[[str], bytes | None]
"""Asks for a passphrase or PIN, given what it is for; None where there is none. Called when it is needed."""


@runtime_checkable
class PrivateKey(Protocol):
    """A private key that was opened: the bytes of a file, or a key that never leaves its device."""

    @property
    def public_key(self) -> bytes:
        """Its public key, PEM or DER."""

    def sign(self, payload: bytes) -> bytes:
        """An ECDSA signature over P-256 with SHA-256, DER; the caller chooses the lower s.

        Raises:
            BundleError: the device does not sign.
        """

    def close(self) -> None:
        """Release the device; no error when called twice."""


@runtime_checkable
class Signer(Protocol):
    """A place where private keys are kept."""

    name: str
    """What profiles call it. `--key NAME:...` chooses it too, whatever the profile says."""

    def generate(self, passphrase: bytes | None) -> tuple[bytes, bytes]:
        """A new private and public key, PEM.

        Raises:
            UsageError: keys of this kind are made with other programs.
        """

    def open(self, reference: str, secret: Secret) -> PrivateKey:
        """The private key that `--key` names.

        Args:
            reference: as it was typed: a path, or another name that this signer knows.
            secret: asks for the passphrase or PIN, where one is needed.

        Raises:
            BundleError: there is no such key, it is of another kind, or the passphrase is wrong.
        """

    def verify(self, payload: bytes, signature: bytes, public_key: bytes) -> None:
        """Check a signature in DER with a public key in PEM.

        Raises:
            VerificationError: the signature is not that key's over that payload.
        """
