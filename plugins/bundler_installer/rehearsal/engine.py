"""A throwaway server: namespaces of its own, a root that keeps no writes, and an engine without a way out.

Process 1 of the site makes everything and then waits. With its end the kernel ends every process, mount,
network and rule of the site. It ends when its standard input does, so also when the command that made it is
killed. The word `keep` there makes it stay.

- The root is an overlay over this machine's, with its upper layer in memory; so are other local file
  systems. Paths exist as on this machine, and what is written there reaches nobody.
- `/run` and `/tmp` are empty: the engine has its usual paths, and this machine's engine is not there.
- The site's folder and the engine's data are folders of the scratch folder: `/rehearsal`, `/var/lib/docker`.
- The network has only `lo`, and what the engine adds. Names of the outside are asked of an
  address that cannot be reached.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from bundler.api.rehearsal import RehearsalOptions
from bundler.errors import BundleError
from bundler.language import tr
from bundler_installer.rehearsal.machine import SYSTEM_PATH, UnrehearsableError
from bundler_installer.rehearsal.records import Process, Record, boot_id, remove_left

START_LIMIT: Final = 60
"""Seconds within which the engine must answer."""
PLACE: Final = "/rehearsal"
"""Where the site's folder is, inside."""
CLIENT: Final = f"{PLACE}/docker-config"
"""Configuration of the site's Docker client: only this machine's plugins."""
HOST: Final = "rehearsal.example"
"""Name of the server."""
NAME_SERVER: Final = "192.0.2.53"
"""Of a range that is never routed: RFC 5737, section 3."""
FIRST: Final = r"""
set -e
scratch=$1 host=$2 server=$3 place=$4
read -r first _ </proc/self/stat
mount --make-rprivate /
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs "$scratch/memory"
number=0
# over_mount POINT: an overlay over a file system of this machine
over_mount() {
    number=$((number + 1))
    layers=$scratch/memory/$number
    mkdir -p "$layers/upper" "$layers/work" || return 1
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$layers/upper,workdir=$layers/work" \
        "$scratch/root${1%/}"
}
over_mount /
cut -d ' ' -f 2,3 /proc/mounts >"$scratch/mounts"
while read -r point type; do
    case $type in ext[234] | xfs | btrfs | f2fs | zfs) ;; *) continue ;; esac
    case $point in
        / | *\\* | *[,:]* | /proc* | /sys* | /dev* | /run* | /tmp* | "$scratch"*) continue ;;
        /var/lib/docker* | /var/lib/containerd*) continue ;;
    esac
    [ -d "$point" ] && [ -d "$scratch/root$point" ] || continue
    over_mount "$point" 2>/dev/null || echo "not at the site: $point" >&2
done <"$scratch/mounts"
cd "$scratch/root"
mkdir -p ."$place" var/lib/docker var/lib/containerd old run tmp proc sys dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t proc proc proc
printf '%s\n' "${host%%.*}" >proc/sys/kernel/hostname
for each in kernel vm fs; do
    mount --bind "proc/sys/$each" "proc/sys/$each"
    mount -o remount,bind,ro "proc/sys/$each"
done
mount --rbind /dev dev
mount --rbind /sys sys
mount --bind "$scratch/docker" var/lib/docker
mount --bind "$scratch/site" ."$place"
rm -f etc/resolv.conf etc/hosts
printf 'nameserver %s\n' "$server" >etc/resolv.conf
printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 %s %s\n' "$host" "${host%%.*}" >etc/hosts
pivot_root . old
umount -l old
echo "$first"
exec 3<&0 >/dev/null 2>&1
{ read -r word && [ "$word" = keep ] && echo >/run/kept; } <&3 &
wait $!
while [ -f /run/kept ]; do sleep 1; done
"""
"""Process 1. Prints its ID on this machine when the site is there. `wait` also takes in orphans."""
NAMESPACES: Final = ("--mount", "--net", "--pid", "--ipc", "--uts")


@dataclass(frozen=True)
class Outcome:
    """What a command at the site came to: exit status, and its output with that to standard error."""

    status: int
    output: str

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.status == 0

    def last(self, lines: int = 15) -> str:
        """Return its last lines."""
        return "\n".join(self.output.rstrip().splitlines()[-lines:])


class Server:
    """The throwaway server, as long as `open_server` holds it.

    Attributes:
        record: what exists because of it.
        folder: the site's folder, `/rehearsal` inside, as this machine sees it.
        log: what the engine and all commands said.
    """

    def __init__(self, record: Record, log: Path) -> None:
        self.record = record
        self.folder = Path(record.scratch) / "site"
        self.log = log
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def data(self) -> Path:
        """The engine's data, as this machine sees them."""
        return Path(self.record.scratch) / "docker"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command at the site."""
        return {
            "PATH": SYSTEM_PATH,
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "DOCKER_CONFIG": CLIENT,
            "NO_COLOR": "1",
        }

    def enter(self) -> list[str]:
        """Return the command line that enters the site; a program follows."""
        flags = ("-m", "-n", "-p", "-i", "-u", "-r", "-w")
        return ["nsenter", "-t", str(self._first.pid), *flags, "--"]

    def run(self, *command: str, timeout: float = 900, stdin: str = "") -> Outcome:
        """Run a command at the site; never raises for its exit status. It is noted in the log."""
        with self.log.open("a") as log:
            log.write(f"\n$ {' '.join(command)}\n")
        try:
            done = subprocess.run(  # noqa: S603 our own command lines, without a shell
                [*self.enter(), *command],
                env=self.environment,
                input=stdin.encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=timeout,
                start_new_session=True,  # Ctrl-C ends it through the site's end
            )
        except subprocess.TimeoutExpired as error:
            text = (
                (error.output or b"").decode(errors="replace")
                + "\n"
                + tr("ended after {seconds:.0f} s", seconds=timeout)
            )
            done_outcome = Outcome(124, text)
        else:
            done_outcome = Outcome(done.returncode, done.stdout.decode(errors="replace"))
        with self.log.open("a") as log:
            log.write(f"{done_outcome.output}\n[{done_outcome.status}]\n")
        return done_outcome

    def docker(self, *arguments: str) -> str:
        """Run a command of the engine that must succeed; return its output.

        Raises:
            BundleError: it failed.
        """
        done = self.run("docker", *arguments, timeout=120)
        if not done.ok:
            raise BundleError(tr("docker {command}: {last}", command=arguments[0], last=done.last(3)))
        return done.output

    def containers(self) -> list[Any]:
        """Return what `docker inspect` says about each container."""
        ids = self.docker("ps", "-aq").split()
        return list(json.loads(self.docker("inspect", *ids))) if ids else []

    def outward(self) -> int:
        """Return how many packets of services found no route: `InNoRoutes` of /proc/net/netstat."""
        text = Path(f"/proc/{self._first.pid}/net/netstat").read_text()
        lines = [line.split() for line in text.splitlines() if line.startswith("IpExt:")]
        return int(lines[1][lines[0].index("InNoRoutes")])

    def begin(self, records: Path) -> None:
        """Make the namespaces and start the engine.

        Raises:
            UnrehearsableError: this machine does not allow it.
        """
        self._begin_first(records)
        self._begin_engine()

    def keep(self, records: Path) -> None:
        """Let the site stay after this command."""
        self.record = self.record.kept()
        self.record.write(records)
        pipe = self._children[0].stdin
        assert pipe is not None  # noqa: S101 a pipe
        pipe.write(b"keep\n")
        pipe.close()
        while not Path(f"/proc/{self._first.pid}/root/run/kept").exists():
            time.sleep(0.02)

    def end(self, records: Path) -> None:
        """End everything at the site, and remove it."""
        self._first_ends()
        self.record.remove(records)

    def _first_ends(self) -> None:
        for child in self._children:
            if child.stdin is not None:
                with contextlib.suppress(OSError):
                    child.stdin.close()
        if self.record.first is not None:
            self.record.first.kill()
        for child in self._children:
            if self.record.first is None:
                child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()

    @property
    def _first(self) -> Process:
        assert self.record.first is not None  # noqa: S101 known once the site has begun
        return self.record.first

    def _begin_first(self, records: Path) -> None:
        scratch = self.record.scratch
        for name in ("root", "memory", "docker", "site"):
            (Path(scratch) / name).mkdir()
        command = ["unshare", *NAMESPACES, "--fork", "--kill-child", "sh", "-c", FIRST, "first"]
        arguments = [scratch, HOST, NAME_SERVER, PLACE]
        with self.log.open("ab") as log:
            child = self._spawn([*command, *arguments], log, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout is not None  # noqa: S101 a pipe
        line = child.stdout.readline().strip()
        if not line.isdigit():
            raise UnrehearsableError(
                tr("a site cannot be made on this machine: {tail}", tail=_tail(self.log, 3)),
                hint=tr("a rehearsal needs namespaces and an overlay mount: not possible in most containers"),
            )
        self.record = self.record.with_first(Process.of(int(line)))
        self.record.write(records)

    def _begin_engine(self) -> None:
        config = Path(self.record.scratch) / "site/daemon.json"
        config.write_text("{}\n")
        options = ["--config-file", f"{PLACE}/daemon.json", "--cgroup-parent", f"/{self.record.id}"]
        options += ["--exec-opt", "native.cgroupdriver=cgroupfs", "--debug"]
        with self.log.open("ab") as log:
            child = self._spawn([*self.enter(), "dockerd", *options], log)
        deadline = time.monotonic() + START_LIMIT
        socket = f"/proc/{self._first.pid}/root/run/docker.sock"
        while not (Path(socket).exists() and self.run("docker", "version", timeout=20).ok):
            if child.poll() is not None or time.monotonic() > deadline:
                raise UnrehearsableError(
                    tr("the engine does not start: {tail}", tail=_tail(self.log, 3)),
                    hint=tr("read {log}", log=self.log),
                )
            time.sleep(0.1)

    def _spawn(
        self,
        command: Sequence[str],
        log: IO[bytes],
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
    ) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(  # noqa: S603 our own command lines, without a shell
            command,
            stdin=stdin,
            stdout=log if stdout is None else stdout,
            stderr=log,
            env={**self.environment, "DOCKER_RAMDISK": "1"},  # runc cannot pivot from an overlay otherwise
            start_new_session=True,
        )
        self._children.append(child)
        return child


@contextmanager
def open_server(options: RehearsalOptions) -> Iterator[Server]:
    """Yield a new server, and remove it at the end, unless it was told to stay.

    What earlier rehearsals left that were killed is removed first.

    Raises:
        UnrehearsableError: this machine does not allow it.
    """
    options.records.mkdir(parents=True, exist_ok=True)
    for left in remove_left(options.records, kept=False):
        options.reporter.info(tr("removed what the killed rehearsal {id} left", id=left.id))
    name = f"bundle-rehearsal-{secrets.token_hex(4)}"
    scratch = options.scratch.resolve() / name
    record = Record(name, "running", boot_id(), str(scratch), Process.of(os.getpid()))
    record.write(options.records)
    server = Server(record, options.records / f"{name}.log")
    try:
        scratch.mkdir(mode=0o700)
        server.log.touch(0o600)
        with options.reporter.step(tr("engine")):
            server.begin(options.records)
        yield server
    except KeyboardInterrupt:
        server.log.unlink(missing_ok=True)
        raise
    finally:
        if server.record.state != "kept":
            server.end(options.records)


def carry_plugins(server: Server) -> None:
    """Give the site the Compose plugin of this machine's user; those of the system are there anyway."""
    own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "cli-plugins/docker-compose"
    folder = server.folder / "docker-config/cli-plugins"
    folder.mkdir(parents=True)
    if own.is_file():
        shutil.copy(own, folder)


def _tail(log: Path, lines: int) -> str:
    """Return the last lines of the log that a person can use, joined."""
    text = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return "; ".join(text[-lines:])[-600:]
