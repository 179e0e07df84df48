"""Fixtures: simulated servers, built once per session."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.programs import need_forwarding
from tests.support.server import Snapshots, make_bundles

WORKERS = 2
"""Number of servers that tests use in parallel."""


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the unpacked bundles by version."""
    need_forwarding()
    return make_bundles(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def snapshots(bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Snapshots]:
    """Return one set of snapshots per worker: an installation contains its own path and cannot be moved."""
    found = [Snapshots(tmp_path_factory.mktemp("servers"), bundles) for _ in range(WORKERS)]
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(Snapshots.fill, found))
    return found
