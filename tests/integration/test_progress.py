"""A long step shows how far it is, on a terminal, and with --json for programs."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from tests.support.kiosk import Host, Kiosk, build_kiosk
from tests.support.screens import DRAWN, Screen

NOISE = random.Random(0).randbytes(24_000_000)  # noqa: S311 bytes that cannot be compressed
"""A layer that takes three seconds to load at the pace of `PACE`."""
PACE = "0.2"


@pytest.fixture(scope="module")
def large_kiosk(tmp_path_factory: pytest.TempPathFactory) -> Kiosk:
    return build_kiosk(tmp_path_factory.mktemp("kiosk"), more=NOISE)


@pytest.fixture
def slow_host(large_kiosk: Kiosk, tmp_path: Path) -> Host:
    """A server whose engine loads images slowly."""
    return Host("dash", tmp_path, large_kiosk.unpack(tmp_path), large_kiosk.key)


def test_an_installation_on_a_terminal(slow_host: Host) -> None:
    screen = Screen(slow_host, "en", 80)
    screen.prepare()
    slow_host.steer("load-pace", PACE)
    options = ("--root", slow_host.root, "--key", slow_host.key, "--yes", "--set", "GREETING=hello")
    code, shown = screen.run("install", *options)
    assert code == 0, shown
    drawn = [line for line in DRAWN.findall(shown) if "Loading" in line]
    line = re.compile(r"\rLoading images: \d+\.\d MB of 24\.\d MB, \d+\.\d [kM]B/s, \d+ s left\x1b\[K")
    assert len(drawn) >= 2, shown
    assert all(line.fullmatch(one) for one in drawn), drawn
    _, _, after = shown.rpartition(drawn[-1])
    assert after.startswith("\r\x1b[K")
    assert "\r" not in DRAWN.sub("", shown)
    assert "Loading 2 images, 24." in DRAWN.sub("", shown)


def test_events_of_an_installation(slow_host: Host) -> None:
    slow_host.prepare()
    slow_host.steer("load-pace", PACE)
    done = slow_host.install("--json")
    assert done.returncode == 0, done.stderr
    assert {"result", "checks"} <= json.loads(done.stdout).keys()
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    loading = [event for event in events if event["step"] == "load"]
    assert [event["event"] for event in loading] == ["progress"] * len(loading)
    passed = [event["bytes"] for event in loading]
    assert passed == sorted(set(passed))
    assert passed
    (total,) = {event["total"] for event in loading}
    assert 24_000_000 < total < 24_100_000
    assert all(event["rate"] > 0 and event["left"] > 0 for event in loading if event["bytes"] < total), (
        loading
    )
