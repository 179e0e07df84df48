"""`bundle report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bundler.cli.bundles import TRUST, TrustOptions
from bundler.cli.options import (
    COMMON,
    SHARED,
    JobOptions,
    add,
    make_jobs,
    make_plugins,
    make_reporter,
    profile_option,
)
from bundler.cli.pages import OUTPUT, deliver, read_bundle
from bundler.errors import UsageError
from bundler.language import language, tr

if TYPE_CHECKING:
    from bundler.report.model import Report


@click.command("report")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@profile_option("Show what a build of this profile would make, instead of a bundle.", required=False)
@OUTPUT
@add(TRUST)
@add(SHARED)
@add(COMMON)
def report_command(
    file: Path | None,
    output: Path | None,
    key_files: tuple[Path, ...],
    require: int,
    statements: tuple[Path, ...],
    allow_unsigned: bool,
    signer: str,
    **options: Any,  # noqa: ANN401 see build
) -> None:
    """Write one HTML page about the bundle FILE, or about a profile's plan, for all of its platforms.

    It shows images and sizes, services, networks, ports, volumes, values, hardening, requirements, software,
    provenance and signatures, in a browser or on paper. The page loads nothing and has no scripts. Without -o
    it is written beside FILE, for a plan into the working folder.

    FILE is verified before it is read. Without a key, the page says that its signatures were not verified.
    """
    trust = TrustOptions(key_files, require, statements, allow_unsigned, signer)
    chosen = JobOptions(**options)
    if (file is None) == (chosen.profile is None):
        raise UsageError(
            tr("give either a bundle or a profile"),
            hint=tr("`bundle report FILE` for a bundle, `bundle report -p NAME` for what a build would make"),
        )
    if file is None:
        reports = _plan(chosen)
        named = [f"-{each.platform.replace('/', '-')}" for each in reports if len(reports) == 1]
        beside = Path("".join((reports[0].profile, *named)))
    else:
        reporter = make_reporter(as_json=chosen.as_json, verbose=chosen.verbose)
        reports, beside = [read_bundle(file, trust, make_plugins(chosen.plugins_dir), reporter)], file
    from bundler.report.page import render_report

    page = render_report(reports, language())
    deliver(page, output, beside, inputs=[file] if file else [], as_json=chosen.as_json)


def _plan(chosen: JobOptions) -> list[Report]:
    """Return the report of the plan of each platform."""
    from bundler.build import pipeline
    from bundler.report.sources import of_plan

    jobs = make_jobs(chosen, locked=False)
    return [of_plan(plan, jobs[0].profile.profile.name) for plan in pipeline.plan(jobs)]
