"""Run all fuzzers in turn: `python -m tests.fuzz --seconds 120`, or `make fuzz`."""

from __future__ import annotations

import argparse
import subprocess
import sys

from tests.fuzz.driver import TARGETS


def main() -> int:
    """Run each fuzzer in its own process; return 1 if one found something."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="all of them by default")
    parser.add_argument("--seconds", type=float, default=120, help="for each")
    chosen = parser.parse_args()
    failed = False
    for target in chosen.targets or TARGETS:
        command = [sys.executable, "-m", "tests.fuzz.driver", target, "--seconds", str(chosen.seconds)]
        failed |= subprocess.run(command, check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
