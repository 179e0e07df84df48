"""`bundle plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bundler.cli.options import COMMON, PROFILE, SHARED, JobOptions, add, make_jobs
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
        "total": found.total,
        "missing": found.missing,
        **found.packer.data,
        "compression": "compact" if found.compaction else "keep",
        "compact": found.compact,
        "compact_known": found.compact_known,
    }


def _show_plan(found: Plan, *, for_platform: bool) -> None:
    from bundler.api.compose import services
    from bundler.cli.mounts import HEAD, mount_rows
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
    echo(f"{title} for {found.platform}" if for_platform else title)
    echo_table(("image", "digest", "size", "cached", "source"), rows)
    if found.application.mounts:
        echo()
        echo_table(HEAD, mount_rows(found.application.mounts))
    compact = f"{'' if found.compact_known else 'about '}{format_bytes(found.compact)}"
    echo()
    jobs = [each for each in services(found.application.compose) if each.why]
    if jobs:
        says = {"completed": "must end with 0", "started": "runs, or ends with 0"}
        echo_table(
            ("may end", "expected", "why"), [(each.name, says[each.expect], each.why) for each in jobs]
        )
        echo()
    for about, text in found.packer.lines:
        echo(f"{about}: {text}")
    echo(f"{format_bytes(found.missing)} to fetch")
    if found.compaction is None:
        echo(f"images in the bundle: {format_bytes(found.total)} as published; compact: {compact}")
        return
    echo(f"images in the bundle: {compact}, compact; as published: {format_bytes(found.total)}")
    echo(f"the site requires {found.compaction.needs}")
