"""The script that the preflight runs in a container, in shells that images have."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.support.installer import SHELLS, call, shells
from tests.support.programs import SYSTEM_PATH, need_root

LATE = """ip link set lo up
"$@" & probe=$!
sleep 4
until python3 -c 'import socket; socket.create_connection(("127.0.0.1", 61616), 5)' 2>/dev/null
do sleep 0.2; done
wait $probe
"""
"""Runs the script in a network namespace; a client connects after all other parts of the script are done."""


@pytest.mark.parametrize("shell", shells())
def test_the_probe_waits_for_a_late_reply_up_to_its_limit(shell: str, tmp_path: Path) -> None:
    need_root()
    script = tmp_path / "probe"
    script.write_text(call(shell, "printf '%s' \"$PROBE_SCRIPT\"", tmp_path).stdout)
    started = time.monotonic()
    ran = subprocess.run(
        ["unshare", "--net", "sh", "-c", LATE, "sh", *SHELLS[shell], script],
        env={"PATH": SYSTEM_PATH},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    found = dict(line.partition("=")[::2] for line in ran.stdout.splitlines())
    assert found["listener"] == "python3", ran.stderr
    assert found["port"] == "ok", ran.stdout + ran.stderr
    assert found["processes"] == "64"
    assert list(found.items())[-1] == ("end", "ok")  # the container ends even if a listener remains
    assert time.monotonic() - started < 25  # a full wait takes 30 s
