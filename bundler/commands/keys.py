"""`bundle keygen`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import click

from bundler.commands.options import COMMON, add, make_plugins
from bundler.errors import UsageError


@click.command("keygen")
@click.option(
    "-o",
    "--output",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for bundle.key and bundle.pub.",
)
@click.option("--signer", default="ecdsa", show_default=True, help="Signature scheme.")
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Encrypt the private key with the passphrase in this file.",
)
@click.option("--encrypt", is_flag=True, help="Ask for a passphrase and encrypt the private key with it.")
@add(COMMON[:1])
def keygen_command(
    output: Path,
    signer: str,
    passphrase_file: Path | None,
    encrypt: bool,
    plugins_dir: tuple[Path, ...],
) -> None:
    """Make a key pair: bundle.key (0600) signs, bundle.pub goes to the sites.

    Send bundle.pub by another way than the bundles: who can change both can forge both.

    $BUNDLE_KEY_PASSPHRASE, when set, encrypts the private key as --passphrase-file does.
    """
    private_path, public_path = output / "bundle.key", output / "bundle.pub"
    for path in (private_path, public_path):
        if path.exists():
            raise UsageError(
                f"{path} exists; a key is never overwritten",
                hint="choose another folder with --output, or move the old pair away",
            )
    passphrase = _new_passphrase(passphrase_file, encrypt=encrypt)
    private, public = make_plugins(plugins_dir).signer(signer).generate(passphrase)
    output.mkdir(parents=True, exist_ok=True)
    _write_new(private_path, private, 0o600)
    _write_new(public_path, public, 0o644)
    click.echo(f"{private_path}  keep it secret; whoever has it can sign bundles for your sites")
    click.echo(f"{public_path}  give it to the sites; sha256 {hashlib.sha256(public).hexdigest()}")


def _new_passphrase(file: Path | None, *, encrypt: bool) -> bytes | None:
    given = os.environ.get("BUNDLE_KEY_PASSPHRASE")
    if file:
        passphrase = file.read_bytes().rstrip(b"\r\n")
    elif given is not None:
        passphrase = given.encode()
    elif encrypt:
        text: str = click.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True)
        passphrase = text.encode()
    else:
        return None
    if not passphrase:
        raise UsageError("the passphrase is empty")
    return passphrase


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
