"""Options and steps of the commands that sign."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.errors import UsageError
from bundler.language import tr

if TYPE_CHECKING:
    from bundler.api.plugins import Plugins
    from bundler.api.signing import PrivateKey, Signer
    from bundler.bundle.tar import Member
    from bundler.terminal.progress import Reporter

KEY_OPTIONS = (
    click.option(
        "--key",
        "references",
        multiple=True,
        metavar="FILE|URI",
        help="Private key to sign with: a file, or a key on a token"
        " (pkcs11:token=...;object=...). Repeat for each further signer. Default: $BUNDLE_KEY (one"
        " per line), else from the configuration, else ./bundle.key.",
    ),
    click.option(
        "--passphrase-file",
        "passphrase_files",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File with the key's passphrase or PIN. Repeat for each key that needs one, in order."
        " Default: $BUNDLE_KEY_PASSPHRASE, else a prompt.",
    ),
)


@dataclass(frozen=True)
class OpenKey:
    """A private key that is ready to sign, and the reference it was opened by."""

    reference: str
    key: PrivateKey


def chosen_keys(references: Sequence[str], profile: Path | None = None) -> tuple[str, ...]:
    """Return the given references, or those of the environment or the configuration.

    Args:
        references: as the user typed them.
        profile: file of the profile that is built, if any; its project's configuration holds.
    """
    from bundler.cli.settings import find_keys
    from bundler.profile.config import load_config

    return tuple(references) or find_keys(load_config(profile)).value


def public_names(references: Sequence[str]) -> tuple[str, ...]:
    """Return where the public keys are by convention: beside key files, otherwise `bundle.pub`."""
    return tuple(
        "bundle.pub" if _scheme(reference) else str(Path(reference).with_suffix(".pub"))
        for reference in references
    )


def _scheme(reference: str) -> str | None:
    name, colon, _ = reference.partition(":")
    return name if colon and name.isidentifier() and not Path(reference).exists() else None


def find_signer(plugins: Plugins, reference: str, default: str) -> Signer:
    """Return the signer that has the key: the one named in `NAME:...`, or else the default."""
    return plugins.signer(_scheme(reference) or default)


@contextmanager
def open_keys(
    plugins: Plugins,
    default: str,
    references: Sequence[str],
    passphrase_files: Sequence[Path],
    reporter: Reporter | None,
) -> Iterator[tuple[OpenKey, ...]]:
    """Open the private keys and test them: a wrong key or passphrase is reported before the long steps.

    Args:
        plugins: all loaded plugins.
        default: signer of references that do not name one.
        references: of `chosen_keys`.
        passphrase_files: a single one for all keys, or one for each key that needs a passphrase.
        reporter: receives warnings about key files that other users can read.
    """
    from bundler.trust.signatures import refuse_twice

    passphrases = _Passphrases(passphrase_files)
    with ExitStack() as stack:
        found = []
        for reference in references:
            path = Path(reference)
            if reporter and path.is_file() and path.stat().st_mode & 0o077:
                reporter.warn(
                    tr(
                        "{path} is readable by other users; run: chmod 600 {reference}",
                        path=path,
                        reference=shlex.quote(reference),
                    )
                )
            key = find_signer(plugins, reference, default).open(reference, passphrases.ask)
            stack.callback(key.close)
            key.sign(b"")
            found.append(OpenKey(reference, key))
        if passphrase_files and not passphrases.asked:
            raise UsageError(tr("a passphrase was given, but the signing key is not encrypted"))
        refuse_twice([each.key for each in found])
        yield tuple(found)


class _Passphrases:
    """Passphrases and PINs, in the order in which keys require them.

    Attributes:
        asked: whether one was needed.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.asked = False
        self._files = files
        self._waiting = list(files)

    def ask(self, purpose: str) -> bytes | None:
        """Return the next passphrase; see `bundler.api.signing.Secret`."""
        self.asked = True
        if self._files:
            if not self._waiting:
                raise UsageError(
                    tr("{purpose}: not enough --passphrase-file options", purpose=purpose),
                    hint=tr("use it once for all keys, or once for each key that needs one"),
                )
            file = self._files[0] if len(self._files) == 1 else self._waiting.pop(0)
            return file.read_bytes().rstrip(b"\r\n")
        given = os.environ.get("BUNDLE_KEY_PASSPHRASE")
        if given is not None:
            return given.encode()
        if sys.stdin.isatty():
            text: str = click.prompt(purpose, hide_input=True, err=True)
            return text.encode()
        return None


def load_statements(given: Sequence[Path], keys: Sequence[OpenKey], signer: Signer) -> list[Member]:
    """Load rotations and revocations for the bundle: the given ones, and those beside the key files.

    Raises:
        VerificationError: one of them is damaged or forged.
        UsageError: one of the keys is revoked.
    """
    from bundler.bundle.tar import Member
    from bundler.trust.keys import PublicKey
    from bundler.trust.statements import (
        FOLDER,
        LIMIT,
        SUFFIXES,
        judge_statements,
        read_statement,
        statement_name,
    )

    beside = {
        path
        for key in keys
        if Path(key.reference).is_file()
        for path in Path(key.reference).absolute().parent.iterdir()
        if path.suffix in SUFFIXES and path.is_file()
    }
    members: dict[str, Member] = {}
    statements = []
    for path in sorted({*beside, *(each.absolute() for each in given)}):
        if path.suffix not in SUFFIXES:
            raise UsageError(tr("{path}: not named *.rotation or *.revocation", path=path))
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
        statements.append(read_statement(data, str(path), signer))
        name = f"{FOLDER}/{statement_name(statements[-1])}"
        members[name] = Member.of(name, data)
    revoked = judge_statements(statements).revoked
    for key in keys:
        fingerprint = PublicKey.read(key.key.public_key).fingerprint
        if fingerprint in revoked:
            raise UsageError(
                tr("the signing key {fingerprint} is revoked", fingerprint=fingerprint),
                hint=tr("sign with its successor"),
            )
    return list(members.values())


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a key or a statement to a file that must not exist yet."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
