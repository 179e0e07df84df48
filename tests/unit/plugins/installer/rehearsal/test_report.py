"""What a rehearsal reports, for people and for machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bundler.api.rehearsal import RehearsalStep
from bundler.bundle.manifest import ServiceEntry
from bundler_installer.manifest import InstallerManifest
from bundler_installer.rehearsal.data import Comparison
from bundler_installer.rehearsal.report import Fault, make_report
from tests.support.rehearsed import manifest_with


@pytest.fixture
def manifest() -> InstallerManifest:
    services = (
        ServiceEntry(name="web", tag="w:1", expect="healthy"),
        ServiceEntry(name="job", tag="w:1", expect="completed"),
    )
    return manifest_with(services=services)


STEPS = (RehearsalStep("install", "passed", 1.25, "2 services"), RehearsalStep("restore", "failed", 2, "no"))


def notes() -> dict[str, Any]:
    return {
        "started": {"web": "running, healthy", "job": "exited with 0"},
        "restarts": {"web": 2.5},
        "backup": {"name": "b", "bytes": 5},
        "data": [Comparison("data/x", 3, 2, ("a", "b"))],
        "answers": {"PORT": "20000", "TOKEN": "***"},
        "not_rehearsed": [{"what": "cpu", "reason": "this machine has 2"}],
        "outside": {"packets": 4, "names": ["updates.example.org"]},
    }


def test_a_failure_is_shown_with_the_log_of_the_service(manifest: InstallerManifest) -> None:
    report = make_report(
        manifest, STEPS, notes(), Fault("restore", "no", "web", "first\nlast", Path("/x.log"))
    )
    assert report.failed == STEPS[1]
    assert "last lines of web:" in report.lines
    assert "  last" in report.lines
    assert report.lines[-1].endswith("/x.log")
    assert report.data["failure"]["service_log"] == ["first", "last"]


def test_tables(manifest: InstallerManifest) -> None:
    report = make_report(manifest, STEPS[:1], notes(), None)
    services, data, missing = (rows for _, rows in report.tables)
    assert services[0] == ("web", "healthy", "running, healthy", "after 2.5 s")
    assert services[1] == ("job", "completed", "exited with 0", "-")
    assert data == (("data/x", "3", "2", "not as before: a, b"),)
    assert missing == (("cpu", "this machine has 2"),)
    assert any("4 packets" in line and "updates.example.org" in line for line in report.lines)
    assert report.failed is None
    assert report.data["failure"] is None


def test_a_rehearsal_that_ended_early_has_no_empty_tables(manifest: InstallerManifest) -> None:
    report = make_report(manifest, STEPS, {}, None)
    assert report.tables == ()
    assert report.lines == ()
