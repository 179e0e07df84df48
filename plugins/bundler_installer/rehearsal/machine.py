"""What a rehearsal needs of the machine that it runs on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Final

from bundler.bundle.manifest import BundleManifest
from bundler.errors import BundleError, ExitCode
from bundler.image.platform import Platform
from bundler.language import tr, tr_later
from bundler.terminal.progress import format_bytes

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH of the site."""
PROGRAMS: Final = {
    "dockerd": tr_later("Docker Engine (docker.io of Debian and Ubuntu, docker-ce of Docker)"),
    "docker": tr_later(
        "Docker's client (docker.io or docker-cli of Debian and Ubuntu, docker-ce-cli of Docker)"
    ),
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "pivot_root": "util-linux",
}
"""Program -> what to install for it."""
NAMESPACES: Final = ("mnt", "net", "pid", "ipc", "uts")
MARGIN: Final = 512_000_000
"""Bytes for logs, data and the engine's own files."""
MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
"""`uname -m` -> architecture of the OCI; others have the same name."""


class UnrehearsableError(BundleError):
    """This machine cannot rehearse the bundle."""

    exit_code = ExitCode.PREFLIGHT


def check_machine() -> None:
    """Check user, programs and kernel; changes nothing.

    Raises:
        UnrehearsableError: something is missing.
    """
    if platform.system() != "Linux":
        raise UnrehearsableError(
            tr("a rehearsal needs Linux"), hint=tr("rehearse on a Linux machine, or a virtual one")
        )
    if os.geteuid() != 0:
        raise UnrehearsableError(
            tr("a rehearsal needs root: it makes namespaces and starts an engine of its own"),
            hint=tr("run it as root, for example: sudo bundle rehearse FILE"),
        )
    lacking = [name for name in PROGRAMS if shutil.which(name, path=SYSTEM_PATH) is None]
    if lacking:
        packages = dict.fromkeys(tr(PROGRAMS[name]) for name in lacking)
        raise UnrehearsableError(
            tr("not found on this machine: {names}", names=", ".join(lacking)),
            hint=tr("install {names}", names=", ".join(packages)),
        )
    absent = [name for name in NAMESPACES if not Path(f"/proc/self/ns/{name}").exists()]
    if absent:
        raise UnrehearsableError(
            tr("the kernel has no namespaces of the kind {names}", names=", ".join(absent)),
            hint=tr("use another machine"),
        )
    if "overlay" not in Path("/proc/filesystems").read_text():
        raise UnrehearsableError(
            tr("the kernel does not know overlay file systems"), hint=tr("run: modprobe overlay")
        )
    found = subprocess.run(
        ["docker", "compose", "version"],  # noqa: S607 of the user, as at the site
        capture_output=True,
        check=False,
        env={**os.environ, "PATH": SYSTEM_PATH},
    )
    if found.returncode != 0:
        raise UnrehearsableError(
            tr("`docker compose` does not work on this machine"),
            hint=tr(
                "install the Compose plugin: docker-compose-plugin of Docker, docker-compose-v2 of Ubuntu"
            ),
        )


def check_bundle(manifest: BundleManifest, size: int, scratch: Path) -> None:
    """Check platform and room for a bundle of `size` bytes.

    Raises:
        UnrehearsableError: its images do not run here, or the scratch folder is too small.
    """
    wanted, here = Platform.parse(manifest.platform), platform.machine()
    if wanted.architecture != MACHINES.get(here, here):
        raise UnrehearsableError(
            tr(
                "the bundle is for {platform}, but this machine is {machine}",
                platform=manifest.platform,
                machine=MACHINES.get(here, here),
            ),
            hint=tr("rehearse it on a machine of its platform"),
        )
    need, free = room_for(manifest, size), shutil.disk_usage(scratch).free
    if need > free:
        raise UnrehearsableError(
            tr(
                "{scratch}: {free} free, but the rehearsal needs {need}",
                scratch=scratch,
                free=format_bytes(free),
                need=format_bytes(need),
            ),
            hint=tr("name another folder with --scratch"),
        )


def room_for(manifest: BundleManifest, size: int) -> int:
    """Return the bytes that a site with this bundle needs: files, images twice while they load, data."""
    packed = sum(image.size for image in manifest.images)
    unpacked = sum(image.unpacked for image in manifest.images)
    return 2 * size + packed + unpacked + MARGIN
