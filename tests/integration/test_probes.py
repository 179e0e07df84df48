"""An installation whose probe fails has failed, even if its services are healthy."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.integration.test_hostile_bundles import append, sign_again
from tests.support.installer import SHELLS
from tests.support.kiosk import Host

PROBE = "till\tweb\t2\t-\t-\tThe till opens\t钱箱可打开\tLook at its drawer\t请检查抽屉\n"


def control(host: Host, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SHELLS[host.shell], host.root / "kioskctl", *words],
        env=host.variables(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def shorten(path: Path) -> None:
    """Disable retries: the default of a minute is too long for a test."""
    text = path.read_text()
    assert text.count("\nPROBE_PATIENCE=60 ") == 1
    path.write_text(text.replace("\nPROBE_PATIENCE=60 ", "\nPROBE_PATIENCE=0 "))


def test_a_probe_that_fails(host: Host) -> None:
    shorten(host.unpacked / "install")
    append(host.unpacked / "probes.tsv", PROBE)
    append(host.unpacked / "probe-words.tsv", "till\topen\ntill\t--all of it\n")
    sign_again(host)
    host.steer("exec-fails", "the drawer jams\n")

    failed = host.install()
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "Probe till failed: The till opens: the drawer jams" in failed.stderr
    assert "Look at its drawer" in failed.stderr
    assert "--accept probe-NAME" in failed.stderr
    assert "\tfailed\tstart" in (host.root / "state/journal").read_text()
    assert " exec -T web open --all of it\n" in host.calls()

    assert host.install("--accept", "probe-till").returncode == 0
    assert "\taccepted\tprobe-till" in (host.root / "state/journal").read_text()
    status = control(host, "status", "--json")
    assert status.returncode == 1
    (found,) = json.loads(status.stdout)["probes"]
    assert (found["id"], found["result"], found["said"]) == ("till", "failed", "the drawer jams")
    for command in ("start", "restart"):
        assert control(host, command).returncode == 1

    Path(f"{host.docker}.exec-fails").unlink()
    assert control(host, "restart").returncode == 0
    shown = control(host, "status", "--lang", "zh")
    assert (shown.returncode, "✓ 钱箱可打开: 正常" in shown.stdout) == (0, True)


def test_a_release_of_an_older_builder_has_none(host: Host) -> None:
    for name in ("probes.tsv", "probe-words.tsv"):
        (host.unpacked / name).unlink()
    sign_again(host)
    assert host.install().returncode == 0
    status = control(host, "status", "--json")
    assert (status.returncode, json.loads(status.stdout)["probes"]) == (0, [])
    assert " exec " not in host.calls()
