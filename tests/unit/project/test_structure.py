"""Sizes and places: no module or function is too long, and tests are in the folder of their subject."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "tests/unit"
MODULE_LIMIT = 400
FUNCTION_LIMIT = 60
SUBJECTS = {
    "bundler": [path.parent.name for path in (ROOT / "bundler").glob("*/__init__.py")],
    "plugins": [path.parent.name.removeprefix("bundler_") for path in ROOT.glob("plugins/*/__init__.py")],
}


def sources() -> list[Path]:
    return [path for folder in ("bundler", "plugins") for path in (ROOT / folder).rglob("*.py")]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and number of lines of each function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            yield node.name, node.end_lineno - node.lineno + 1


def test_modules_have_at_most_400_lines() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    assert len(lines) > 100
    assert {path: count for path, count in lines.items() if count > MODULE_LIMIT} == {}


def test_functions_have_at_most_60_lines() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}": count for path in sources() for name, count in functions(path)
    }
    assert len(found) > 1000
    assert {name: count for name, count in found.items() if count > FUNCTION_LIMIT} == {}


@pytest.mark.parametrize("half", SUBJECTS)
def test_folders_of_unit_tests_are_named_after_packages(half: str) -> None:
    folders = {path.parent.relative_to(UNIT / half).parts[0] for path in (UNIT / half).glob("*/**/test_*.py")}
    assert folders
    assert folders <= set(SUBJECTS[half])
    files = {path.stem.removeprefix("test_") for path in (UNIT / half).glob("test_*.py")}
    assert files <= {path.stem for path in (ROOT / half).glob("*.py")}


def test_unit_tests_run_none_of_the_installers_shell() -> None:
    """Tests that run the installer's shell belong to tests/shell, which runs all shells of possible sites."""
    runners = ("tests.support.installer", "tests.support.kiosk", "preflight_file")
    users = [
        str(path.relative_to(UNIT))
        for path in UNIT.rglob("*.py")
        for line in path.read_text().splitlines()
        if line.startswith(("from ", "import ")) and any(name in line for name in runners)
    ]
    assert users == []


def test_pytest_looks_into_every_folder_with_tests(pytestconfig: pytest.Config) -> None:
    """By default it passes over folders that are named `build`."""
    passed_over = pytestconfig.getini("norecursedirs")
    folders = {
        parent for file in (ROOT / "tests").rglob("test_*.py") for parent in file.relative_to(ROOT).parents
    }
    names = {folder.name for folder in folders if folder.name}
    assert "build" in names
    assert [name for name in names if any(fnmatch(name, pattern) for pattern in passed_over)] == []
