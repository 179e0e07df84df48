"""Where the time of a test run went: by tier, and the files that took longest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

import pytest

LONGEST = 12
"""How many files are named."""


def spent(reports: Iterable[pytest.TestReport]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the seconds of set-up, test and clean-up, by folder of `tests/` and by file."""
    tiers: defaultdict[str, float] = defaultdict(float)
    files: defaultdict[str, float] = defaultdict(float)
    for report in reports:
        file = PurePosixPath(report.nodeid.partition("::")[0])
        tier = file.parts[1] if len(file.parts) > 2 else str(file)
        tiers[tier] += report.duration
        files[str(file)] += report.duration
    return tiers, files


def _most(seconds: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(seconds.items(), key=lambda item: -item[1])


def lines(reports: Iterable[pytest.TestReport], workers: int) -> list[str]:
    """Return what is shown. Seconds are those of `workers` processes that ran at the same time."""
    tiers, files = spent(reports)
    if not tiers:
        return []
    total = sum(tiers.values())
    shares = ", ".join(f"{tier} {seconds / total:.0%}" for tier, seconds in _most(tiers))
    return [
        f"{total:.0f} s of tests by {workers} at a time: {shares}",
        *(f"{seconds:7.0f} s  {file}" for file, seconds in _most(files)[:LONGEST]),
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show where the time went, before the summary of the tests."""
    reports = [
        report
        for outcome in ("passed", "failed", "skipped", "error", "")
        for report in terminalreporter.stats.get(outcome, [])
        if isinstance(report, pytest.TestReport)
    ]
    found = lines(reports, config.option.numprocesses or 1)
    if found and not config.option.collectonly:
        terminalreporter.section("where the time went")
        for line in found:
            terminalreporter.write_line(line)
