"""Runs a rehearsal: server, bundle, steps, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bundler.api.rehearsal import Rehearsal, RehearsalOptions, RehearsalStep
from bundler.errors import BundleError, UsageError
from bundler.language import tr, tr_later
from bundler_installer.manifest import InstallerManifest
from bundler_installer.rehearsal.answers import Answers, make_answers
from bundler_installer.rehearsal.engine import PLACE, Server, carry_plugins, open_server
from bundler_installer.rehearsal.machine import UnrehearsableError, check_bundle, check_machine
from bundler_installer.rehearsal.records import read_records, remove_left
from bundler_installer.rehearsal.report import Fault, make_report
from bundler_installer.rehearsal.site import Site, StepFailure
from bundler_installer.rehearsal.steps import STEPS, service_log, unpack


def rehearse(bundle: Path, manifest: InstallerManifest, options: RehearsalOptions) -> Rehearsal:
    """Rehearse a bundle: see `bundler.api.rehearsal.Rehearser`."""
    check_machine()
    check_bundle(manifest, bundle.stat().st_size, options.scratch)
    begun = time.monotonic()
    with open_server(options) as server:
        carry_plugins(server)
        first = RehearsalStep(tr_later("engine"), "passed", time.monotonic() - begun, _version(server))
        return _use(server, bundle, manifest, options, first)


def _use(
    server: Server, bundle: Path, manifest: InstallerManifest, options: RehearsalOptions, first: RehearsalStep
) -> Rehearsal:
    site = Site(server, manifest, Answers({}, {}, frozenset(), ()), _trust(server, options))
    site.notes["not_rehearsed"] = _never(manifest)
    runner = _Runner(site, options)
    runner.steps.append(first)

    def prepare(site: Site) -> str:
        unpack(site, bundle)
        site.answers = make_answers(site.bundle, options.answers)
        site.notes["answers"] = site.answers.shown()
        return tr(
            "{made} answers generated, {given} given",
            made=len(site.answers.made),
            given=len(site.answers.given),
        )

    runner.run(tr_later("unpack"), prepare)
    for step in STEPS:
        if not (step.ends and options.keep):
            runner.run(step.name, step.run)
    site.notes["outside"] = {"packets": server.outward(), "names": site.outside_names()}
    report = make_report(manifest, runner.steps, site.notes, runner.fault)
    if options.keep:
        server.keep(options.records)
    elif runner.fault is None:
        server.log.unlink()
    return _with_hint(report, server) if options.keep else report


class _Runner:
    """Runs steps until one fails.

    Attributes:
        steps: what came of them.
        fault: why one failed; None so far.
    """

    def __init__(self, site: Site, options: RehearsalOptions) -> None:
        self.steps: list[RehearsalStep] = []
        self.fault: Fault | None = None
        self._site = site
        self._options = options

    def run(self, name: str, step: Callable[[Site], str]) -> None:
        """Run a step, unless an earlier one failed."""
        if self.fault is not None:
            return
        begun = time.monotonic()
        try:
            with self._options.reporter.step(tr(name)):
                said = step(self._site)
        except (UnrehearsableError, UsageError):
            raise
        except BundleError as error:
            self._fail(name, begun, StepFailure(error.message))
        except StepFailure as failure:
            self._fail(name, begun, failure)
        else:
            self.steps.append(RehearsalStep(name, "passed", time.monotonic() - begun, said))

    def _fail(self, name: str, begun: float, failure: StepFailure) -> None:
        log = service_log(self._site, failure)
        reason = failure.reason
        if self._site.server.outward():
            reason += tr("; services tried to reach the outside")
        self.fault = Fault(name, reason, failure.service, log, self._site.server.log)
        self.steps.append(RehearsalStep(name, "failed", time.monotonic() - begun, reason))


def end_rehearsals(records: Path) -> list[str]:
    """Remove kept sites and what killed rehearsals left: see `bundler.api.rehearsal.Rehearser`."""
    removed = [
        tr("removed {id}, {scratch}", id=record.id, scratch=record.scratch)
        for record in remove_left(records, kept=True)
    ]
    busy = {record.id for record in read_records(records)}
    for path in sorted(records.glob("bundle-rehearsal-*.log")):
        if path.stem not in busy:
            path.unlink()
            removed.append(tr("removed {path}", path=path))
    return removed + [tr("still at work: {name}", name=name) for name in sorted(busy)]


def _trust(server: Server, options: RehearsalOptions) -> tuple[str, ...]:
    """Put the public keys at the site; return the options of the installer about them."""
    if not options.keys:
        return ("--allow-unsigned",)
    words: list[str] = []
    for number, key in enumerate(options.keys):
        (server.folder / f"key-{number}.pub").write_bytes(key)
        words += ["--key", f"{PLACE}/key-{number}.pub"]
    return tuple(words)


def _never(manifest: InstallerManifest) -> list[Mapping[str, str]]:
    """Return what no rehearsal of this bundle shows."""
    if manifest.engine is None:
        return []
    return [
        {
            "what": tr("the engine in the bundle"),
            "reason": tr("this machine's Docker is used; `install --install-engine` is not run"),
        }
    ]


def _version(server: Server) -> str:
    engine = server.docker("version", "--format", "{{.Server.Version}}").strip()
    compose = server.docker("compose", "version", "--short").strip()
    return tr("Docker {engine}, Compose {compose}; no route to the outside", engine=engine, compose=compose)


def _with_hint(report: Rehearsal, server: Server) -> Rehearsal:
    shell = " ".join([*server.enter(), "env", f"PATH={server.environment['PATH']}", "sh"])
    lines = (tr("the site is kept; a shell there:"), f"  {shell}", tr("its end: bundle rehearse --clean"))
    return Rehearsal(report.steps, report.tables, (*report.lines, *lines), {**report.data, "shell": shell})
