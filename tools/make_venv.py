"""Makes `.venv` with everything for development. `make venv` runs it with the Python of the system.

What is needed is checked first, and each lack is told with its remedy. A `.venv` that an earlier run left
half-made, or whose Python is gone, is made again.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
VENV: Final = ROOT / ".venv"
STAMP: Final = VENV / ".installed"
"""Written last: without it, `.venv` is half-made."""
PROBE: Final = "hatchling"
"""A small package that the installation needs in any case."""
PATIENCE: Final = 15
"""Seconds that the package index has for an answer to the first question."""
SHOWN: Final = 3
"""Lines of pip's errors that are shown."""


class SetupError(Exception):
    """Something that is needed and missing. The text says what, and then what to do."""


def check_modules() -> None:
    """Check that this Python can make virtual environments: Debian packages that apart.

    Raises:
        SetupError: it cannot.
    """
    lacking = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if lacking:
        version = ".".join(map(str, sys.version_info[:2]))
        raise SetupError(
            f"{sys.executable} cannot make a virtual environment: it lacks {' and '.join(lacking)}\n"
            f"  Debian, Ubuntu: sudo apt-get install python{version}-venv (or python3-venv)\n"
            "  or use another Python: make PYTHON=/path/to/python3 ..."
        )


def is_usable(venv: Path) -> bool:
    """Whether the environment's Python starts, has a pip, and belongs to this folder."""
    python = venv / "bin/python"
    code = "import sys, pip; print(sys.prefix)"
    try:
        found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    place = found.stdout.strip()
    return found.returncode == 0 and Path(place).exists() and Path(place).samefile(venv)


def make_venv() -> None:
    """Make the environment, or keep one that is usable.

    Raises:
        SetupError: it cannot be made.
    """
    if is_usable(VENV):
        return
    if VENV.exists() or VENV.is_symlink():
        sys.stdout.write(f"{VENV.name} is not whole, and is made again\n")
        _remove(VENV)
    made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise SetupError(f"{VENV}: cannot be made:\n{_last(made.stdout + made.stderr)}")


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)


def check_index() -> None:
    """Ask pip for one small package, as it is configured on this machine: index, mirror, proxy, folders.

    Raises:
        SetupError: pip does not find it.
    """
    found = _pip(
        "install", "--dry-run", "--no-deps", "--ignore-installed", "--retries", "0",
        "--timeout", str(PATIENCE), PROBE,
    )  # fmt: skip
    if found.returncode != 0:
        raise SetupError(
            f"pip reaches no package index:\n{_last(found.stderr)}\n"
            "  behind a proxy: export HTTPS_PROXY=http://proxy.example:3128\n"
            "  with a mirror: export PIP_INDEX_URL=https://mirror.example/simple\n"
            "  without a network: export PIP_NO_INDEX=1 PIP_FIND_LINKS=/folder/of/wheels"
        )


def install(*, locked: bool) -> None:
    """Install the project, editable, with its development dependencies.

    Args:
        locked: whether to install the versions of requirements-dev.txt.

    Raises:
        SetupError: pip fails.
    """
    steps: list[list[str]] = []
    if locked:
        steps.append(["install", "--require-hashes", "--requirement", str(ROOT / "requirements-dev.txt")])
        steps.append(["install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    else:
        steps.append(["install", "--upgrade", "pip"])
        steps.append(["install", "--editable", f"{ROOT}[dev]"])
    for step in steps:
        done = _pip(*step)
        if done.returncode != 0:
            raise SetupError(f"pip {' '.join(step)}:\n{_last(done.stderr)}\n  then run make again")


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(VENV / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-SHOWN:])


def main(words: Sequence[str] | None = None) -> int:
    """Run the command, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locked", action="store_true", help="install the versions of requirements-dev.txt")
    arguments = parser.parse_args(words)
    try:
        check_modules()
        sys.stdout.write(f"setting up {VENV.name}, once; it takes about a minute\n")
        sys.stdout.flush()
        make_venv()
        check_index()
        install(locked=arguments.locked)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    STAMP.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
