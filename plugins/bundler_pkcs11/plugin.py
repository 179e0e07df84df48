"""Registers the signer `pkcs11`."""

from __future__ import annotations

from bundler import hookimpl
from bundler.api.signing import Signer
from bundler_pkcs11.signer import TokenSigner


@hookimpl
def bundler_signers() -> list[Signer]:
    """See `bundler.api.hookspecs.bundler_signers`."""
    return [TokenSigner()]
