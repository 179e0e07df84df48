"""Run `bundle` as a release engineer does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
HOOKED = "tests.support.hooked"


@dataclass(frozen=True)
class Builder:
    """A release engineer's machine, with a working folder and a private cache.

    Attributes:
        module: run with `python -m`: `bundler`, or the module whose installers have the tests' hooks.
    """

    folder: Path
    cache: Path
    module: str = "bundler"

    def bundle(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `bundle`; never raises for its exit code."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            [sys.executable, "-m", self.module, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": ROOT, "BUNDLE_CACHE": str(self.cache), **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start `bundle`; the caller waits for it."""
        return subprocess.Popen(
            [sys.executable, "-m", self.module, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": ROOT, "BUNDLE_CACHE": str(self.cache)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def check(self, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> str:
        """Run `bundle`, which must succeed; return its standard output."""
        result = self.bundle(*arguments, environment=environment)
        assert result.returncode == 0, f"{arguments}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def build(self, profile: Path, mirror: str, *arguments: str | Path) -> Path:
        """Build `profile` with Docker Hub's images from `mirror`, signed with the key in this folder."""
        if not (self.folder / "bundle.key").exists():
            self.check("keygen")
        self.check("build", "--profile", profile, "--registry-mirror", f"docker.io={mirror}", *arguments)
        return max((self.folder / "dist").glob("*.tar"), key=lambda path: path.stat().st_mtime_ns)
