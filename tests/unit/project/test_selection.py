"""`make test` leaves out what takes long; everything that is named there exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import selection
from tests.support.programs import NO_SKIP

ROOT = Path(__file__).parents[3]


def test_what_is_named_exists() -> None:
    for beginning in selection.LONG:
        assert (ROOT / beginning).exists(), beginning
    for name in (*selection.SITE_FILES, *selection.BANK_FILES):
        assert (ROOT / f"tests/e2e/test_{name}.py").exists(), name
    for beginning in selection.HALVED:
        assert (ROOT / beginning).is_file(), beginning
    for name in selection.SERVER_FILES:
        assert (ROOT / f"tests/integration/test_{name}.py").exists(), name
    for name in selection.QUICK_PROJECTS:
        assert (ROOT / "tests/projects" / name.strip("[]")).is_dir(), name


def test_one_variant_of_each_test_is_left() -> None:
    tests = [
        f"tests/shell/x/test_y.py::test_{n}[{shell}]"
        for n in range(9)
        for shell in ("dash", "bash", "busybox")
    ]
    others = selection.other_variants([*tests, "tests/unit/a/test_b.py::test_c[dash]"])
    left = [test for test in tests if test not in others]
    assert len(left) == 9
    assert {test.partition("[")[0] for test in left} == {test.partition("[")[0] for test in tests}
    assert len({test.partition("[")[2] for test in left}) > 1, "the name decides: not always the first"


def test_half_of_many_cases_is_left() -> None:
    many = [f"tests/shell/preflight/test_checks.py::test_many[{n}]" for n in range(9)]
    few = [f"tests/shell/preflight/test_checks.py::test_few[{n}]" for n in range(selection.FEW)]
    other = [f"tests/shell/x/test_y.py::test_other[{n}]" for n in range(9)]
    others = selection.other_cases([*many, *few, *other])
    assert others < {*many}
    assert len(others) == 4
    assert others == selection.other_cases([*reversed(many), *few, *other])


def test_long_tests_are_left_out_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert selection.is_long("tests/e2e/test_projects.py::test_project[mail]")
    assert not selection.is_long("tests/e2e/test_projects.py::test_project[shop]")
    assert not selection.is_long("tests/unit/bundler/test_errors.py::test_x")
    for name in (NO_SKIP, selection.ALL, selection.ALL_VARIANTS):
        monkeypatch.delenv(name, raising=False)
    assert not selection.is_thorough()
    monkeypatch.setenv(selection.ALL, "1")
    assert selection.is_thorough()
