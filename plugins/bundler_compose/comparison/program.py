"""Finds Docker Compose on this machine, and has it resolve documents."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bundler.errors import BundleError
from bundler.language import tr

PLUGIN: Final = "docker-compose"
PLUGIN_FOLDERS: Final = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
"""Where Docker's command line looks for plugins, after `~/.docker/cli-plugins`. Source: docker/cli,
`cli-plugins/manager/manager_unix.go`."""
LIMIT: Final = 60
"""Longest time of one call, in seconds; usually it takes a tenth of a second."""
_VERSION: Final = re.compile(r"v?([0-9]+)\.[0-9]+\.[0-9]+\S*")


@dataclass(frozen=True)
class Program:
    """Docker Compose, as it lies on this machine.

    Attributes:
        path: the program; it runs without `docker`.
        version: such as `5.6.0`.
    """

    path: str
    version: str

    def config(
        self,
        folder: Path,
        files: Sequence[Path],
        environment: Mapping[str, str],
        profiles: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Return a project as Compose resolves it: `docker compose config --format json`.

        Args:
            folder: the project's folder.
            files: its Compose files.
            environment: all variables that Compose sees; it reads `.env` of the folder by itself.
            profiles: the Compose profiles to enable.

        Raises:
            BundleError: Compose refuses the project.
        """
        options = [f"--project-directory={folder}", *(f"--file={file}" for file in files)]
        options += [f"--profile={profile}" for profile in profiles]
        done = _run([self.path, *options, "config", "--format", "json"], folder, environment)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "level=warning" not in line]
            raise BundleError(
                tr(
                    "Docker Compose {version} refuses it: {lines}",
                    version=self.version,
                    lines=" ".join(lines).strip(),
                )
            )
        # Compose writes each `$` twice, so that its output is a document again
        document: dict[str, Any] = json.loads(done.stdout.replace("$$", "$"))
        return document


def find_program() -> Program | None:
    """Return Docker Compose, version 2 or later, if this machine has it."""
    home = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")  # noqa: PTH111 no error without a home
    candidates = [shutil.which(PLUGIN)]
    if shutil.which("docker"):
        candidates += [f"{folder}/{PLUGIN}" for folder in (f"{home}/cli-plugins", *PLUGIN_FOLDERS)]
    for path in candidates:
        if path is None or not os.access(path, os.X_OK):
            continue
        done = _run([path, "version", "--short"], Path("/"), {})
        found = _VERSION.fullmatch(done.stdout.strip())
        if not done.returncode and found and int(found[1]) > 1:
            return Program(path, found[0].removeprefix("v"))
    return None


def _run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program with an environment of its own, and an empty home in place of the user's.

    Raises:
        BundleError: it does not end in time, or cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="bundle-compose-") as home:
        private = {"PATH": os.defpath, "HOME": home, "DOCKER_CONFIG": home, **environment}
        try:
            return subprocess.run(  # noqa: S603 no shell; the user's own program
                command,
                cwd=folder,
                env=private,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BundleError(
                tr("{command}: does not answer within {limit} seconds", command=command[0], limit=LIMIT)
            ) from error
        except OSError as error:
            raise BundleError(
                tr("{command}: cannot be started: {strerror}", command=command[0], strerror=error.strerror)
            ) from error
