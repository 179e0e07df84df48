"""`bundle verify` and `inspect`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.options import COMMON, add, describe_release, make_plugins, make_reporter
from bundler.errors import UsageError, VerificationError
from bundler.terminal.console import echo, echo_json
from bundler.terminal.progress import format_bytes
from bundler.terminal.table import format_table

if TYPE_CHECKING:
    from bundler.api.signing import Signer
    from bundler.bundle.manifest import EngineEntry, Packing
    from bundler.terminal.progress import Reporter
    from bundler.trust.keys import PublicKey
    from bundler.trust.signers import Trust

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.command("verify")
@FILE
@click.option(
    "--key",
    "key_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Public key that is trusted, again for each further one. Default: ./bundle.pub where it exists.",
)
@click.option(
    "--require",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many of the keys must have signed.",
)
@click.option(
    "--rotation",
    "statements",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A rotation or revocation that is known, besides those in the bundle.",
)
@click.option("--allow-unsigned", is_flag=True, help="Accept a bundle without a signature.")
@click.option("--signer", default="ecdsa", show_default=True, help="Signature scheme.")
@add(COMMON)
def verify_command(
    file: Path,
    key_files: tuple[Path, ...],
    require: int,
    statements: tuple[Path, ...],
    allow_unsigned: bool,
    signer: str,
    plugins_dir: tuple[Path, ...],
    cache_dir: Path | None,  # noqa: ARG001 a common option
    as_json: bool,
    verbose: bool,
) -> None:
    """Check the signatures, the structure and every byte of FILE. Exit code 4 if anything is wrong.

    A .preflight.sh that lies beside FILE is checked by its .sig; it may also be FILE itself.
    """
    from bundler.trust.signers import Trust
    from bundler.trust.verify import verify

    reporter = make_reporter(as_json=as_json, verbose=verbose)
    if not key_files and Path("bundle.pub").is_file():
        key_files = (Path("bundle.pub"),)
    trust = _trust(key_files, require, statements)
    scheme = make_plugins(plugins_dir).signer(signer)
    if file.name.endswith(_SIDECAR):
        checked = _check_sidecar(file, trust, scheme, reporter)
        if not checked:
            raise VerificationError(f"{file}: no signature of it was checked", hint="give --key bundle.pub")
        if as_json:
            echo_json({"file": str(file), "ok": True, **_signers_json(checked)})
        else:
            echo(f"ok: {file}, {_signed_by(checked)}")
        return
    with _naming(file), reporter.transfer("verify", file.stat().st_size) as transfer:
        found = verify(
            file,
            scheme,
            trust,
            allow_unsigned=allow_unsigned,
            advance=lambda size: transfer.advance(file.name, size),
        )
    sidecar = file.with_suffix(_SIDECAR)
    checked = ()
    if found.signers and sidecar.is_file():
        checked = _check_sidecar(sidecar, Trust(found.signers, require), scheme, reporter)
    if as_json:
        result = {"file": str(file), "ok": True, "files": found.files, **_signers_json(found.signers)}
        echo_json(result)
        return
    manifest = found.manifest
    by = _signed_by(found.signers) if found.signers else "UNSIGNED, but undamaged"
    echo(
        f"ok: {manifest.name} {manifest.version} ({manifest.profile}, {manifest.platform}),"
        f" {found.files} files, {by}"
    )
    if checked:
        echo(f"ok: {sidecar.name}, {_signed_by(checked)}")


_SIDECAR = ".preflight.sh"


def _trust(key_files: Sequence[Path], require: int, statements: Sequence[Path]) -> Trust | None:
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


def _check_sidecar(
    sidecar: Path, trust: Trust | None, signer: Signer, reporter: Reporter
) -> tuple[PublicKey, ...]:
    """The trusted keys that signed the file; none where there is no signature or nobody to trust."""
    from bundler.trust.signers import check_detached

    signatures = sidecar.with_name(f"{sidecar.name}.sig")
    if not signatures.is_file():
        reporter.warn(f"{sidecar} has no {signatures.name} beside it: it was not checked")
        return ()
    if trust is None:
        return ()
    with _naming(sidecar):
        return check_detached(sidecar.read_bytes(), signatures.read_bytes(), signatures.name, signer, trust)


def _signers_json(signers: Sequence[PublicKey]) -> dict[str, object]:
    names = [key.fingerprint for key in signers]
    return {"key_sha256": names[0] if names else None, "signers": names}


def _signed_by(signers: Sequence[PublicKey]) -> str:
    return f"signed by the key{'s' * (len(signers) > 1)} {', '.join(key.fingerprint for key in signers)}"


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Let errors about the bundle name its file."""
    try:
        yield
    except VerificationError as error:
        raise VerificationError(f"{file}: {error.message}", hint=error.hint) from error


@click.command("inspect")
@FILE
@click.option("--json", "as_json", is_flag=True, help="bundle.json and what is around it, as JSON.")
def inspect_command(file: Path, as_json: bool) -> None:
    """Show what FILE says it holds. Reads only its head; nothing is verified."""
    from bundler.trust.verify import inspect

    with _naming(file):
        found = inspect(file)
    manifest = found.manifest
    signers = _named_signers(found.public_keys)
    if as_json:
        document = {
            "file": str(file),
            "size": file.stat().st_size,
            "signed": found.signed,
            **_signers_json(signers),
            "files": found.files,
            "manifest": manifest.model_dump(mode="json"),
        }
        echo_json(document, indent=2)
        return
    created = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(manifest.created))
    signed = f"yes, {_signed_by(signers).removeprefix('signed ')}" if found.signed else "NO"
    facts = [
        ("application", f"{manifest.title} {manifest.version}"),
        ("profile", manifest.profile),
        ("platform", manifest.platform),
        ("created", created),
        *([("release", describe_release(manifest.release))] if manifest.release else []),
        ("size", format_bytes(file.stat().st_size)),
        *(("images" if number == 0 else "", line) for number, line in enumerate(_packing(manifest.packing))),
        *([("engine", _engine(manifest.engine))] if manifest.engine else []),
        ("files", str(found.files)),
        ("signed", f"{signed} (not verified: use `bundle verify`)"),
    ]
    for name, value in facts:
        echo(f"{name:12} {value}")
    images = [(i.tag, i.origin[:19], format_bytes(i.size)) for i in manifest.images]
    echo()
    echo(format_table(("image", "digest", "size"), images), lines=True)
    services = [(s.name, s.tag, s.expect) for s in manifest.services]
    echo()
    echo(format_table(("service", "image", "expected to be"), services), lines=True)
    if manifest.requirements:
        needs = [(r.id, r.minimum or "-", r.recommended or "-") for r in manifest.requirements]
        echo()
        echo(format_table(("requirement", "minimum", "recommended"), needs), lines=True)


def _named_signers(public_keys: bytes | None) -> tuple[PublicKey, ...]:
    from bundler.trust.keys import read_keys

    try:
        return read_keys(public_keys) if public_keys else ()
    except UsageError as error:
        raise VerificationError(f"the keys in the bundle: {error.message}", hint=error.hint) from error


def _engine(engine: EngineEntry) -> str:
    parts = [file.path.rpartition("/")[2] for file in engine.files]
    version = f"Docker {engine.version}, " if engine.version else ""
    return f"{version}{format_bytes(engine.size)}: {', '.join(parts)} (install --install-engine)"


def _packing(packing: Packing) -> list[str]:
    from bundler.build.images import COMPACT_SHARE, Compaction

    packed, kept = format_bytes(packing.packed_bytes), format_bytes(packing.kept_bytes)
    if packing.level is None or packing.window is None:
        return [f"{packed} as they came; compact: about {format_bytes(packing.kept_bytes * COMPACT_SHARE)}"]
    needs = Compaction(packing.level, packing.window).needs
    return [
        f"{packed}, compact (level {packing.level}); as they came: {kept}",
        f"the site needs {needs}",
    ]
