"""Fuzz one target for a given time: `python -m tests.fuzz.driver tar_heads --seconds 60`.

Inputs that make a reader crash, hang, use over 150 MB or accept a forgery are kept in
tests/fuzz/corpus/<target>/ and tried first in the next run. Each module in tests/fuzz/targets/ is a target.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final, Protocol, cast

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bundler.errors import BundleError
from tests.fuzz.mutations import Random

HERE: Final = Path(__file__).resolve().parent
CORPUS: Final = HERE / "corpus"
TARGETS: Final = tuple(sorted(path.stem for path in (HERE / "targets").glob("[a-z]*.py")))
MEMORY: Final = 150_000_000
"""Limit on the peak memory of the whole process, in bytes."""
PATIENCE: Final = 20
"""Time limit for one input, in seconds."""
ROUND: Final = 50
"""Number of inputs that hypothesis generates per seed."""


class Target(Protocol):
    """Interface of the modules in tests/fuzz/targets."""

    make: Callable[[Random], bytes]
    """Generates an input; the argument is the only source of randomness."""
    check: Callable[[bytes, Path], bool]
    """Tries an input, with a folder for its files. False or a BundleError means that the input is refused."""


class HangError(BaseException):
    """An input exceeds the time limit. Not an `Exception`, so that the code under test cannot catch it."""


class FoundError(Exception):
    """An input violates a limit."""


@dataclass
class Fuzzer:
    """One target and its findings.

    Attributes:
        name: name of the target.
        folder: folder for the target's files.
        keep: folder in which inputs that cause a finding are kept.
        findings: file of the input -> what it caused.
    """

    name: str
    folder: Path
    keep: Path
    runs: int = 0
    taken: int = 0
    peak: int = 0
    findings: dict[str, str] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    @property
    def target(self) -> Target:
        """Return the target's module."""
        return cast("Target", importlib.import_module(f"tests.fuzz.targets.{self.name}"))

    def replay(self) -> None:
        """Try the kept inputs."""
        for path in sorted((CORPUS / self.name).glob("*")):
            self.try_one(path.read_bytes())

    def explore(self, seconds: float, first_seed: int) -> None:
        """Generate inputs until the time is up, for at least one round."""
        target, deadline, number = self.target, time.monotonic() + seconds, first_seed
        while number == first_seed or time.monotonic() < deadline:

            @seed(number)
            @settings(
                max_examples=ROUND,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(st.randoms(use_true_random=False).map(target.make))
            def one(data: bytes) -> None:
                if time.monotonic() < deadline:
                    self.try_one(data)

            one()
            number += 1

    def try_one(self, data: bytes) -> None:
        """Try one input, and keep it if it causes a finding."""
        self.runs += 1
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak of memory
        signal.alarm(PATIENCE)
        try:
            self.taken += self._check(data)
        except (Exception, HangError) as error:  # noqa: BLE001 any exception is a finding
            self._keep(data, error)
        finally:
            signal.alarm(0)
        peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
        self.peak = max(self.peak, peak)
        if peak > MEMORY:
            self._keep(data, FoundError(f"{peak >> 20} MiB of memory"))

    def _check(self, data: bytes) -> bool:
        try:
            return self.target.check(data, self.folder)
        except BundleError as error:
            f"{error.message}{error.hint}".encode()  # the message must be encodable
            return False

    def _keep(self, data: bytes, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
        key = f"{type(error).__name__} {where}"
        if key in self._seen:
            return
        self._seen.add(key)
        self.keep.mkdir(parents=True, exist_ok=True)
        path = self.keep / hashlib.sha256(data).hexdigest()[:16]
        path.write_bytes(data)
        self.findings[str(path)] = f"{type(error).__name__}: {ascii(str(error))[:300]} ({where})"


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise HangError(f"over {PATIENCE} s")


def main() -> int:
    """Fuzz one target; return 1 if something was found."""
    parser = argparse.ArgumentParser(prog="tests.fuzz.driver", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000_000)
    parser.add_argument("--keep", type=Path, help="where findings are kept; the corpus by default")
    chosen = parser.parse_args()
    signal.signal(signal.SIGALRM, _hang)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        fuzzer = Fuzzer(chosen.target, Path(folder), chosen.keep or CORPUS / chosen.target)
        fuzzer.replay()
        fuzzer.explore(chosen.seconds, chosen.seed)
    report = {
        "target": fuzzer.name,
        "seed": chosen.seed,
        "runs": fuzzer.runs,
        "taken": fuzzer.taken,
        "peak_mb": fuzzer.peak // 1_000_000,
        "findings": fuzzer.findings,
    }
    json.dump(report, sys.stdout, indent=2)
    print()  # noqa: T201 the report's last newline
    return 1 if fuzzer.findings else 0


if __name__ == "__main__":
    sys.exit(main())
