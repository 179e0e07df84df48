"""Checks the probes of a project's profile against the project."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bundler.api.application import ConfigFile, Probe
from bundler.api.compose import services
from bundler.bundle.names import show_path
from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.settings import ProbeSetting

SCRIPT_LIMIT: Final = 1024 * 1024
"""Maximum size of a script, in bytes."""


def bind_probes(
    given: Sequence[ProbeSetting], compose: Mapping[str, Any], variables: Collection[str]
) -> tuple[Probe, ...]:
    """Convert `settings: probes` to the API's `Probe`.

    Args:
        given: the probes of the profile.
        compose: the Compose document.
        variables: names of the site variables.

    Raises:
        BundleError: a probe names a variable that does not exist, or a service that does not exist or does
            not keep running.
    """
    running = {service.name for service in services(compose) if service.expect != "completed"}
    probes = []
    for probe in given:
        for key, name, known in (("service", probe.service, running), ("when", probe.when, set(variables))):
            if name is not None and name not in known:
                what = tr("service that runs") if key == "service" else tr("site variable")
                raise BundleError(
                    tr(
                        "settings: probes: {id}: {key}: {name!r} is not a {what}",
                        id=probe.id,
                        key=key,
                        name=name,
                        what=what,
                    ),
                    hint=tr("available: {names}", names=", ".join(sorted(known)) or tr("none")),
                )
        probes.append(
            Probe(
                id=probe.id,
                service=probe.service,
                command=probe.command,
                title=probe.title,
                remedy=probe.remedy,
                limit=probe.limit,
                script=probe.script and f"probes/{probe.id}",
                when=probe.when,
            )
        )
    return tuple(probes)


def probe_scripts(given: Sequence[ProbeSetting], folder: Path) -> Iterator[ConfigFile]:
    """Yield the files that probes read on standard input, each carried below `files/`.

    Raises:
        BundleError: a script is not a file of the project, or is larger than `SCRIPT_LIMIT`.
    """
    top = folder.resolve()
    for probe in given:
        if probe.script is None:
            continue
        path = (top / probe.script).resolve()
        if not path.is_relative_to(top) or not path.is_file() or path.stat().st_size > SCRIPT_LIMIT:
            raise BundleError(
                tr(
                    "settings: probes: {id}: script: {script} is not a file of at most 1 MiB in the "
                    "project's folder",
                    id=probe.id,
                    script=show_path(probe.script),
                ),
                hint=tr("put it in {folder} and use its path there", folder=folder),
            )
        yield ConfigFile(f"probes/{probe.id}", path)
