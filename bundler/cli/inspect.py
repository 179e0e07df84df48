"""`bundle inspect`."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.bundles import BUNDLE, describe, named_signers, naming, signers_json
from bundler.cli.mounts import mount_head, mount_rows
from bundler.cli.options import PLUGINS_DIR, add, make_plugins
from bundler.language import tr
from bundler.terminal.console import echo, echo_json
from bundler.terminal.progress import format_bytes, format_counts
from bundler.terminal.table import echo_table, pad

if TYPE_CHECKING:
    from bundler.bundle.manifest import BundleManifest, Packing


@click.command("inspect")
@BUNDLE
@click.option("--json", "as_json", is_flag=True, help="Print bundle.json and details of the bundle as JSON.")
@add(PLUGINS_DIR)
def inspect_command(file: Path, as_json: bool, plugins_dir: tuple[Path, ...]) -> None:
    """Show what FILE claims to contain. Reads only its beginning and verifies nothing."""
    from bundler.api.compose import EXPECTATIONS
    from bundler.trust.verify import inspect

    plugins = make_plugins(plugins_dir)
    with naming(file):
        found = inspect(file, plugins.format())
    manifest = found.manifest
    signers = named_signers(found.public_keys)
    if as_json:
        document = {
            "file": str(file),
            "size": file.stat().st_size,
            "signed": found.signed,
            **signers_json(signers),
            "files": found.files,
            "manifest": manifest.model_dump(mode="json"),
        }
        echo_json(document, indent=2)
        return
    description = describe(manifest, plugins)
    created = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(manifest.created))
    if found.signed:
        keys = ", ".join(key.fingerprint for key in signers)
        signed = tr.plural("yes, by the key {keys}", "yes, by the keys {keys}", len(signers), keys=keys)
    else:
        signed = tr("NO")
    facts = [
        (tr("application"), f"{manifest.title} {manifest.version}"),
        (tr("profile"), manifest.profile),
        (tr("platform"), manifest.platform),
        (tr("targets"), ", ".join(manifest.targets)),
        (tr("created"), created),
        (tr("size"), format_bytes(file.stat().st_size)),
        *(
            (tr("images") if number == 0 else "", line)
            for number, line in enumerate(_packing(manifest.packing))
        ),
        *description.lines,
        (tr("packages"), _packages(manifest)),
        (tr("files"), str(found.files)),
        (tr("signed"), tr("{signed} (not verified: use `bundle verify`)", signed=signed)),
    ]
    for name, value in facts:
        echo(f"{pad(name, 12)} {value}")
    images = [(i.tag, i.origin[:19], format_bytes(i.size)) for i in manifest.images]
    echo()
    echo_table((tr("image"), tr("digest"), tr("size")), images)
    services = [(s.name, s.tag, tr(EXPECTATIONS[s.expect])) for s in manifest.services]
    echo()
    echo_table((tr("service"), tr("image"), tr("expected to be")), services)
    _software(manifest)
    if manifest.mounts:
        echo()
        echo_table(mount_head(), mount_rows(manifest.mounts))
    for head, rows in description.tables:
        echo()
        echo_table(head, rows)


def _packages(manifest: BundleManifest) -> str:
    """Return how many packages the images have together: one that several images have counts in each."""
    if not manifest.software:
        return tr("not listed")
    counts = Counter[str]()
    for each in manifest.software:
        counts.update(each.packages)
    return format_counts(dict(sorted(counts.items()))) or tr("none found")


def _software(manifest: BundleManifest) -> None:
    """Print what is in each image, what could not be read there, and files about vulnerabilities."""
    if any(each.packages for each in manifest.software):
        echo()
        rows = [(each.tag, format_counts(each.packages)) for each in manifest.software]
        echo_table((tr("image"), tr("packages")), rows)
    gaps = [(each.tag, gap) for each in manifest.software for gap in each.gaps]
    if gaps:
        echo()
        echo_table((tr("image"), tr("not read")), gaps)
    if manifest.advisories:
        echo()
        files = [
            (each.path, each.kind, each.date or "-", format_counts(each.counts))
            for each in manifest.advisories
        ]
        echo_table((tr("file about vulnerabilities"), tr("kind"), tr("date"), tr("findings")), files)


def _packing(packing: Packing) -> list[str]:
    from bundler.build.images import COMPACT_SHARE, Compaction

    packed, kept = format_bytes(packing.packed_bytes), format_bytes(packing.kept_bytes)
    if packing.level is None or packing.window is None:
        return [
            tr(
                "{packed} as published; compact: about {kept_bytes}",
                packed=packed,
                kept_bytes=format_bytes(packing.kept_bytes * COMPACT_SHARE),
            )
        ]
    needs = Compaction(packing.level, packing.window).needs
    return [
        tr(
            "{packed}, compact (level {level}); as published: {kept}",
            packed=packed,
            level=packing.level,
            kept=kept,
        ),
        tr("the site requires {needs}", needs=needs),
    ]
