"""Private Docker engines for tests: private folders, a private socket and, for a site, a private network."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.mounts import unmount_below
from tests.support.programs import CACHE, SYSTEM_PATH, cache_lock, need_program, need_root, run

START_LIMIT = 60
"""Seconds within which an engine must answer."""
NEWER_PACKAGES = "docker.io,docker-cli,docker-compose,containerd,runc,cosign,iptables"


def newer_root() -> Path:
    """Return a Debian 13 root with a newer engine, Compose v2 and cosign; it is extracted once."""
    need_root()
    target = CACHE / "trixie"
    with cache_lock("trixie"):
        if not target.is_dir():
            _extract_newer_root(target)
    return target


def _extract_newer_root(target: Path) -> None:
    need_program("mmdebstrap")
    scratch = Path(tempfile.mkdtemp(dir=CACHE, prefix="trixie."))
    run("mmdebstrap", "--mode=root", "--variant=extract", f"--include={NEWER_PACKAGES}", "trixie", scratch)
    for name in ("proc", "sys", "dev", "tmp", "run", "old", "mnt", "root"):
        (scratch / name).mkdir(exist_ok=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (scratch / name).symlink_to(f"usr/{name}")
    for name in ("iptables", "ip6tables"):  # normally created by the package's script
        (scratch / "usr/sbin" / name).symlink_to("xtables-nft-multi")
    # without it, the engine asks a name server for "localhost"
    (scratch / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    scratch.chmod(0o755)
    scratch.rename(target)


def cosign() -> str:
    """Return the path of cosign."""
    return shutil.which("cosign") or str(newer_root() / "usr/bin/cosign")


class Engine:
    """A dockerd with private folders and a private socket, stopped by its own process ID."""

    def __init__(self, folder: Path, *, netns: str | None = None, newer: bool = False) -> None:
        self.folder = folder
        self.netns = netns
        self.newer = newer
        self.socket = folder / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """The value of DOCKER_HOST."""
        return f"unix://{self.socket}"

    @property
    def data(self) -> Path:
        """The engine's data root."""
        return self.folder / "data"

    def start(self, *options: str) -> Self:
        """Start the engine and wait until it answers.

        Raises:
            AssertionError: it did not answer within a minute; the message includes its log.
        """
        need_root()
        command = ["dockerd" if self.newer else need_program("dockerd", "docker.io")]
        command += ["--data-root", str(self.data), "--exec-root", str(self.folder / "exec")]
        command += ["-H", self.host, "-p", str(self.folder / "pid"), "--userland-proxy=true", *options]
        if self.newer:
            command = ["unshare", "-m", "sh", "-c", PIVOT, "sh", str(newer_root()), *command]
        if self.netns:
            command = ["nsenter", f"--net=/var/run/netns/{self.netns}", "--", *command]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": SYSTEM_PATH, "HOME": "/root", "DOCKER_RAMDISK": "1"},
            )
        deadline = time.monotonic() + START_LIMIT
        while not self._answers():
            log_text = (self.folder / "dockerd.log").read_text()[-3000:]
            assert self._process.poll() is None, f"dockerd ended:\n{log_text}"
            assert time.monotonic() < deadline, f"dockerd does not answer:\n{log_text}"
            time.sleep(0.2)
        return self

    def _answers(self) -> bool:
        if not self.socket.exists():
            return False
        command = [docker_client(), "-H", self.host, "version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop the engine; SIGKILL is for tests of what happens afterwards."""
        pid_file = self.folder / "pid"
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError):
            os.kill(int(pid_file.read_text()), number)
        try:
            self._process.wait(timeout=300)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        if number == signal.SIGKILL:
            pid_file.unlink(missing_ok=True)
            # its containerd has died too; if process 1 does not reap it, its process ID stays in use
            (self.folder / "exec/containerd/containerd.pid").unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop the engine and delete all its data."""
        if self._process and self._answers():
            for container in self.docker("ps", "-aq").split():
                self.docker("rm", "-f", container)
        self.stop()
        unmount_below(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def docker(self, *arguments: str | Path) -> str:
        """Run the docker command line against this engine."""
        return run(docker_client(), "-H", self.host, *arguments)


PIVOT = """
set -e
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t tmpfs tmpfs "$root/run"
for each in proc sys dev; do mount --rbind "/$each" "$root/$each"; done
mkdir -p "$root/tmp" "$root/var/tmp" "$root/root" "$root/mnt"
mount --rbind /tmp "$root/tmp"
cd "$root"
pivot_root . old
exec "$@"
"""
"""Runs a newer engine in its own root. `docker load` needs a real root; chroot is not enough."""


def docker_client() -> str:
    """Return Debian's client, so that a newer one on PATH does not hide the behaviour of old sites."""
    return "/usr/bin/docker" if Path("/usr/bin/docker").exists() else need_program("docker", "docker.io")


class Site:
    """An offline site: a network namespace with only loopback, and a private engine."""

    def __init__(self, folder: Path, *, newer: bool = False) -> None:
        self.folder = folder
        self.newer = newer
        self.netns = f"site{os.getpid()}{folder.name}"
        self.engine = Engine(folder / "engine", netns=self.netns, newer=newer)
        self._bin = folder / "bin"

    def open(self) -> Self:
        """Create the network and start the engine."""
        need_root()
        need_program("ip", "iproute2")
        need_program("nsenter", "util-linux")
        root = newer_root()
        self._bin.mkdir(parents=True)
        client = root / "usr/bin/docker" if self.newer else Path(docker_client())
        (self._bin / "docker").symlink_to(client)
        plugins = self.folder / "docker-config" / "cli-plugins"
        plugins.mkdir(parents=True)
        shutil.copy(root / "usr/libexec/docker/cli-plugins/docker-compose", plugins)
        run("ip", "netns", "add", self.netns)
        run("ip", "-n", self.netns, "link", "set", "lo", "up")
        self.engine.start()
        return self

    def close(self) -> None:
        """Remove everything."""
        self.engine.remove()
        subprocess.run(["ip", "netns", "del", self.netns], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command at the site."""
        return {
            "PATH": f"{self._bin}:{SYSTEM_PATH}",
            "HOME": str(self.folder),
            "DOCKER_HOST": self.engine.host,
            "DOCKER_CONFIG": str(self.folder / "docker-config"),
            "LANG": "C.UTF-8",
        }

    def inside(self, *command: str | Path) -> list[str]:
        """Return the command line that runs `command` inside the site's network."""
        return ["nsenter", f"--net=/var/run/netns/{self.netns}", "--", *map(str, command)]

    def run(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        text: str | None = None,
        timeout: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command at the site; never raises for its exit code."""
        return subprocess.run(
            self.inside(*command),
            cwd=cwd or self.folder,
            env={**self.environment, **(environment or {})},
            input=text,
            stdin=None if text is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def clear(self) -> None:
        """Remove all containers and volumes."""
        for container in self.docker("ps", "-aq").split():
            self.docker("rm", "-fv", container)
        for volume in self.docker("volume", "ls", "-q").split():
            self.docker("volume", "rm", volume)

    def docker(self, *arguments: str | Path) -> str:
        """Run docker at the site; it must succeed."""
        result = self.run("docker", *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def get(self, url: str) -> str:
        """Fetch a page from inside the site.

        Raises:
            AssertionError: the status was not 200.
        """
        result = self.run("python3", "-c", GET, url)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def watch(self) -> None:
        """Add a default route to a dead end and reset the count of packets sent there, until `unwatch`."""
        self.unwatch()
        commands = (
            "ip link add leak type veth peer name nowhere",
            "sysctl -qw net.ipv6.conf.leak.disable_ipv6=1 net.ipv6.conf.nowhere.disable_ipv6=1",
            "ip link set nowhere up",
            "ip addr add 198.51.100.1/24 dev leak",
            "ip link set leak up",
            "ip route add default via 198.51.100.2 dev leak",
            "ip neigh add 198.51.100.2 lladdr 02:00:00:00:00:01 dev leak nud permanent",
        )
        for command in commands:
            result = self.run(*command.split())
            assert result.returncode == 0, result.stderr

    def unwatch(self) -> None:
        """Undo `watch`: remove the default route."""
        self.run("ip", "link", "del", "leak")  # removes peer and routes; fails without the link

    def leaked(self) -> int:
        """Return the number of packets that tried to leave since `watch`."""
        result = self.run("cat", "/proc/net/dev")
        line = next(line for line in result.stdout.splitlines() if line.strip().startswith("leak:"))
        return int(line.split(":")[1].split()[9])


GET = "import sys, urllib.request as r; sys.stdout.write(r.urlopen(sys.argv[1], timeout=10).read().decode())"


class DistributionRegistry:
    """Debian's docker-registry on a free loopback port."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.host = f"127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the registry and wait until it answers."""
        program = need_program("docker-registry")
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "config.yml"
        config.write_text(
            "version: 0.1\n"
            "log: {level: warn}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/storage}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: '{self.host}'}}\n"
        )
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=2).close()
            except OSError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.1)
            else:
                return self

    def stop(self) -> None:
        """Stop the registry."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def push(self, layout: Path, name: str) -> None:
        """Copy an image from an OCI layout without changing its bytes."""
        run(
            need_program("skopeo"), "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false",
            f"oci:{layout}", f"docker://{self.host}/{name}",
        )  # fmt: skip
