"""A site without an engine: a Debian 13 root, a network with loopback only, and its own processes.

Docker's static archive is not available where the tests run. Its stand-in contains the programs of Debian's
docker.io. They are dynamically linked; the site's root has their libraries but not the programs.
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
"""Name in the archive -> path in Debian's packages."""
ABSENT = (
    *PROGRAMS.values(),
    "usr/bin/runc",
    "usr/bin/ctr",
    "usr/bin/docker-init",
    "usr/bin/docker-compose",
    "usr/libexec/docker",
    "etc/init.d/docker",
)
"""Files that the site does not have."""
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
"""Process 1 of the site: when it ends, all processes and mounts of the site end with it."""


def make_archive(target: Path) -> Path:
    """Write the stand-in for Docker's static archive."""
    root = newer_root()
    target.write_bytes(static_archive({name: (root / path).read_bytes() for name, path in PROGRAMS.items()}))
    return target


class BareSite:
    """A server without Docker. `folder/site` is mounted there as `/site`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shared = folder / "site"
        self._holder: subprocess.Popen[bytes] | None = None

    def open(self) -> Self:
        """Create the root and the network."""
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
        """Stop all processes of the site."""
        if self._holder:
            self._holder.send_signal(signal.SIGKILL)
            self._holder.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _first(self) -> str:
        assert self._holder
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        return children.read_text().split()[0]

    def run(self, *command: str | Path, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        """Run a command at the site; never raises for its exit code."""
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
        """Run a command at the site, which must succeed; return its output."""
        result = self.run(*command)
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout + result.stderr

    def unpack(self, bundle: Path, key: Path) -> str:
        """Carry a bundle to the site and unpack it; return the name of the unpacked folder."""
        run("tar", "-xf", bundle, "-C", self.shared)
        shutil.copy(key, self.shared)
        return f"/site/{bundle.stem}"
