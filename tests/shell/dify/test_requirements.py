"""Requirements of the three profiles in the site's preflight, on simulated servers.

Below the minimum a check fails, below the recommended value it warns.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import dify
from tests.support.fabricated import Server, preflight_file, results, run_preflight
from tests.support.preflight_worlds import cases, df, docker, write
from tests.support.profiles import installer_profile, load_profile

GIB, GB = 2**30, 10**9
TIERS: dict[str, dict[str, tuple[object, object, object]]] = {
    # profile: row -> values that fail, warn, pass; None where no value has that result
    "dev": {
        "cpu": (3, None, 4),
        "memory": (6 * GIB, None, 8 * GIB),
        "disk": (45 * GB, None, 60 * GB),
        "ssd": (None, None, "rotational"),
        "docker": ("19.03.15", "20.10.24", "24.0.7"),
        "compose": ("2.19.1", "2.20.3", "2.24.1"),
    },
    "standard": {
        "cpu": (3, 4, 8),
        "memory": (6 * GIB, 8 * GIB, 16 * GIB),
        "disk": (45 * GB, 60 * GB, 110 * GB),
        "ssd": (None, "rotational", "solid"),
        "docker": ("19.03.15", "20.10.24", "24.0.7"),
        "compose": ("2.19.1", "2.20.3", "2.24.1"),
    },
    "finance": {
        "cpu": (7, 8, 16),
        "memory": (12 * GIB, 16 * GIB, 32 * GIB),
        "disk": (90 * GB, 110 * GB, 510 * GB),
        "ssd": ("rotational", None, "solid"),
        "docker": ("19.03.15", "20.10.24", "24.0.7"),
        "compose": ("2.19.1", "2.20.3", "2.24.1"),
    },
}


@dataclass(frozen=True)
class Machine:
    """Machine with the values of one column of the table: 0 fails, 1 warns, 2 passes."""

    tiers: dict[str, tuple[object, object, object]]
    place: int

    def value(self, row: str) -> object:
        found = self.tiers[row][self.place]
        return self.tiers[row][2] if found is None else found

    def expected(self, row: str) -> str:
        return "pass" if self.tiers[row][self.place] is None else ("fail", "warn", "pass")[self.place]

    def build(self, folder: Path) -> Server:
        server = Server(folder)
        changes = (
            write("sys/devices/system/cpu/online", f"0-{int(str(self.value('cpu'))) - 1}\n"),
            write("proc/self/status", "Cpus_allowed_list:\t0-255\n"),
            write("proc/meminfo", f"MemTotal: {int(str(self.value('memory'))) // 1024} kB\n"),
            df(int(str(self.value("disk"))) // 1024),
            write("sys/class/block/sda1/queue/rotational", f"{int(self.value('ssd') == 'rotational')}\n"),
            docker(cases(str(self.value("docker")), str(self.value("compose")))),
        )
        for change in changes:
            change(server)
        return server


@pytest.mark.parametrize("place", [0, 1, 2], ids=["too small", "small", "recommended"])
@pytest.mark.parametrize("name", dify.NAMES)
def test_every_row_of_a_profile_is_enforced(name: str, place: int, tmp_path: Path) -> None:
    asked = {r.id: r for r in dify.profile_model(name).requirements}
    profile = installer_profile(load_profile(name, search=[dify.PROFILES]))
    asked |= {r.id: r for r in profile.requirements.to_requirements()}
    assert asked.keys() - {"ssd"} == TIERS[name].keys() - {"ssd"}
    rows = [
        [row, "site", getattr(asked.get(row), "minimum", None) or "-",
         getattr(asked.get(row), "recommended", None) or "-", "-"]
        for row in TIERS[name]
    ]  # fmt: skip
    machine = Machine(TIERS[name], place)
    file = preflight_file(tmp_path, rows)
    done = run_preflight(machine.build(tmp_path), file, "--json")
    found = results(done.stdout)
    assert {row: found[row][0].result for row in TIERS[name]} == {
        row: machine.expected(row) for row in TIERS[name]
    }
    assert done.returncode == (3 if place == 0 else 0)
