"""Shared parts of the commands that read a finished bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.options import Decorator
from bundler.errors import UsageError, VerificationError
from bundler.language import tr

if TYPE_CHECKING:
    from bundler.api.output import Description
    from bundler.api.plugins import Plugins
    from bundler.bundle.manifest import BundleManifest
    from bundler.trust.keys import PublicKey
    from bundler.trust.signers import Trust

BUNDLE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
"""The bundle that a command reads."""
KEYS = click.option(
    "--key",
    "key_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Trusted public key; repeat for each further key. Default: from your configuration, else"
    " ./bundle.pub if it exists.",
)
"""The keys that a command trusts."""
TRUST: tuple[Decorator, ...] = (
    KEYS,
    click.option(
        "--require",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Minimum number of the given keys that must have signed.",
    ),
    click.option(
        "--rotation",
        "statements",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Rotation or revocation to apply, in addition to those in the bundle.",
    ),
    click.option("--allow-unsigned", is_flag=True, help="Accept an unsigned bundle."),
    click.option("--signer", default="ecdsa", show_default=True, help="Signature scheme."),
)
"""Which signatures a command requires."""


@dataclass(frozen=True)
class TrustOptions:
    """Values of TRUST, as click passes them."""

    key_files: tuple[Path, ...]
    require: int
    statements: tuple[Path, ...]
    allow_unsigned: bool
    signer: str


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
    keys = ", ".join(key.fingerprint for key in signers)
    return tr.plural("signed by the key {keys}", "signed by the keys {keys}", len(signers), keys=keys)


def chosen_keys(key_files: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the files of `KEYS`, or those of the configuration, or `./bundle.pub` if it exists."""
    from bundler.cli.settings import check_file, find_trusted_keys
    from bundler.profile.config import load_config

    if key_files:
        return key_files
    configured = find_trusted_keys(load_config())
    for path in configured.value:
        check_file(path, f"{configured.origin}: trusted_keys")
    return configured.value


def load_trust(key_files: Sequence[Path], require: int, statements: Sequence[Path]) -> Trust | None:
    """Return the trust in the keys of these files; None if there are none.

    Args:
        key_files: files with public keys.
        require: how many of them must have signed.
        statements: files with rotations and revocations.

    Raises:
        UsageError: a file has no public key.
    """
    from bundler.trust.keys import read_keys
    from bundler.trust.signers import Trust
    from bundler.trust.statements import LIMIT

    if not key_files:
        return None
    keys: list[PublicKey] = []
    for path in key_files:
        try:
            keys += read_keys(path.read_bytes())
        except UsageError as error:
            raise UsageError(f"{path}: {error.message}", hint=error.hint) from error
    given = {}
    for path in statements:
        with path.open("rb") as file:
            given[str(path)] = file.read(LIMIT + 1)
    return Trust(tuple(keys), require, given)


def describe(manifest: BundleManifest, plugins: Plugins) -> Description:
    """Return the description of bundle.json by the packer that wrote it; empty if it is not installed."""
    from bundler.api.output import Description

    for packer in plugins.packers().values():
        if isinstance(manifest, packer.format.manifests):
            return packer.describe(manifest)
    return Description()


def named_signers(public_keys: bytes | None) -> tuple[PublicKey, ...]:
    """Return the keys in a bundle, which prove nothing by themselves.

    Raises:
        VerificationError: they are not in the format's encoding.
    """
    from bundler.trust.keys import read_keys

    try:
        return read_keys(public_keys) if public_keys else ()
    except UsageError as error:
        raise VerificationError(
            tr("the keys in the bundle: {message}", message=error.message), hint=error.hint
        ) from error
