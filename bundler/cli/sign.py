"""`bundle sign`."""

from __future__ import annotations

from pathlib import Path

import click

from bundler.cli.options import PLUGINS_DIR, add, make_plugins
from bundler.cli.signing import KEY_OPTIONS, chosen_keys, open_keys
from bundler.language import tr
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
    """Add signatures to FILE, a finished bundle, signed or not.

    The new file is written beside the old one and replaces it when complete; its .sha256 is updated, as are
    the signatures of a .preflight.sh beside it. Only the signatures change. Every file is compared
    with SHA256SUMS in the process. To see what the bundle contains, use `bundle inspect`.
    """
    from bundler.trust.countersign import countersign

    plugins = make_plugins(plugins_dir)
    with open_keys(plugins, "ecdsa", chosen_keys(references), passphrase_files, None) as keys:
        signers = countersign(
            file, [each.key for each in keys], plugins.signer("ecdsa"), plugins.format().sidecars
        )
    echo(
        tr(
            "{file}  signed by {count}: {signers}",
            file=file,
            count=len(signers),
            signers=", ".join(key.fingerprint for key in signers),
        )
    )
