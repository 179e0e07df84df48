"""`bundle verify` and `inspect`."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.commands.options import COMMON, add, describe_release, make_plugins, make_reporter
from bundler.errors import VerificationError
from bundler.progress import format_bytes
from bundler.table import format_table

if TYPE_CHECKING:
    from bundler.manifest import EngineEntry, Packing

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.command("verify")
@FILE
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Public key that is trusted. Default: ./bundle.pub where it exists.",
)
@click.option("--allow-unsigned", is_flag=True, help="Accept a bundle without a signature.")
@click.option("--signer", default="ecdsa", show_default=True, help="Signature scheme.")
@add(COMMON)
def verify_command(
    file: Path,
    key_file: Path | None,
    allow_unsigned: bool,
    signer: str,
    plugins_dir: tuple[Path, ...],
    cache_dir: Path | None,  # noqa: ARG001 a common option
    as_json: bool,
    verbose: bool,
) -> None:
    """Check the signature, the structure and every byte of FILE. Exit code 4 if anything is wrong."""
    from bundler.verify import verify

    reporter = make_reporter(as_json=as_json, verbose=verbose)
    if key_file is None and Path("bundle.pub").is_file():
        key_file = Path("bundle.pub")
    scheme = make_plugins(plugins_dir).signer(signer)
    with _naming(file), reporter.transfer("verify", file.stat().st_size) as transfer:
        found = verify(
            file,
            scheme,
            key_file.read_bytes() if key_file else None,
            allow_unsigned=allow_unsigned,
            advance=lambda size: transfer.advance(file.name, size),
        )
    if as_json:
        result = {
            "file": str(file),
            "ok": True,
            "files": found.files,
            "key_sha256": found.signed_by,
        }
        click.echo(json.dumps(result))
        return
    manifest = found.manifest
    by = f"signed by the key {key_file}" if found.signed_by else "UNSIGNED, but undamaged"
    click.echo(
        f"ok: {manifest.name} {manifest.version} ({manifest.profile}, {manifest.platform}),"
        f" {found.files} files, {by}"
    )


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
    from bundler.verify import inspect

    with _naming(file):
        found = inspect(file)
    manifest = found.manifest
    fingerprint = hashlib.sha256(found.public_key).hexdigest() if found.public_key else None
    if as_json:
        document = {
            "file": str(file),
            "size": file.stat().st_size,
            "signed": found.signed,
            "key_sha256": fingerprint,
            "files": found.files,
            "manifest": manifest.model_dump(mode="json"),
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    created = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(manifest.created))
    signed = f"yes, by the key {fingerprint}" if fingerprint else "NO"
    facts = [
        ("application", f"{manifest.title} {manifest.version}"),
        ("profile", manifest.profile),
        ("platform", manifest.platform),
        ("created", created),
        *([("release", describe_release(manifest.release))] if manifest.release else []),
        ("size", format_bytes(file.stat().st_size)),
        ("images", _packing(manifest.packing)),
        *([("engine", _engine(manifest.engine))] if manifest.engine else []),
        ("files", str(found.files)),
        ("signed", f"{signed} (not verified: use `bundle verify`)"),
    ]
    for name, value in facts:
        click.echo(f"{name:12} {value}")
    images = [(i.tag, i.origin[:19], format_bytes(i.size)) for i in manifest.images]
    click.echo("\n" + format_table(("image", "digest", "size"), images))
    services = [(s.name, s.tag, s.expect) for s in manifest.services]
    click.echo("\n" + format_table(("service", "image", "expected to be"), services))
    if manifest.requirements:
        needs = [(r.id, r.minimum or "-", r.recommended or "-") for r in manifest.requirements]
        click.echo("\n" + format_table(("requirement", "minimum", "recommended"), needs))


def _engine(engine: EngineEntry) -> str:
    parts = [file.path.rpartition("/")[2] for file in engine.files]
    version = f"Docker {engine.version}, " if engine.version else ""
    return f"{version}{format_bytes(engine.size)}: {', '.join(parts)} (install --install-engine)"


def _packing(packing: Packing) -> str:
    from bundler.stages.images import COMPACT_SHARE, Compaction

    packed, kept = format_bytes(packing.packed_bytes), format_bytes(packing.kept_bytes)
    if packing.level is None or packing.window is None:
        return f"{packed} as they came; compact: about {format_bytes(packing.kept_bytes * COMPACT_SHARE)}"
    needs = Compaction(packing.level, packing.window).needs
    first = f"{packed}, compact (level {packing.level}); as they came: {kept}"
    return f"{first}\n{'':12} the site needs {needs}"
