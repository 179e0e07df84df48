"""`bundle diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.bundles import TRUST, TrustOptions
from bundler.cli.options import COMMON, add, make_plugins, make_reporter
from bundler.cli.pages import OUTPUT, deliver, read_bundle
from bundler.language import language
from bundler.terminal.console import echo, echo_json
from bundler.terminal.progress import format_bytes
from bundler.terminal.table import echo_table

if TYPE_CHECKING:
    from bundler.report.difference import Difference
    from bundler.report.model import Report


@click.command("diff")
@click.argument("old", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@OUTPUT
@add(TRUST)
@add(COMMON)
def diff_command(
    old: Path,
    new: Path,
    output: Path | None,
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
    """Show what changes from the bundle OLD to the bundle NEW.

    Images and their packages, services, values of the site, ports, volumes, hardening and requirements are
    compared, and the image data is counted that a site with OLD does not have yet. With -o, one HTML page is
    written instead.

    Both are verified before they are read. Without a key, their signatures are not, and a warning says so.
    """
    from bundler.report.difference import Difference
    from bundler.report.page import render_difference

    trust = TrustOptions(key_files, require, statements, allow_unsigned, signer)
    reporter, plugins = make_reporter(as_json=as_json, verbose=verbose), make_plugins(plugins_dir)
    found = Difference(*(read_bundle(file, trust, plugins, reporter) for file in (old, new)))
    if output is not None:
        page = render_difference(found, language())
        deliver(page, output, new, inputs=[old, new], as_json=as_json)
    elif as_json:
        echo_json(_to_json(found), indent=2)
    else:
        _show(found)


def _to_json(found: Difference) -> dict[str, object]:
    from bundler.report.catalogue import load_words
    from bundler.report.difference import find_changes

    return {
        "old": _bundle(found.old),
        "new": _bundle(found.new),
        "comparable": found.comparable,
        "packages_incomplete": list(found.unlisted),
        "new_bytes": found.new_bytes,
        "known_bytes": found.known_bytes,
        "images": [
            {"image": each.image.name, "new_bytes": each.bytes, "new_layers": each.layers}
            for each in found.images
        ],
        "changes": [vars(each) for each in find_changes(found, load_words("en"))],
    }


def _bundle(report: Report) -> dict[str, object]:
    return {
        "file": report.file,
        "name": report.name,
        "version": report.version,
        "profile": report.profile,
        "platform": report.platform,
        "size": report.size,
        "signers": list(report.checked.signers) if report.checked else [],
    }


def _show(found: Difference) -> None:
    from bundler.report.catalogue import load_words
    from bundler.report.difference import find_changes

    w = load_words(language())
    changes = find_changes(found, w)
    old, new = found.old, found.new
    echo(f"{new.title}: {old.version} ({old.platform}) -> {new.version} ({new.platform})")
    echo(w["new_bytes"].format(new=format_bytes(found.new_bytes), known=format_bytes(found.known_bytes)))
    if not found.comparable:
        echo(w["not_comparable"])
    if found.unlisted:
        echo(w["not_compared"].format(names=", ".join(found.unlisted)))
    if not changes:
        echo(w["changes_none"])
        return
    echo()
    rows = [(w[each.what], each.name, w[each.kind], each.old, each.new) for each in changes]
    echo_table((w["what"], w["name"], w["change"], w["old"], w["new"]), rows)
