"""Shared parts of the commands that read a finished bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.errors import VerificationError

if TYPE_CHECKING:
    from bundler.trust.keys import PublicKey

BUNDLE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
"""The bundle that a command reads."""


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Name the bundle's file in errors about it."""
    try:
        yield
    except VerificationError as error:
        raise VerificationError(f"{file}: {error.message}", hint=error.hint) from error


def signers_json(signers: Sequence[PublicKey]) -> dict[str, object]:
    """Return the fingerprints of the keys that signed, for `--json`."""
    names = [key.fingerprint for key in signers]
    return {"key_sha256": names[0] if names else None, "signers": names}


def signed_by(signers: Sequence[PublicKey]) -> str:
    """Return the text `signed by the key ...`, for people."""
    return f"signed by the key{'s' * (len(signers) > 1)} {', '.join(key.fingerprint for key in signers)}"
