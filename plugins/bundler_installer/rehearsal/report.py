"""What a rehearsal tells: steps, services, data, and what was not rehearsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundler.api.compose import EXPECTATIONS
from bundler.api.rehearsal import Rehearsal, RehearsalStep
from bundler.language import tr
from bundler_installer.manifest import InstallerManifest
from bundler_installer.rehearsal.data import Comparison


@dataclass(frozen=True)
class Fault:
    """Why a rehearsal failed.

    Attributes:
        step: name of the step.
        reason: one sentence.
        service: at fault; None if none is known.
        log: last lines of that service.
        file: log of the engine and of all commands.
    """

    step: str
    reason: str
    service: str | None
    log: str
    file: Path


def make_report(
    manifest: InstallerManifest,
    steps: Sequence[RehearsalStep],
    notes: Mapping[str, Any],
    fault: Fault | None,
) -> Rehearsal:
    """Return the report about the steps and the notes that they left."""
    tables: list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = [
        (
            (tr("service"), tr("expected to be"), tr("after the installation"), tr("came up again")),
            tuple(_service_rows(manifest, notes)),
        )
    ]
    compared: list[Comparison] = notes.get("data", [])
    if compared:
        rows = tuple((each.name, str(each.files), str(each.compared), _unlike(each)) for each in compared)
        head = (tr("data"), tr("files"), tr("compared"), tr("after the restore"))
        tables.append((head, rows))
    missing: list[dict[str, str]] = notes.get("not_rehearsed", [])
    if missing:
        rows3 = tuple((each["what"], each["reason"]) for each in missing)
        tables.append(((tr("not rehearsed"), tr("why")), rows3))
    return Rehearsal(
        steps=tuple(steps),
        tables=tuple(table for table in tables if table[1]),
        lines=tuple(_lines(notes, fault)),
        data=_data(manifest, notes, fault),
    )


def _service_rows(manifest: InstallerManifest, notes: Mapping[str, Any]) -> list[tuple[str, ...]]:
    started, restarts = notes.get("started", {}), notes.get("restarts", {})
    if not started:
        return []
    return [
        (
            service.name,
            tr(EXPECTATIONS[service.expect]),
            started.get(service.name, "-"),
            tr("after {seconds:.1f} s", seconds=restarts[service.name]) if service.name in restarts else "-",
        )
        for service in manifest.services
    ]


def _unlike(found: Comparison) -> str:
    return (
        tr("not as before: {paths}", paths=", ".join(found.unlike[:3]))
        if found.unlike
        else tr("as before the backup")
    )


def _lines(notes: Mapping[str, Any], fault: Fault | None) -> list[str]:
    lines = []
    answers = notes.get("answers", {})
    if answers:
        shown = ", ".join(f"{name}={value}" for name, value in answers.items())
        lines.append(tr("generated answers: {answers}", answers=shown))
    outside = notes.get("outside", {})
    if outside.get("packets") or outside.get("names"):
        names = ", ".join(outside["names"][:5])
        lines.append(
            tr("services tried to reach the outside: {packets} packets", packets=outside["packets"])
            + (tr(", and asked for {names}", names=names) if names else "")
        )
    if fault is not None:
        if fault.service is not None and fault.log:
            lines += [
                tr("last lines of {service}:", service=fault.service),
                *(f"  {line}" for line in fault.log.splitlines()),
            ]
        lines.append(tr("log of the engine and of all commands: {file}", file=fault.file))
    return lines


def _data(manifest: InstallerManifest, notes: Mapping[str, Any], fault: Fault | None) -> dict[str, Any]:
    started, restarts = notes.get("started", {}), notes.get("restarts", {})
    compared: list[Comparison] = notes.get("data", [])
    return {
        "services": [
            {
                "service": service.name,
                "expect": service.expect,
                "state": started.get(service.name),
                "restart_seconds": restarts.get(service.name),
            }
            for service in manifest.services
        ],
        "backup": notes.get("backup"),
        "data": [
            {"name": each.name, "files": each.files, "compared": each.compared, "unlike": list(each.unlike)}
            for each in compared
        ],
        "uninstalled": notes.get("uninstalled"),
        "purged": notes.get("purged"),
        "answers": notes.get("answers", {}),
        "stand_ins": notes.get("stand_ins", []),
        "not_rehearsed": notes.get("not_rehearsed", []),
        "outside": notes.get("outside", {"packets": 0, "names": []}),
        "failure": None
        if fault is None
        else {
            "step": fault.step,
            "reason": fault.reason,
            "service": fault.service,
            "service_log": fault.log.splitlines(),
            "log": str(fault.file),
        },
    }
