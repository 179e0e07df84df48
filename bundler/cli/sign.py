"""`bundle sign`."""

from __future__ import annotations

from pathlib import Path

import click

from bundler.cli.options import PLUGINS_DIR, add, make_plugins
from bundler.cli.signing import KEY_OPTIONS, open_keys
from bundler.terminal.console import echo


@click.command("sign")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@add(KEY_OPTIONS)
@add(PLUGINS_DIR)
def sign_command(
    file: Path,
    references: tuple[str, ...],
    passphrase_files: tuple[Path, ...],
    plugins_dir: tuple[Path, ...],
) -> None:
    """Add signatures to a finished bundle FILE, which need not be signed yet.

    The file is written anew beside the old one and takes its place when it is whole; its .sha256 follows, and
    the signatures of a .preflight.sh that lies beside it. Only the signatures change. Every file is compared
    with SHA256SUMS on the way; what it is, `bundle inspect` says.
    """
    from bundler.trust.countersign import countersign

    plugins = make_plugins(plugins_dir)
    with open_keys(plugins, "ecdsa", references, passphrase_files, None) as keys:
        signers = countersign(
            file, [each.key for each in keys], plugins.signer("ecdsa"), plugins.format().sidecars
        )
    echo(f"{file}  signed by {len(signers)}: {', '.join(key.fingerprint for key in signers)}")
