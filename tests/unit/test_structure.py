"""Imports go downhill only: docs/architecture.md."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "bundler").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
LEVELS = ("cli", "commands", "pipeline", "stages")
"""From the top: a module of one level imports none of a level above it."""


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def level(module: str) -> int:
    part = module.split(".")[1] if "." in module else ""
    return LEVELS.index(part) if part in LEVELS else len(LEVELS)


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_core_imports_downhill_and_no_plugin(path: Path) -> None:
    own = level(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for name in imported(path):
        assert not name.startswith("bundler_"), f"{path} imports the plugin {name}"
        if name.startswith("bundler.") and path.stem != "completion":
            assert level(name) >= own, f"{path} imports {name}, which is above it"


@pytest.mark.parametrize("path", PLUGINS, ids=lambda p: str(p.relative_to(ROOT)))
def test_plugins_import_the_core_and_never_each_other(path: Path) -> None:
    package = path.relative_to(ROOT / "plugins").parts[0]
    for name in imported(path):
        top = name.partition(".")[0]
        assert not top.startswith("bundler_") or top == package, f"{path} imports {name}"
        assert not name.startswith(("bundler.cli", "bundler.commands", "bundler.pipeline"))


def test_the_core_is_small() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in CORE + PLUGINS}
    assert {p: n for p, n in lines.items() if n > 400} == {}
