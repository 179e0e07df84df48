"""A bundle of the demo application, small enough to be damaged in many ways."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.builder import Builder


@dataclass(frozen=True)
class SmallBundle:
    """A bundle, its key, how it was built, and the folder of another publisher's key."""

    path: Path
    key: Path
    builder: Builder
    arguments: tuple[str, ...]
    foreign: Path
