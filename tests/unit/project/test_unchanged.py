"""What the tests leave on a machine is said, and removed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.support.unchanged import RUN, changes, machine, sweep


def test_what_is_new_or_gone_is_said_by_kind() -> None:
    before = {"links": frozenset({"lo UP", "docker0 UP"}), "routes": frozenset({"default via 192.0.2.1"})}
    after = {"links": frozenset({"lo UP", "veth1 UP"}), "routes": frozenset({"default via 192.0.2.1"})}
    assert changes(before, after) == ["links: + veth1 UP", "links: - docker0 UP"]
    assert changes(after, after) == []


def test_a_machine_has_links_and_mounts() -> None:
    found = machine()
    assert "lo UP" in found["links"]
    assert any(line.startswith("/proc ") for line in found["mounts"])


def test_processes_of_a_run_are_ended_and_its_folder_is_removed(tmp_path: Path) -> None:
    sites = tmp_path / "sites"
    (sites / "old").mkdir(parents=True)
    by_name = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", f"{sites}/old"])
    by_run = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], env={RUN: "of-this-test"}
    )
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={RUN: "of-another"})
    try:
        time.sleep(0.5)  # until both run their own program
        began = time.monotonic()
        # they are children of this process, and stay as zombies until it asks for them: those do not count
        sweep("of-this-test", sites, machine())
        assert time.monotonic() - began < 20
        assert by_name.wait(5) < 0
        assert by_run.wait(5) < 0
        assert other.poll() is None
        assert not sites.exists()
    finally:
        for process in (by_name, by_run, other):
            process.kill()
            process.wait()
