"""Checks the probes of an application before they are written to `probes.tsv` and `probe-words.tsv`."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from bundler.api.application import LONGEST_PROBE, ApplicationModel, Probe
from bundler.api.compose import services
from bundler.errors import BundleError
from bundler.language import tr

MOST: Final = 20
"""Maximum number of probes: they run at the same time, each with its own client of Compose."""
_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")


def check_probes(application: ApplicationModel) -> None:
    """Refuse probes that cannot run at a site.

    Raises:
        BundleError: there are too many, two have the same id, or one names a service, file or variable that
            does not exist, has no command, or has a time limit that is too long.
    """
    probes = application.probes
    if len(probes) > MOST:
        raise BundleError(
            tr("{count} probes are too many", count=len(probes)),
            hint=tr("at most {most} are allowed: combine some of them", most=MOST),
        )
    ids = [probe.id for probe in probes]
    running = {service.name for service in services(application.compose) if service.expect != "completed"}
    files = {file.path for file in application.carried}
    variables = {variable.name for variable in application.variables}
    for index, probe in enumerate(probes):
        if _ID.fullmatch(probe.id) is None or probe.id in ids[:index]:
            raise BundleError(
                tr("probe {id!r}: not a valid id, or a duplicate", id=probe.id),
                hint=tr("lower-case letters, digits, `.`, `_` and `-`; each id must be unique"),
            )
        _check_names(probe, running, files, variables)
        if not probe.command or not all(probe.command):
            raise BundleError(
                tr("probe {id}: an empty command or argument", id=probe.id), hint=tr("set a program to run")
            )
        if not 1 <= probe.limit <= LONGEST_PROBE:
            raise BundleError(
                tr("probe {id}: {limit} s is not a valid time limit", id=probe.id, limit=probe.limit),
                hint=tr("1 to {longest_probe} seconds", longest_probe=LONGEST_PROBE),
            )


def _check_names(
    probe: Probe, running: Collection[str], files: Collection[str], variables: Collection[str]
) -> None:
    for what, name, known in (
        (tr("service that runs"), probe.service, running),
        (tr("carried file"), probe.script, files),
        (tr("site variable"), probe.when, variables),
    ):
        if name is not None and name not in known:
            raise BundleError(
                tr("probe {id}: {name!r} is not a {what}", id=probe.id, name=name, what=what),
                hint=tr("available: {names}", names=", ".join(sorted(known)) or tr("none")),
            )
