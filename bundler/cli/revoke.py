"""`bundle revoke`."""

from __future__ import annotations

from pathlib import Path

import click

from bundler.cli.options import PLUGINS_DIR, add, make_plugins
from bundler.cli.signing import KEY_OPTIONS, chosen_keys, open_keys, write_new
from bundler.errors import UsageError
from bundler.language import tr
from bundler.terminal.console import echo


@click.command("revoke")
@add(KEY_OPTIONS)
@click.option(
    "--revoke",
    "revoked",
    metavar="FINGERPRINT|FILE",
    help="The key to revoke: a predecessor of --key. Default: --key itself.",
)
@click.option(
    "-o",
    "--output",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the .revocation.",
)
@add(PLUGINS_DIR)
def revoke_command(
    references: tuple[str, ...],
    passphrase_files: tuple[Path, ...],
    revoked: str | None,
    output: Path,
    plugins_dir: tuple[Path, ...],
) -> None:
    """Write a signed statement that revokes a key.

    A key may revoke itself, and a key that it follows by rotation. Sites take the file by the command
    that is printed or from /etc/bundle/trusted-keys/, and bundles carry it where it lies beside their key.
    Nothing undoes it.
    """
    from bundler.trust.keys import PublicKey
    from bundler.trust.statements import read_fingerprint, revoke, statement_name, write_statement

    plugins = make_plugins(plugins_dir)
    with open_keys(plugins, "ecdsa", chosen_keys(references), passphrase_files, None) as keys:
        if len(keys) != 1:
            raise UsageError(tr("a revocation is signed by one key"), hint=tr("use --key once"))
        target = PublicKey.read(keys[0].key.public_key).fingerprint
        if revoked and Path(revoked).is_file():
            target = PublicKey.read(Path(revoked).read_bytes()).fingerprint
        elif revoked:
            target = read_fingerprint(revoked)
        statement = revoke(keys[0].key, target)
    output.mkdir(parents=True, exist_ok=True)
    path = output / statement_name(statement)
    write_new(path, write_statement(statement), 0o644)
    steps = [step for packer in plugins.packers().values() if (step := packer.trust_step(path.name))]
    taken = tr("; to apply it at a site: {steps}", steps=" or ".join(steps)) if steps else ""
    echo(tr("{path}  revokes the key {target}{taken}", path=path, target=target, taken=taken))
