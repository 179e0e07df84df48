"""The end of a test run says where its time went."""

from __future__ import annotations

import pytest

from tests.support.time_spent import LONGEST, lines, spent


def report(nodeid: str, when: str, duration: float) -> pytest.TestReport:
    return pytest.TestReport(nodeid, ("", 0, ""), {}, "passed", None, when, duration=duration)  # type: ignore[arg-type]


REPORTS = [
    report("tests/unit/a/test_x.py::test_1", "setup", 1.0),
    report("tests/unit/a/test_x.py::test_1", "call", 2.0),
    report("tests/unit/b/test_y.py::test_2[a::b]", "call", 4.0),
    report("tests/e2e/test_z.py::test_3", "call", 13.0),
]


def test_seconds_are_added_by_tier_and_by_file() -> None:
    tiers, files = spent(REPORTS)
    assert tiers == {"unit": 7.0, "e2e": 13.0}
    assert files == {
        "tests/unit/a/test_x.py": 3.0,
        "tests/unit/b/test_y.py": 4.0,
        "tests/e2e/test_z.py": 13.0,
    }


def test_the_longest_come_first() -> None:
    head, *files = lines(REPORTS, 4)
    assert head == "20 s of tests by 4 at a time: e2e 65%, unit 35%"
    assert files == [
        "     13 s  tests/e2e/test_z.py",
        "      4 s  tests/unit/b/test_y.py",
        "      3 s  tests/unit/a/test_x.py",
    ]
    many = [report(f"tests/unit/test_{n}.py::t", "call", 1.0) for n in range(LONGEST + 3)]
    assert len(lines(many, 1)) == 1 + LONGEST
    assert lines([], 1) == []
