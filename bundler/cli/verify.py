"""`bundle verify`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.bundles import BUNDLE, TRUST, chosen_keys, load_trust, naming, signed_by, signers_json
from bundler.cli.options import COMMON, add, make_plugins, make_reporter
from bundler.errors import VerificationError
from bundler.language import tr
from bundler.terminal.console import echo, echo_json

if TYPE_CHECKING:
    from bundler.api.signing import Signer
    from bundler.terminal.progress import Reporter
    from bundler.trust.keys import PublicKey
    from bundler.trust.signers import Trust
    from bundler.trust.verify import Verified


@click.command("verify")
@BUNDLE
@add(TRUST)
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
    """Verify the signatures, the structure and every byte of FILE. Exits with 4 if anything is wrong.

        A small file made to be sent ahead of FILE (.preflight.sh) is checked by its .sig where it lies beside
    FILE; it may also be FILE itself.
    """
    from bundler.trust.signers import Trust
    from bundler.trust.verify import verify

    reporter = make_reporter(as_json=as_json, verbose=verbose)
    key_files = chosen_keys(key_files)
    trust = load_trust(key_files, require, statements)
    plugins = make_plugins(plugins_dir)
    scheme, form = plugins.signer(signer), plugins.format()
    if any(file.name.endswith(f".{name}") for name in form.sidecars):
        checked = _check_sidecar(file, trust, scheme, reporter)
        if not checked:
            raise VerificationError(
                tr("{file}: its signature was not checked", file=file), hint=tr("use --key bundle.pub")
            )
        if as_json:
            echo_json({"file": str(file), "ok": True, **signers_json(checked)})
        else:
            echo(tr("ok: {file}, {checked}", file=file, checked=signed_by(checked)))
        return
    with naming(file), reporter.transfer(tr("verify"), file.stat().st_size) as transfer:
        found = verify(
            file,
            scheme,
            trust,
            allow_unsigned=allow_unsigned,
            advance=lambda size: transfer.advance(file.name, size),
            form=form,
        )
    beside = {}
    for name in form.sidecars:
        sidecar = file.with_suffix(f".{name}")
        if found.signers and sidecar.is_file():
            beside[sidecar.name] = _check_sidecar(sidecar, Trust(found.signers, require), scheme, reporter)
    if as_json:
        echo_json({"file": str(file), "ok": True, "files": found.files, **signers_json(found.signers)})
    else:
        _show_verified(found, beside)


def _show_verified(found: Verified, beside: Mapping[str, tuple[PublicKey, ...]]) -> None:
    manifest = found.manifest
    by = signed_by(found.signers) if found.signers else tr("UNSIGNED, but undamaged")
    echo(
        tr(
            "ok: {manifest_name} {version} ({profile}, {platform}), {files} files, {by}",
            manifest_name=manifest.name,
            version=manifest.version,
            profile=manifest.profile,
            platform=manifest.platform,
            files=found.files,
            by=by,
        )
    )
    for name, checked in beside.items():
        if checked:
            echo(tr("ok: {name}, {checked}", name=name, checked=signed_by(checked)))


def _check_sidecar(
    sidecar: Path, trust: Trust | None, signer: Signer, reporter: Reporter
) -> tuple[PublicKey, ...]:
    """Return the trusted keys that signed the file; empty if it is not signed or no keys are trusted."""
    from bundler.trust.signers import check_detached

    signatures = sidecar.with_name(f"{sidecar.name}.sig")
    if not signatures.is_file():
        reporter.warn(
            tr(
                "{sidecar} was not checked: there is no {signatures_name} beside it",
                sidecar=sidecar,
                signatures_name=signatures.name,
            )
        )
        return ()
    if trust is None:
        return ()
    with naming(sidecar):
        return check_detached(sidecar.read_bytes(), signatures.read_bytes(), signatures.name, signer, trust)
