"""Builds a runnable image without a Docker engine, from this machine's shell and the libraries it uses."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

PROGRAMS = ("sh", "sleep")
_LIBRARY = re.compile(r"(/\S+) \(0x[0-9a-f]+\)")


def host_programs() -> dict[str, bytes]:
    """Return a shell and `sleep` with their shared libraries, as bytes by path in the image.

    The result is empty if this machine does not run Linux with `ldd`. The image then contains only a text
    file and cannot run.
    """
    files: dict[str, bytes] = {}
    for program in PROGRAMS:
        found = shutil.which(program, path="/bin:/usr/bin")
        if found is None or shutil.which("ldd") is None:
            return {}
        files[f"bin/{program}"] = Path(found).resolve().read_bytes()
        files.update(libraries(Path(found)))
    return files


def libraries(program: Path) -> dict[str, bytes]:
    """Return a program's shared libraries, including its loader, as bytes by path in the image."""
    result = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return {path.lstrip("/"): Path(path).resolve().read_bytes() for path in _LIBRARY.findall(result.stdout)}
