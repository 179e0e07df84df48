"""An image that runs, made without a Docker engine: this machine's own shell and the libraries it needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

PROGRAMS = ("sh", "sleep")
_LIBRARY = re.compile(r"(/\S+) \(0x[0-9a-f]+\)")


def host_programs() -> dict[str, bytes]:
    """Path in the image -> bytes, of a shell and `sleep` with their shared libraries.

    Empty where this machine is not a Linux with `ldd`: the image then holds only a text file, and cannot run.
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
    """Path in the image -> bytes, of the shared libraries that a program needs, its loader among them."""
    result = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return {path.lstrip("/"): Path(path).resolve().read_bytes() for path in _LIBRARY.findall(result.stdout)}
