"""A site without an engine: Debian 13 as its root, a network of loopback alone, and processes of its own.

Docker's static archive cannot be had where the tests run. Its stand-in holds the programs of Debian's
docker.io: they are linked dynamically; the site's root has their libraries, and none of the programs.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

from tests.support.engine_files import static_archive
from tests.support.engines import newer_root
from tests.support.programs import need_program, need_root, run
from tests.support.roots import debian_root

PROGRAMS = {
    "docker": "usr/bin/docker",
    "dockerd": "usr/sbin/dockerd",
    "containerd": "usr/bin/containerd",
    "containerd-shim-runc-v2": "usr/bin/containerd-shim-runc-v2",
    "runc": "usr/sbin/runc",
    "docker-proxy": "usr/sbin/docker-proxy",
    "docker-init": "usr/bin/tini-static",
}
"""Name in the archive -> where Debian's packages have it."""
ABSENT = (
    *PROGRAMS.values(),
    "usr/bin/runc",
    "usr/bin/ctr",
    "usr/bin/docker-init",
    "usr/bin/docker-compose",
    "usr/libexec/docker",
    "etc/init.d/docker",
)
"""What the site has not."""
COMPOSE = "usr/libexec/docker/cli-plugins/docker-compose"
HOLD = """
set -e
folder=$1 lower=$2; shift 2
ip link set lo up
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
cd "$folder/root"
rm -rf "$@"
grep -v '^docker:' etc/group >etc/group.new && mv etc/group.new etc/group
mkdir -p run tmp old sys var/lib/docker site
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
mount --bind "$folder/docker" var/lib/docker # overlay on overlay does not work
mount --bind "$folder/site" site
pivot_root . old
umount -l old
: >/site/ready
while :; do sleep 0.2; done
"""
"""Process 1 of the site: all that runs there, and all mounts, go with it."""


def make_archive(target: Path) -> Path:
    """The stand-in for Docker's static archive."""
    root = newer_root()
    target.write_bytes(static_archive({name: (root / path).read_bytes() for name, path in PROGRAMS.items()}))
    return target


class BareSite:
    """A server without Docker. `/site` there is `folder/site` here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shared = folder / "site"
        self._holder: subprocess.Popen[bytes] | None = None

    def open(self) -> Self:
        """Make the root and the network."""
        need_root()
        need_program("unshare", "util-linux")
        for name in ("upper", "work", "root", "docker", "site"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        lower = f"{debian_root('trixie')}:{newer_root()}"
        command = ["unshare", "-m", "-n", "-p", "-f", "--kill-child", "sh", "-c", HOLD, "sh"]
        with (self.folder / "holder.log").open("wb") as log:
            self._holder = subprocess.Popen(
                [*command, str(self.folder), lower, *ABSENT], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        while not (self.shared / "ready").exists():
            assert self._holder.poll() is None, (self.folder / "holder.log").read_text()
        return self

    def close(self) -> None:
        """End all that runs there."""
        if self._holder:
            self._holder.send_signal(signal.SIGKILL)
            self._holder.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _first(self) -> str:
        assert self._holder
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        return children.read_text().split()[0]

    def run(self, *command: str | Path, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        """Run a command there; never raises for its exit code."""
        enter = ["nsenter", "-t", self._first(), "-m", "-n", "-p", "-r", "-w"]
        return subprocess.run(
            [*enter, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"]
            + [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            env={"PATH": os.environ["PATH"]},
        )

    def check(self, *command: str | Path) -> str:
        """Run a command there; it must succeed. Returns what it printed."""
        result = self.run(*command)
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout + result.stderr

    def unpack(self, bundle: Path, key: Path) -> str:
        """Carry a bundle there; returns the unpacked folder's name."""
        run("tar", "-xf", bundle, "-C", self.shared)
        shutil.copy(key, self.shared)
        return f"/site/{bundle.stem}"
