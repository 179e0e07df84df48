"""A small application with every kind of site variable, and a host that installs it without an engine."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import HOOKED, Builder
from tests.support.installer import SHELLS
from tests.support.programs import SYSTEM_PATH, need_forwarding

HERE = Path(__file__).parent
PROMPT_LIMIT = 300
"""Seconds within which a prompt must appear."""


@dataclass(frozen=True)
class Kiosk:
    """The bundle, and the key that it is signed with."""

    path: Path
    key: Path

    def unpack(self, folder: Path) -> Path:
        """Unpack the bundle into `folder`; return the top folder."""
        subprocess.run(["tar", "-xf", self.path], cwd=folder, check=True)
        return folder / self.path.stem


def build_kiosk(folder: Path, *options: str, more: bytes = b"") -> Kiosk:
    """Build the bundle in `folder`, with images from a registry in this process.

    Args:
        folder: where everything of the build is.
        options: of `bundle build`.
        more: a file in a further layer, which both images have.
    """
    shutil.copytree(HERE / "kiosk", folder / "kiosk")
    builder = Builder(folder, folder / "cache", HOOKED)
    builder.check("keygen")
    with SampleRegistry() as registry:
        for name in ("web", "setup"):
            layers = [{"etc/name": name.encode()}, *([{"etc/more": more}] if more else [])]
            registry.add_image(f"kiosk/{name}", "1.0", make_image(layers))
        builder.check(
            "build", "--profile", "kiosk/profile.yaml",
            "--registry-mirror", f"registry.example={registry.host}", *options,
        )  # fmt: skip
    return Kiosk(next((folder / "dist").glob("*.tar")), folder / "bundle.pub")


@dataclass(frozen=True)
class Host:
    """A server with a fake `docker`, the unpacked bundle and a root to install into.

    Attributes:
        shell: one of `SHELLS`, runs the installer.
        folder: contains everything on this host.
        unpacked: the unpacked bundle.
        key: the public key to trust.
        environment: additional environment variables.
    """

    shell: str
    folder: Path
    unpacked: Path
    key: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def docker(self) -> Path:
        """The fake `docker`; `fake_docker.sh` documents the files that control it."""
        return self.folder / "bin/docker"

    @property
    def root(self) -> Path:
        """The folder in which the application is installed."""
        return self.folder / "root"

    def prepare(self) -> None:
        """Put the fake `docker` in place."""
        need_forwarding()
        self.docker.parent.mkdir(parents=True)
        shutil.copy(HERE / "fake_docker.sh", self.docker)
        self.docker.chmod(0o755)

    def steer(self, what: str, text: str = "") -> None:
        """Make the fake `docker` do `what`."""
        Path(f"{self.docker}.{what}").write_text(text)

    def calls(self) -> str:
        """Return the command lines that `docker` was called with."""
        path = Path(f"{self.docker}.calls")
        return path.read_text() if path.exists() else ""

    def variables(self) -> dict[str, str]:
        """Return the environment of every command."""
        return {
            "PATH": f"{self.docker.parent}:{SYSTEM_PATH}",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "BUNDLE_TRUSTED_KEYS": str(self.folder / "no-keys"),
            "LANG": "C.UTF-8",
            **self.environment,
        }

    def run(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the installer without a terminal; never raises for its exit code."""
        return subprocess.run(
            [*SHELLS[self.shell], self.unpacked / "install", *arguments],
            cwd=self.folder,
            env={**self.variables(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def install(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `install` with its required options and `arguments`."""
        common = ("--root", self.root, "--key", self.key, "--yes", "--set", "GREETING=hello")
        return self.run("install", *common, *arguments)

    def converse(
        self, arguments: Sequence[str | Path], answers: Sequence[tuple[str, str]], *, columns: int = 80
    ) -> tuple[int, str]:
        """Run the installer on a new terminal.

        Args:
            arguments: of the installer.
            answers: pairs of a text that the screen must show and the answer to type then, in order.
            columns: width of the terminal.

        Returns:
            Exit code, and everything shown on the screen.
        """
        command = [*SHELLS[self.shell], str(self.unpacked / "install"), *map(str, arguments)]
        pid, terminal = pty.fork()
        if pid == 0:
            termios.tcsetwinsize(0, (24, columns))
            os.chdir(self.folder)
            os.execvpe(command[0], command, {**self.variables(), "TERM": "dumb"})  # noqa: S606 no shell
        waiting = list(answers)
        screen = unseen = ""
        deadline = time.monotonic() + PROMPT_LIMIT
        while True:
            assert time.monotonic() < deadline, screen
            if waiting and waiting[0][0] in unseen:
                unseen = unseen.partition(waiting[0][0])[2]
                os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
                deadline = time.monotonic() + PROMPT_LIMIT
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                read = os.read(terminal, 65536)
            except OSError:  # the last process has closed the terminal
                break
            if not read:
                break
            screen += read.decode(errors="replace")
            unseen += read.decode(errors="replace")
        os.close(terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert not waiting, f"never shown: {waiting[0][0]}\n{screen}"
        return code, screen
