"""`bundle cache`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from bundler.cli.options import COMMON, add, make_store
from bundler.errors import UsageError
from bundler.language import tr
from bundler.store.blobs import Pruned, StoredBlob
from bundler.store.cache import CacheEntry
from bundler.terminal.console import echo, echo_json
from bundler.terminal.progress import format_bytes

AGE = {"h": 3600, "d": 86400, "w": 7 * 86400}


@click.command("cache")
@click.option(
    "--prune",
    is_flag=True,
    help="Remove all cached data, or with --unused-for only what was not used recently.",
)
@click.option(
    "--unused-for",
    metavar="AGE",
    help="With --prune: only what was not used for this long, for example 12h, 30d or 4w.",
)
@click.option("--check", is_flag=True, help="Verify the digest of every blob; remove damaged ones.")
@add(COMMON[1:3])
def cache_command(
    prune: bool,
    unused_for: str | None,
    check: bool,
    cache_dir: Path | None,
    as_json: bool,
) -> None:
    """Show the cache: blobs, and files that applications keep between builds; prune or check it."""
    store = make_store(cache_dir)
    if unused_for and not prune:
        raise UsageError(tr("--unused-for requires --prune"))
    pruned = Pruned([], {})
    if prune:
        pruned = store.prune(keep_seconds=_age(unused_for) if unused_for else 0)
    removed = pruned.blobs + (store.check() if check else [])
    blobs = list(store.entries())
    caches = {cache.name: list(cache.entries()) for cache in store.caches()}
    if as_json:
        result = {
            "root": str(store.root),
            "blobs": len(blobs),
            "size": _size(blobs),
            "removed": [blob.digest for blob in removed],
            "caches": {
                name: {
                    "entries": len(caches.get(name, [])),
                    "size": _size(caches.get(name, [])),
                    "removed": [entry.name for entry in pruned.made.get(name, [])],
                }
                for name in sorted({*caches, *pruned.made})
            },
        }
        echo_json(result)
        return
    if prune or check:
        echo(tr("removed {count} blobs, {size}", count=len(removed), size=format_bytes(_size(removed))))
    for name, entries in pruned.made.items():
        size = format_bytes(_size(entries))
        echo(tr("removed {count} entries of {name}, {size}", count=len(entries), name=name, size=size))
    size = format_bytes(_size(blobs))
    echo(tr("{root}: {count} blobs, {size}", root=store.root, count=len(blobs), size=size))
    for name, entries in caches.items():
        size = format_bytes(_size(entries))
        echo("  " + tr("{name}: {count} entries, {size}", name=name, count=len(entries), size=size))


def _size(kept: Sequence[StoredBlob | CacheEntry]) -> int:
    return sum(entry.size for entry in kept)


def _age(text: str) -> int:
    match = re.fullmatch(r"([0-9]+)([hdw])", text)
    if not match:
        raise UsageError(
            tr("--unused-for {text}: not a duration", text=text), hint=tr("for example 12h, 30d or 4w")
        )
    return int(match[1]) * AGE[match[2]]
