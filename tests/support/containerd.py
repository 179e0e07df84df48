"""A containerd of its own, as a Kubernetes node has one: with the CRI plugin, without a kubelet."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.support.programs import SYSTEM_PATH, need_program, need_root

START_LIMIT = 60
CONFIG = """\
version = 2
disabled_plugins = [{disabled}]
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
"""


class Containerd:
    """Debian's containerd below a folder.

    Attributes:
        folder: has all that it writes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "containerd.sock"

    def start(self, *, cri: bool = True) -> Self:
        """Start it and wait until it answers; without the CRI plugin, it is like the one of Docker.

        Raises:
            AssertionError: it did not answer within a minute; the message includes its log.
        """
        need_root()
        program = need_program("containerd")
        need_program("ctr", "containerd")
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "config.toml"
        disabled = "" if cri else '"io.containerd.grpc.v1.cri"'
        config.write_text(CONFIG.format(folder=self.folder, disabled=disabled))
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "--config", config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": SYSTEM_PATH, "HOME": "/root"},
            )  # fmt: skip
        deadline = time.monotonic() + START_LIMIT
        while self._ask("version").returncode:
            text = (self.folder / "log").read_text()[-3000:]
            assert self._process.poll() is None, f"containerd ended:\n{text}"
            assert time.monotonic() < deadline, f"containerd does not answer:\n{text}"
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def remove(self) -> None:
        """End it and remove what it wrote."""
        self.stop()
        shutil.rmtree(self.folder)

    def images(self) -> dict[str, str]:
        """Return the digest of each image for Kubernetes, by name.

        The CRI plugin gives each image that it knows one more name, its ID.
        """
        rows = [line.split() for line in self.ctr("images", "ls").splitlines()[1:]]
        return {row[0]: row[2] for row in rows if not row[0].startswith("sha256:")}

    def known(self) -> int:
        """Return how many images the CRI plugin knows."""
        return sum(line.startswith("sha256:") for line in self.ctr("images", "ls", "-q").splitlines())

    def ctr(self, *arguments: str) -> str:
        """Run ctr in the namespace of Kubernetes; it must succeed."""
        done = self._ask(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["ctr", "--address", str(self.socket), "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
