"""Docker Compose itself, as `.ci/install-compose` builds it: one program that answers many calls."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.support.programs import CACHE, missing

NEWEST: Final = "5"
OLDER: Final = "2.40"


def need_compose(line: str = NEWEST) -> Path:
    """Return the folder of a built Compose; skip if `.ci/install-compose` has not built it.

    It has the program `compose-batch`, the schema of its documents and the examples of its parser; of the
    newest line also the program `docker-compose`.
    """
    folder = CACHE / "compose" / line
    if not (folder / "built").is_file():
        missing(f"needs Docker Compose {line} (.ci/install-compose)")
    return folder


@dataclass(frozen=True)
class Answer:
    """What a call of Compose printed.

    Attributes:
        out: its standard output.
        err: its warnings and its error; they do not count when answers are compared.
        failed: whether it refused.
    """

    out: str
    err: str = field(compare=False)
    failed: bool

    @property
    def document(self) -> dict[str, Any]:
        """The document that `config --format json` printed, with each `$$` of it read as `$`.

        Raises:
            AssertionError: Compose refused.
        """
        assert not self.failed, self.err
        document: dict[str, Any] = json.loads(self.out.replace("$$", "$"))
        return document


class Compose:
    """A running Compose."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Answer:
        """Call Compose in a folder, with this environment alone."""
        request = {
            "folder": str(folder),
            "arguments": arguments,
            "environment": {"HOME": "/home/someone", **(environment or {})},
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Answer(**json.loads(self._process.stdout.readline()))

    def config(
        self,
        folder: Path,
        files: Sequence[str] = (),
        *,
        profiles: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Answer:
        """Resolve the project of a folder. A service that no profile enables is not in the document."""
        options = [*(f"--file={file}" for file in files), *(f"--profile={profile}" for profile in profiles)]
        return self.call(folder, *options, "config", "--format", "json", environment=environment)


@contextmanager
def running_compose(line: str = NEWEST) -> Iterator[Compose]:
    """Run a Compose that answers calls without starting anew."""
    program = need_compose(line) / "compose-batch"
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Compose(process)
        assert process.stdin
        process.stdin.close()
