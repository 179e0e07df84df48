"""`bundle keygen`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.options import PLUGINS_DIR, add, make_plugins
from bundler.cli.signing import open_keys, write_new
from bundler.errors import UsageError
from bundler.language import tr
from bundler.terminal.console import echo

if TYPE_CHECKING:
    from bundler.api.plugins import Plugins
    from bundler.trust.keys import PublicKey

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


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
    type=FILE,
    help="Encrypt the private key with the passphrase in this file.",
)
@click.option("--encrypt", is_flag=True, help="Ask for a passphrase and encrypt the private key with it.")
@click.option(
    "--rotate",
    is_flag=True,
    help="Also write a .rotation: a statement by the old key (--key) that the new key replaces it.",
)
@click.option("--key", "old", metavar="FILE|URI", help="With --rotate: the old private key.")
@click.option("--key-passphrase-file", type=FILE, help="With --rotate: the old key's passphrase or PIN.")
@click.option(
    "--to",
    "new",
    metavar="FILE|URI",
    help="Do not generate a key: use this public key, or key on a token, and write its bundle.pub.",
)
@add(PLUGINS_DIR)
def keygen_command(
    output: Path,
    signer: str,
    passphrase_file: Path | None,
    encrypt: bool,
    rotate: bool,
    old: str | None,
    key_passphrase_file: Path | None,
    new: str | None,
    plugins_dir: tuple[Path, ...],
) -> None:
    """Generate a key pair: bundle.key (mode 0600) signs, bundle.pub goes to the sites.

    Send bundle.pub over a different channel than the bundles: anyone who can change both can forge both.

    If $BUNDLE_KEY_PASSPHRASE is set, it encrypts the private key as --passphrase-file does.

    With --rotate, also writes <old>-<new>.rotation. Keep it beside the new key: `bundle build` includes it,
    and sites that trust the old key then trust the new one.
    """
    from bundler.trust.keys import PublicKey
    from bundler.trust.statements import rotate as make_rotation
    from bundler.trust.statements import statement_name, write_statement

    _check_rotation(rotate, old, key_passphrase_file)
    private_path, public_path = output / "bundle.key", output / "bundle.pub"
    for path in (public_path,) if new else (private_path, public_path):
        if path.exists():
            raise UsageError(
                tr("{path} already exists; keys are never overwritten", path=path),
                hint=tr("choose another folder with --output, or move the old key pair away"),
            )
    plugins = make_plugins(plugins_dir)
    private: bytes | None = None
    if new:
        public = _read_public(plugins, new, passphrase_file)
    else:
        passphrase = _new_passphrase(passphrase_file, encrypt=encrypt)
        private, pem = plugins.signer(signer).generate(passphrase)
        public = PublicKey.read(pem)
    rotation = None
    if old:
        files = (key_passphrase_file,) if key_passphrase_file else ()
        with open_keys(plugins, "ecdsa", (old,), files, None) as keys:
            rotation = make_rotation(keys[0].key, public)
    output.mkdir(parents=True, exist_ok=True)
    if private is not None:
        write_new(private_path, private, 0o600)
    write_new(public_path, public.pem, 0o644)
    if private is not None:
        secret = tr("keep it secret: anyone who has it can sign bundles for your sites")
        echo(f"{private_path}  {secret}")
    fingerprint = public.fingerprint
    echo(f"{public_path}  " + tr("give it to the sites; fingerprint: {name}", name=fingerprint))
    if rotation:
        path = output / statement_name(rotation)
        write_new(path, write_statement(rotation), 0o644)
        beside = tr("keep it beside the new key: bundles include it, and sites then trust the new key")
        echo(f"{path}  {beside}")


def _check_rotation(rotate: bool, old: str | None, passphrase_file: Path | None) -> None:
    if rotate and not old:
        raise UsageError(tr("--rotate needs the old key"), hint=tr("add --key old/bundle.key"))
    if not rotate and (old or passphrase_file):
        raise UsageError(tr("--key requires --rotate"), hint=tr("add --rotate, or remove --key"))


def _read_public(plugins: Plugins, reference: str, passphrase_file: Path | None) -> PublicKey:
    from bundler.trust.keys import PublicKey

    if Path(reference).is_file():
        return PublicKey.read(Path(reference).read_bytes())
    files = (passphrase_file,) if passphrase_file else ()
    with open_keys(plugins, "ecdsa", (reference,), files, None) as keys:
        return PublicKey.read(keys[0].key.public_key)


def _new_passphrase(file: Path | None, *, encrypt: bool) -> bytes | None:
    given = os.environ.get("BUNDLE_KEY_PASSPHRASE")
    if file:
        passphrase = file.read_bytes().rstrip(b"\r\n")
    elif given is not None:
        passphrase = given.encode()
    elif encrypt:
        text: str = click.prompt(tr("New passphrase"), hide_input=True, confirmation_prompt=True, err=True)
        passphrase = text.encode()
    else:
        return None
    if not passphrase:
        raise UsageError(tr("the passphrase is empty"))
    return passphrase
