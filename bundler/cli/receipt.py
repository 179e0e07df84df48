"""`bundle receipt`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.bundles import naming
from bundler.terminal.console import echo, echo_json

if TYPE_CHECKING:
    from bundler.trust.receipts import Check, Checked


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
        echo(f"ok: signed by the given key {checked.fingerprint}")
    else:
        echo(f"ok: unchanged since it was signed by {checked.fingerprint}")
        echo("Whose key that is was not checked: compare it with the site's, or use --key site.pub")


def _lines(checked: Checked) -> Iterator[str]:
    receipt = checked.receipt
    app, verified, runs = receipt.application, receipt.verified, receipt.runs
    yield f"{receipt.kind}: {app.title} {app.version} ({app.profile}), release {receipt.release}"
    yield f"  server {receipt.host}, folder {receipt.root}, {receipt.finished}"
    if receipt.previous:
        yield f"  before: release {receipt.previous}"
    if receipt.backup:
        yield f"  data restored from the backup {receipt.backup}"
    when = "verified in this run" if verified.in_this_run else "verified by an earlier run"
    yield f"  {when}: bundle {verified.bundle}, {verified.files} files"
    yield from (f"  signed by the publisher's key {key}" for key in verified.keys or ("- (unsigned)",))
    yield from (f"  attestation {each.path}: {each.sha256}" for each in verified.attestations)
    yield from (f"  accepted by option: {option}" for option in receipt.accepted.options)
    yield from (_check("accepted", check) for check in receipt.accepted.checks)
    yield from (_check("warning", check) for check in receipt.warnings)
    yield f"  engine {runs.engine}, Compose {runs.compose}"
    for each in runs.services:
        yield f"  service {each.service}: {each.states or '-'}; {each.image}, {each.manifest or '-'}"


def _check(label: str, check: Check) -> str:
    return f"  {label}: {check.id}: {check.measured or '-'}; needed: {check.needed or '-'}"
