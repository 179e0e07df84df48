"""`bundle cache`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from bundler.cli.options import COMMON, add, make_store
from bundler.errors import UsageError
from bundler.terminal.console import echo, echo_json
from bundler.terminal.progress import format_bytes

AGE = {"h": 3600, "d": 86400, "w": 7 * 86400}


@click.command("cache")
@click.option("--prune", is_flag=True, help="Remove blobs; all of them, or those that --unused-for names.")
@click.option("--unused-for", metavar="AGE", help="With --prune: only blobs unused for e.g. 12h, 30d, 4w.")
@click.option("--check", is_flag=True, help="Hash every blob again; remove damaged ones.")
@add(COMMON[1:3])
def cache_command(
    prune: bool,
    unused_for: str | None,
    check: bool,
    cache_dir: Path | None,
    as_json: bool,
) -> None:
    """Show the blobs that are kept between builds; prune or check them."""
    store = make_store(cache_dir)
    removed = []
    if unused_for and not prune:
        raise UsageError("--unused-for goes with --prune")
    if prune:
        removed = store.prune(keep_seconds=_age(unused_for) if unused_for else 0)
    if check:
        removed += store.check()
    blobs = list(store.entries())
    size, gone = sum(b.size for b in blobs), sum(b.size for b in removed)
    if as_json:
        result = {
            "root": str(store.root),
            "blobs": len(blobs),
            "size": size,
            "removed": [blob.digest for blob in removed],
        }
        echo_json(result)
        return
    if prune or check:
        echo(f"removed {len(removed)} blobs, {format_bytes(gone)}")
    echo(f"{store.root}: {len(blobs)} blobs, {format_bytes(size)}")


def _age(text: str) -> int:
    match = re.fullmatch(r"([0-9]+)([hdw])", text)
    if not match:
        raise UsageError(f"--unused-for {text}: not an age", hint="for example 12h, 30d or 4w")
    return int(match[1]) * AGE[match[2]]
