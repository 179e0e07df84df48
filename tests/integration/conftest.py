"""Servers made of files, made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.programs import need_forwarding
from tests.support.server import Snapshots, make_bundles

WORKERS = 2
"""Servers that are worked on at once."""


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Version -> unpacked bundle."""
    need_forwarding()
    return make_bundles(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def snapshots(bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Snapshots]:
    """One set for each worker: an installation names its folder, so a copy works at its place only."""
    found = [Snapshots(tmp_path_factory.mktemp("servers"), bundles) for _ in range(WORKERS)]
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(Snapshots.fill, found))
    return found
