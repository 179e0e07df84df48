"""What a project's profile says of probes, checked against the project."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bundler.api.application import ConfigFile, Probe
from bundler.api.compose import services
from bundler.bundle.names import show_path
from bundler.errors import BundleError
from bundler_compose.settings import ProbeSetting

SCRIPT_LIMIT: Final = 1024 * 1024
"""Bytes of a script."""


def bind_probes(
    given: Sequence[ProbeSetting], compose: Mapping[str, Any], variables: Collection[str]
) -> tuple[Probe, ...]:
    """The contract's form of `settings: probes`.

    Args:
        given: as the profile has them.
        compose: the Compose document.
        variables: names of the site variables.

    Raises:
        BundleError: one names a service that is not there or does not run, or a variable that is not there.
    """
    running = {service.name for service in services(compose) if service.expect != "completed"}
    probes = []
    for probe in given:
        for key, name, known in (("service", probe.service, running), ("when", probe.when, set(variables))):
            if name is not None and name not in known:
                what = "service that runs" if key == "service" else "site variable"
                raise BundleError(
                    f"settings: probes: {probe.id}: {key}: {name!r} is not a {what}",
                    hint=f"available: {', '.join(sorted(known)) or 'none'}",
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
    """Files that probes read on standard input, each carried below `files/`.

    Raises:
        BundleError: one is no small file of the project.
    """
    top = folder.resolve()
    for probe in given:
        if probe.script is None:
            continue
        path = (top / probe.script).resolve()
        if not path.is_relative_to(top) or not path.is_file() or path.stat().st_size > SCRIPT_LIMIT:
            raise BundleError(
                f"settings: probes: {probe.id}: script: {show_path(probe.script)} is not a file of at most "
                "1 MiB in the project's folder",
                hint=f"put it in {folder} and use its path there",
            )
        yield ConfigFile(f"probes/{probe.id}", path)
