"""Podman at an offline site, with Docker's API: private folders, socket and network."""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.support.engines import START_LIMIT, Engine, Site, docker_client
from tests.support.programs import SYSTEM_PATH, need_program, need_root

STORAGE = """
[storage]
driver = "overlay"
runroot = "{folder}/run"
graphroot = "{folder}/data"
"""
CONTAINERS = """
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
[network]
network_config_dir = "{folder}/networks"
[engine]
events_logger = "file"
tmp_dir = "{folder}/tmp"
"""
"""Limits that every machine allows: Podman's defaults need CAP_SYS_RESOURCE."""
LIMIT = 16384
PRIVATE = (
    "mount --make-rprivate / && mkdir -p /run/containers && mount -t tmpfs tmpfs /run/containers && exec"
)
TIMERS = """
while kill -0 "$1" 2>/dev/null; do
    for each in $(podman ps --quiet); do
        podman healthcheck run "$each" >/dev/null 2>&1
    done
    sleep 1
done
"""
"""Without systemd, runs the same command as its timers, for each container that has a health check."""


class Podman(Engine):
    """`podman system service` run as root, stopped by its own process ID."""

    _timers: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> Self:
        """Start the service and wait until it answers Docker's API."""
        need_root()
        podman = need_program("podman")
        for name in ("netavark", "aardvark-dns"):
            if not Path("/usr/lib/podman", name).exists():
                need_program(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "storage.conf").write_text(STORAGE.format(folder=self.folder))
        files, processes = (
            hard if 0 <= (hard := resource.getrlimit(kind)[1]) < LIMIT else LIMIT
            for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)
        )
        (self.folder / "containers.conf").write_text(
            CONTAINERS.format(folder=self.folder, files=files, processes=processes)
        )
        service = f"{PRIVATE} {podman} system service --time=0 {self.host}"
        inside = ["nsenter", f"--net=/var/run/netns/{self.netns}", "--", "unshare", "-m", "sh", "-c"]
        with (self.folder / "podman.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*inside, service, *options],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        deadline = time.monotonic() + START_LIMIT
        while not self._answers():
            said = (self.folder / "podman.log").read_text(errors="replace")[-3000:]
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        number = str(self._process.pid)
        self._timers = subprocess.Popen(
            ["nsenter", "-m", "-n", "-t", number, "sh", "-c", TIMERS, "sh", number],
            stdin=subprocess.DEVNULL,
            env=self._environment,
        )
        return self

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "PATH": SYSTEM_PATH,
            "HOME": str(self.folder),
            "CONTAINERS_STORAGE_CONF": f"{self.folder}/storage.conf",
            "CONTAINERS_CONF": f"{self.folder}/containers.conf",
        }

    def remove(self) -> None:
        """Stop the service and delete all its data; retries while a health check keeps a container busy."""
        deadline = time.monotonic() + START_LIMIT
        while self._process and (left := self.docker("ps", "-aq").split()):
            assert time.monotonic() < deadline, left
            command = [docker_client(), "-H", self.host, "rm", "--force", "--volumes", *left]
            subprocess.run(command, capture_output=True, check=False)
        super().remove()

    def stop(self, number: int = 15) -> None:
        """Stop the service; its containers are independent processes and keep running."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=60)
            self._process = None
        if self._timers is not None:
            self._timers.wait(timeout=60)  # it ends once the service has ended
            self._timers = None


class PodmanSite(Site):
    """An offline site whose engine is Podman."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.engine = Podman(folder / "engine", netns=self.netns)

    def close(self) -> None:
        """Remove everything; Podman's name server ends by itself when there are no containers."""
        self.run("docker", "volume", "prune", "--force")
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)
