"""Runs killed at random moments: the same command completes and no data are lost.

`make chaos` runs for longer. BUNDLE_CHAOS_KILLS sets the number of kills, BUNDLE_CHAOS_SEED repeats a run.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chaos import Chaos, Tally, make_bundles
from tests.support.engines import Site
from tests.support.programs import need_root, sites_folder

pytestmark = [pytest.mark.engine, pytest.mark.root]

KILLS = int(os.environ.get("BUNDLE_CHAOS_KILLS", "8"))
SEED = int(os.environ.get("BUNDLE_CHAOS_SEED") or "11")


@pytest.fixture
def tally(tmp_path: Path) -> Iterator[Tally]:
    need_root()
    bundles = make_bundles(tmp_path)
    with tempfile.TemporaryDirectory(prefix="bc-", dir=sites_folder(), ignore_cleanup_errors=True) as name:
        site = Site(Path(name) / "chaos")
        try:
            yield Tally(site.open(), bundles)
        finally:
            site.close()


@pytest.mark.timeout(0 if KILLS > 8 else 1200)
def test_killed_at_random_moments(tally: Tally) -> None:
    chaos = Chaos(tally, SEED)
    print(f"seed {SEED}")  # noqa: T201 pytest shows it when the test fails
    chaos.run(KILLS)
    print(f"{chaos.kills.total()} kills: {dict(chaos.kills)}")  # noqa: T201
    assert chaos.failures == [], "\n\n".join(chaos.failures)
    assert chaos.kills.total() >= KILLS
