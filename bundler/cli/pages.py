"""Shared parts of the commands that write a page about bundles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.bundles import TrustOptions, chosen_keys, describe, load_trust, named_signers, naming
from bundler.errors import UsageError
from bundler.io.files import write_whole
from bundler.language import tr
from bundler.terminal.console import echo, echo_json, echo_page

if TYPE_CHECKING:
    from bundler.api.plugins import Plugins
    from bundler.report.model import Report
    from bundler.terminal.progress import Reporter

STDOUT = Path("-")
OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="File for the page; - for standard output.",
)
"""Where a page is written."""


def read_bundle(file: Path, options: TrustOptions, plugins: Plugins, reporter: Reporter) -> Report:
    """Verify a bundle and return what a report shows of it.

    Without keys, all bytes are compared with the checksums in the bundle, and the reporter gets a warning.

    Raises:
        UsageError: keys are required but none are given.
        VerificationError: the bundle is damaged, or not signed as required.
    """
    from bundler.report.sources import KEPT, of_bundle
    from bundler.trust.verify import inspect, verify

    keys = chosen_keys(options.key_files)
    trust = load_trust(keys, options.require, options.statements)
    if trust is None and (options.require > 1 or options.statements):
        raise UsageError(
            tr("there is no public key to verify the bundle with"),
            hint=tr("use --key bundle.pub for each trusted key"),
        )
    form = plugins.format()
    with naming(file), reporter.transfer(tr("verify"), file.stat().st_size) as transfer:
        found = verify(
            file,
            plugins.signer(options.signer),
            trust,
            allow_unsigned=options.allow_unsigned or trust is None,
            advance=lambda size: transfer.advance(file.name, size),
            form=form,
            keep=KEPT,
        )
    claimed: tuple[str, ...] = ()
    with naming(file):
        if not found.signers:
            claimed = tuple(key.fingerprint for key in named_signers(inspect(file, form).public_keys))
            if claimed:
                warning = tr(
                    "{file}: its signatures were not verified: no public key (--key bundle.pub)", file=file
                )
            else:
                warning = tr("{file}: it is not signed", file=file)
            reporter.warn(warning)
        return of_bundle(found, file.name, describe(found.manifest, plugins), claimed)


def deliver(page: bytes, output: Path | None, beside: Path, *, inputs: Sequence[Path], as_json: bool) -> None:
    """Write a page to `output`, or else to `<beside>.report.html`, and say where.

    Args:
        page: the HTML document.
        output: of the command line; `-` for standard output.
        beside: file or name that the page is about; `.tar` is replaced.
        inputs: files that must not be replaced.
        as_json: say it as JSON.

    Raises:
        UsageError: `output` is one of `inputs`, or its folder does not exist.
    """
    if output == STDOUT:
        echo_page(page)
        return
    target = output or beside.with_name(f"{beside.name.removesuffix('.tar')}.report.html")
    if any(target.exists() and target.samefile(each) for each in inputs):
        raise UsageError(
            tr("{file}: the page would replace the bundle", file=target), hint=tr("give another name with -o")
        )
    if not target.parent.is_dir():
        raise UsageError(
            tr("{folder}: there is no such folder", folder=target.parent), hint=f"mkdir -p {target.parent}"
        )
    write_whole(target, page)
    if as_json:
        echo_json({"file": str(target), "size": len(page)})
    else:
        echo(tr("wrote {file}", file=target))
