"""Clean root file systems that a site may have, entered in a private mount namespace."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from examples.demo.host_image import libraries
from tests.support.images import base_archive
from tests.support.programs import CACHE, cache_lock, need_program, need_root, run

ENTER = """
set -e
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t tmpfs tmpfs "$root/tmp"
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    shift
done
shift
mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"
"""
"""Read-only except /tmp and the carried folders; all mounts end with the process."""


def debian_root(suite: str) -> Path:
    """Return a minimal Debian with openssl, made by `mmdebstrap` and extracted once."""
    need_root()
    archive = base_archive(suite)
    target = CACHE / "roots" / archive.stem
    with cache_lock(f"root-{suite}"):
        if not target.is_dir():
            target.parent.mkdir(exist_ok=True)
            scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
            run("tar", "-xf", archive, "-C", scratch, "--exclude=./dev/*")
            scratch.chmod(0o755)
            scratch.rename(target)
    return target


def busybox_root(folder: Path, *programs: str) -> Path:
    """Make a root with only busybox, and `programs` of this machine with the libraries that they need."""
    need_root()
    busybox = need_program("busybox", "busybox-static")
    for name in ("bin", "proc", "sys", "dev", "tmp", "etc", "root"):
        (folder / name).mkdir(parents=True)
    shutil.copy(busybox, folder / "bin/busybox")
    for applet in run(busybox, "--list").split():
        if applet != "busybox":
            (folder / "bin" / applet).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    for program in programs:
        for path, content in libraries(Path(program)).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o755)
        shutil.copy(program, folder / "bin" / Path(program).name)
    return folder


def run_in(
    root: Path,
    *command: str | Path,
    carried: Sequence[Path],
    environment: Mapping[str, str],
    before: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a command with `root` as its root; never raises for its exit code.

    Args:
        root: the root file system; it is not changed.
        command: found on the PATH of `environment`, inside.
        carried: folders of this machine below /tmp, visible inside under the same names.
        environment: the complete environment.
        before: a command line prefix, for example to enter a network namespace.
    """
    enter = ["unshare", "-m", "sh", "-c", ENTER, "sh", str(root), *map(str, carried), "--"]
    return subprocess.run(
        [*before, *enter, *map(str, command)],
        env={**environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
