"""`bundle plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bundler.cli.options import COMMON, PROFILE, SHARED, JobOptions, add, make_jobs
from bundler.language import tr
from bundler.terminal.console import echo, echo_json

if TYPE_CHECKING:
    from bundler.build.pipeline import Plan


@click.command("plan")
@PROFILE
@click.option("--locked", is_flag=True, help="Refuse every image that the lock file does not pin.")
@add(SHARED)
@add(COMMON)
def plan_command(locked: bool, **options: Any) -> None:  # noqa: ANN401 see build
    """Show what a build would do: images, digests, sizes, and what is cached. Writes nothing.

    With several platforms, one plan follows the other; with --json, each is one line.
    """
    from bundler.build import pipeline

    chosen = JobOptions(**options)
    plans = pipeline.plan(make_jobs(chosen, locked=locked))
    for number, found in enumerate(plans):
        if chosen.as_json:
            echo_json(_plan_json(found))
            continue
        if number:
            echo()
        _show_plan(found, for_platform=len(plans) > 1)


def _plan_json(found: Plan) -> dict[str, object]:
    from bundler.api.compose import services

    return {
        "application": found.application.name,
        "version": found.application.version,
        "platform": str(found.platform),
        "images": [
            {
                "reference": str(planned.image.reference),
                "digest": planned.image.digest,
                "source": planned.image.source,
                "size": planned.image.size,
                "cached": planned.cached,
            }
            for planned in found.images
        ],
        "mounts": [vars(mount) for mount in found.application.mounts],
        "services": [
            {"service": each.name, "expect": each.expect, "why": each.why or None, "replicas": each.replicas}
            for each in services(found.application.compose)
        ],
        "targets": {name: list(notes) for name, notes in found.notes.items()},
        "total": found.total,
        "missing": found.missing,
        **found.packer.data,
        "compression": "compact" if found.compaction else "keep",
        "compact": found.compact,
        "compact_known": found.compact_known,
    }


def _show_plan(found: Plan, *, for_platform: bool) -> None:
    from bundler.api.compose import services
    from bundler.cli.mounts import mount_head, mount_rows
    from bundler.terminal.progress import format_bytes
    from bundler.terminal.table import echo_table

    rows = [
        (
            planned.image.reference.familiar,
            planned.image.digest[:19],
            format_bytes(planned.image.size),
            format_bytes(planned.cached),
            planned.image.source,
        )
        for planned in found.images
    ]
    title = f"{found.application.title} {found.application.version}"
    echo(tr("{title} for {platform}", title=title, platform=found.platform) if for_platform else title)
    echo_table((tr("image"), tr("digest"), tr("size"), tr("cached"), tr("source")), rows)
    if found.application.mounts:
        echo()
        echo_table(mount_head(), mount_rows(found.application.mounts))
    compact = format_bytes(found.compact)
    if not found.compact_known:
        compact = tr("about {size}", size=compact)
    echo()
    jobs = [each for each in services(found.application.compose) if each.why]
    if jobs:
        says = {"completed": tr("must end with 0"), "started": tr("runs, or ends with 0")}
        echo_table(
            (tr("may end"), tr("expected"), tr("why")),
            [(each.name, says[each.expect], each.why) for each in jobs],
        )
        echo()
    _show_targets(found)
    for about, text in found.packer.lines:
        echo(tr("{about}: {text}", about=about, text=text))
    echo(tr("{missing} to fetch", missing=format_bytes(found.missing)))
    if found.compaction is None:
        echo(
            tr(
                "images in the bundle: {total} as published; compact: {compact}",
                total=format_bytes(found.total),
                compact=compact,
            )
        )
        return
    echo(
        tr(
            "images in the bundle: {compact}, compact; as published: {total}",
            compact=compact,
            total=format_bytes(found.total),
        )
    )
    echo(tr("the site requires {needs}", needs=found.compaction.needs))


def _show_targets(found: Plan) -> None:
    """Print the targets, and what is different with each."""
    echo(tr("targets: {targets}", targets=", ".join(found.notes)))
    for name, notes in found.notes.items():
        for note in notes:
            echo(f"  {name}: {note}")
