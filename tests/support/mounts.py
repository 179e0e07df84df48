"""Mounts that a test leaves below a folder."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
ESCAPE = re.compile(r"\\([0-7]{3})")
"""Blanks and backslashes of a path, as getmntent(3) writes them."""


def mounts() -> Iterator[tuple[str, str]]:
    """Yield each mount point, with the type of its file system, in the order in which they were mounted."""
    for line in MOUNTS.read_text("utf-8", "surrogateescape").splitlines():
        _, point, kind, *_ = line.split(" ")
        yield ESCAPE.sub(lambda found: chr(int(found[1], 8)), point), kind


def unmount_below(folder: Path) -> None:
    """Unmount what is mounted on a folder or below it, the last one first, also where it is in use."""
    for point, _ in reversed(list(mounts())):
        if Path(point).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)
