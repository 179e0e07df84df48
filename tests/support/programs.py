"""What tests require of the machine: if it is missing, they skip, or fail where skips are forbidden."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

NO_SKIP = "BUNDLE_TESTS_NO_SKIP"
CACHE = Path(os.environ.get("BUNDLE_TEST_CACHE") or Path.home() / ".cache" / "bundle-tests")
"""Cache, between runs, of what is slow to make and always the same (images, a newer engine)."""
SITES = "BUNDLE_TESTS_SITES"
"""Variable with the folder of this run for engines and sites; what is in it when the run ends is removed."""
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/bin"


def sites_folder() -> str | None:
    """Return the folder for engines and sites of this run; None stands for that of temporary files."""
    return os.environ.get(SITES)


def missing(reason: str) -> None:
    """Skip with the reason, or fail if `BUNDLE_TESTS_NO_SKIP` is set."""
    if os.environ.get(NO_SKIP):
        pytest.fail(f"may not be skipped: {reason}")
    pytest.skip(reason)


def need_program(name: str, package: str | None = None) -> str:
    """Return the path of a program; skip if it is not installed."""
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        missing(f"needs {name} (apt-get install {package or name})")
    assert found
    return found


def need_module(name: str) -> None:
    """Skip if a Python package is not installed; `make` installs all packages that the tests need."""
    if importlib.util.find_spec(name) is None:
        missing(f"needs {name} (pip install --editable '.[dev]')")


def need_root() -> None:
    """Skip unless the tests run as root."""
    if os.geteuid() != 0:
        missing("needs root")


def need_forwarding() -> None:
    """Enable packet forwarding, as a real engine does when it starts; a stand-in has no network.

    Where an engine answers, preflight requires forwarding.
    """
    if FORWARDING.read_text().strip() == "1":
        return
    if os.geteuid() != 0:
        missing("needs packets forwarded, as where an engine runs (sysctl -w net.ipv4.ip_forward=1)")
    FORWARDING.write_text("1\n")


def free_port() -> int:
    """Return a free loopback port outside the range from which Linux assigns ports, also to other tests."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def run(*command: str | Path, **options: object) -> str:
    """Run a command and return its standard output.

    Raises:
        AssertionError: the command failed; the message includes its output.
    """
    result = subprocess.run(  # type: ignore[call-overload]
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    assert result.returncode == 0, f"{command}: {result.returncode}\n{result.stdout}\n{result.stderr}"
    return str(result.stdout)


@contextmanager
def cache_lock(name: str) -> Iterator[None]:
    """Let only one test at a time create an entry of the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
