"""`bundle receipt`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bundler.cli.bundles import naming
from bundler.language import tr, tr_later
from bundler.terminal.console import echo, echo_json

if TYPE_CHECKING:
    from bundler.trust.receipts import Check, Checked

OPTION: Final = "--key site.pub"
KINDS: Final = {
    "install": tr_later("installation"),
    "upgrade": tr_later("upgrade"),
    "restore": tr_later("restore"),
    "rollback": tr_later("rollback"),
    "forward": tr_later("return to the newer release"),
    "adopt": tr_later("adoption"),
}


@click.command("receipt")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The site's public key, receipts/site.pub. Without it, the receipt is only checked for changes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def receipt_command(file: Path, key_file: Path | None, as_json: bool) -> None:
    """Verify a receipt of a site, and show it. Exits with 4 if it was changed.

    Sites write a receipt to <root>/receipts/ after each installation, upgrade, restore and rollback: what was
    verified, what the operator accepted, and what runs.
    """
    from bundler.trust.receipts import LIMIT, check_receipt

    with file.open("rb") as stream:
        data = stream.read(LIMIT + 1)
    with naming(file):
        checked = check_receipt(data, key_file.read_bytes() if key_file else None)
    if as_json:
        echo_json({
            "file": str(file),
            "ok": True,
            "key": checked.fingerprint,
            "key_compared": key_file is not None,
            "receipt": checked.receipt.model_dump(mode="json"),
        })  # fmt: skip
        return
    for line in _lines(checked):
        echo(line)
    if key_file:
        echo(tr("ok: signed by the given key {key}", key=checked.fingerprint))
    else:
        echo(tr("ok: unchanged since it was signed by {key}", key=checked.fingerprint))
        echo(
            tr(
                "Whose key that is was not checked: compare it with the site's, or use {option}",
                option=OPTION,
            )
        )


def _lines(checked: Checked) -> Iterator[str]:
    receipt = checked.receipt
    app, verified, runs = receipt.application, receipt.verified, receipt.runs
    yield tr(
        "{kind}: {title} {version} ({profile}), release {release}",
        kind=tr(KINDS[receipt.kind]),
        title=app.title,
        version=app.version,
        profile=app.profile,
        release=receipt.release,
    )
    yield tr(
        "  server {host}, folder {folder}, {time}",
        host=receipt.host,
        folder=receipt.root,
        time=receipt.finished,
    )
    if receipt.previous:
        yield tr("  before: release {release}", release=receipt.previous)
    if receipt.backup:
        yield tr("  data restored from the backup {backup}", backup=receipt.backup)
    when = (
        tr("  verified in this run: bundle {bundle}, {number} files")
        if verified.in_this_run
        else tr("  verified by an earlier run: bundle {bundle}, {number} files")
    )
    yield when.format(bundle=verified.bundle, number=verified.files)
    if not verified.keys:
        yield tr("  not signed by a publisher")
    yield from (tr("  signed by the publisher's key {key}", key=key) for key in verified.keys)
    for each in verified.attestations:
        yield tr("  attestation {path}: {digest}", path=each.path, digest=each.sha256)
    for option in receipt.accepted.options:
        yield tr("  accepted by option: {option}", option=option)
    for check in receipt.accepted.checks:
        yield tr("  accepted: {check}", check=_check(check))
    for check in receipt.warnings:
        yield tr("  warning: {check}", check=_check(check))
    yield tr("  engine {engine}, Compose {compose}", engine=runs.engine, compose=runs.compose)
    for service in runs.services:
        yield tr(
            "  service {service}: {states}; {image}, {digest}",
            service=service.service,
            states=service.states or "-",
            image=service.image,
            digest=service.manifest or "-",
        )


def _check(check: Check) -> str:
    return tr(
        "{check}: {measured}; needed: {needed}",
        check=check.id,
        measured=check.measured or "-",
        needed=check.needed or "-",
    )
