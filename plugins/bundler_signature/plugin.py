"""Registers the signature scheme `ecdsa`."""

from __future__ import annotations

from bundler import hookimpl
from bundler.api.signing import Signer
from bundler_signature.ecdsa import EcdsaSigner


@hookimpl
def bundler_signers() -> list[Signer]:
    """See `bundler.api.hookspecs.bundler_signers`."""
    return [EcdsaSigner()]
