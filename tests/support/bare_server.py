"""A server without an engine, made of files, on which the installer's functions install the carried engine.

The engine's programs, systemd and the package managers are stand-ins that record how they are called.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bundler_installer.assemble import SOURCES, join_sources
from bundler_installer.engine import NEEDED
from tests.support.engine_files import static_archive
from tests.support.installer import MAIN, SHELLS, need_shell
from tests.support.programs import SYSTEM_PATH
from tests.support.terminal import converse

ABSENT = (
    "docker",
    "containerd",
    "runc",
    "podman",
    "systemctl",
    "journalctl",
    "getent",
    "groupadd",
    "dpkg",
    "rpm",
)
"""Programs whose names begin with these are not on the server."""
DOCKER = """#!/bin/sh
state={site}/state
case "$1 ${{2:-}}" in
    version*) [ -f "$state/running" ] || exit 1; echo 26.1.0 ;;
    'compose version') [ -x {site}/usr/local/lib/docker/cli-plugins/docker-compose ] || exit 1; echo 2.26.0 ;;
    ps*) cat "$state/containers" 2>/dev/null ;;
esac
"""
DOCKERD = """#!/bin/sh
env >{site}/state/environment
trap 'rm -f {site}/state/running; exit' TERM
echo $$ >{site}/run/docker.pid
: >{site}/state/running
while :; do sleep 0.1; done
"""
SYSTEMCTL = """#!/bin/sh
printf '%s\\n' "systemctl $*" >>{site}/state/told
case $* in
    'enable --now docker.service')
        [ ! -f {site}/state/broken ] || {{ echo "Job failed." >&2; exit 1; }}
        : >{site}/state/running
        ;;
    'disable --now docker.service') rm -f {site}/state/running ;;
esac
"""
TOLD = """#!/bin/sh
printf '%s\\n' "${{0##*/}} $*" >>{site}/state/told
"""
MANAGER = """#!/bin/sh
printf '%s\\n' "${{0##*/}} $*" >>{site}/state/told
case $1 in
    -s) grep -qx "$2" {site}/state/packages && echo 'Status: install ok installed' ;;
    -q) grep -qx "$2" {site}/state/packages ;;
    -r | -e) rm -f {site}/bin/docker {site}/bin/dockerd ;;
    *)
        [ ! -f {site}/state/broken ] || {{ echo 'dependency problems: libx is missing' >&2; exit 1; }}
        rm -f {site}/bin/docker
        cp {site}/state/docker {site}/state/dockerd {site}/bin/
        ;;
esac
"""
REAL = {
    "deb": "PATH=/usr/sbin:/usr/bin:/sbin:/bin exec /usr/bin/dpkg --root={site} --log=/dev/null",
    "rpm": "exec /usr/bin/rpm --root {site} --dbpath /var/lib/rpm",
}
"""This machine's own package managers, applied to the server's root."""
SCRIPT = """
PROBE_ROOT={site} PATH={path}
RELEASE=1.0-abc NAME=shop DOCKER_HOST=
{command}
"""
INSTALL = 'INSTALL_ENGINE=yes; settle_engine; if [ -n "$ENGINE_PLAN" ]; then step engine install_engine; fi'


def link_tools(folder: Path) -> Path:
    """Link this machine's programs that every server has into `folder`."""
    folder.mkdir()
    for source in SYSTEM_PATH.split(":"):
        for program in Path(source).iterdir() if Path(source).is_dir() else ():
            link = folder / program.name
            if not program.name.startswith(ABSENT) and not link.is_symlink():
                link.symlink_to(program)
    return folder


@dataclass(frozen=True)
class BareServer:
    """The server's folder, the shell that runs the installer's functions, and the folder of `link_tools`."""

    folder: Path
    shell: str
    tools: Path

    @property
    def site(self) -> Path:
        """The server's root folder."""
        return self.folder / "site"

    @property
    def programs(self) -> Path:
        """The folder to which the programs of the static archive are installed."""
        return self.site / "usr/local/bin"

    @property
    def note(self) -> Path:
        """The installation's record of what belongs to it."""
        return self.folder / "root/state/engine"

    @property
    def unit(self) -> Path:
        """The systemd unit of the engine."""
        return self.site / "etc/systemd/system/docker.service"

    @property
    def settings(self) -> Path:
        """The engine's configuration file."""
        return self.site / "etc/docker/daemon.json"

    def prepare(self, *, systemd: bool = True) -> None:
        """Prepare a clean server, and a bundle that carries an archive and a plugin."""
        for name in ("state", "run", "etc", "usr/bin", "usr/local", "bin"):
            (self.site / name).mkdir(parents=True)
        (self.site / "etc/group").write_text("root:x:0:\n")
        self._script("bin/groupadd", TOLD)
        if systemd:
            (self.site / "run/systemd/system").mkdir(parents=True)
            self._script("bin/systemctl", SYSTEMCTL)
        # on a server made of files, the installer gets its facts from the programs in `bin`
        (self.site / "bin/docker").symlink_to("../usr/local/bin/docker")
        self._script("state/docker", DOCKER)
        self._script("state/dockerd", DOCKERD)
        scripts = {name: (self.site / "state" / name).read_bytes() for name in ("docker", "dockerd")}
        programs = {name: scripts.get(name, name.encode()) for name in NEEDED}
        self.carry({"archive": static_archive(programs), "compose": b"compose"})

    def _script(self, name: str, text: str) -> None:
        path = self.site / name
        path.unlink(missing_ok=True)
        path.write_text(text.format(site=self.site))
        path.chmod(0o755)

    def carry(self, files: Mapping[str, bytes], *rows: str) -> None:
        """Write a bundle of `archive`, `compose`, `<name>.deb` and `<name>.rpm`; add `rows` to engine.tsv."""
        here = self.folder / "here"
        shutil.rmtree(here, ignore_errors=True)
        (here / "files/engine").mkdir(parents=True)
        table, sums = ["#kind\tvalue\tname", *rows], []
        for name, content in files.items():
            stem, _, kind = name.rpartition(".")
            path = f"files/engine/{name}"
            (here / path).write_bytes(content)
            sums.append(f"{hashlib.sha256(content).hexdigest()}  {path}")
            table.append(f"{kind}\t{path}\t{stem or '-'}")
        if "archive" in files:
            table += [f"program\t{name}\t-" for name in sorted(NEEDED)]
        (here / "engine.tsv").write_text("\n".join(table) + "\n")
        (here / "SHA256SUMS").write_text("\n".join(sums) + "\n")

    def add_manager(self, kind: str) -> None:
        """Add a stand-in for the package manager of `deb` or `rpm`."""
        self._script("usr/bin/dpkg" if kind == "deb" else "usr/bin/rpm", MANAGER)
        (self.site / "var/lib/rpm").mkdir(parents=True)
        if kind == "deb":
            (self.site / "var/lib/dpkg").mkdir()
            (self.site / "var/lib/dpkg/status").write_text("Package: base-files\n")
        (self.site / "state/packages").touch()

    def add_real_manager(self, kind: str) -> None:
        """Add the real package manager, with a database that has one package, `libseccomp2`."""
        self._script("usr/bin/dpkg" if kind == "deb" else "usr/bin/rpm", f'#!/bin/sh\n{REAL[kind]} "$@"\n')
        if kind == "rpm":
            (self.site / "var/lib/rpm").mkdir(parents=True)
            return
        for name in ("info", "updates", "triggers"):
            (self.site / "var/lib/dpkg" / name).mkdir(parents=True)
        (self.site / "var/lib/dpkg/status").write_text(
            "Package: libseccomp2\nStatus: install ok installed\nPriority: optional\nSection: libs\n"
            "Maintainer: nobody\nArchitecture: all\nVersion: 9\nDescription: there\n"
        )

    def add_engine(self, *, running: bool, compose: bool = True) -> None:
        """Add an engine that was not installed by the bundle."""
        (self.site / "bin/docker").unlink()
        shutil.copy(self.site / "state/docker", self.site / "bin/docker")
        if running:
            (self.site / "state/running").touch()
        if compose:
            plugin = self.site / "usr/local/lib/docker/cli-plugins/docker-compose"
            plugin.parent.mkdir(parents=True)
            plugin.write_text("theirs")
            plugin.chmod(0o755)

    def told(self) -> list[str]:
        """Return the calls that the stand-ins recorded."""
        path = self.site / "state/told"
        return path.read_text().splitlines() if path.exists() else []

    def write_program(self, command: str, language: str, before: str = "") -> list[str]:
        """Write the installer's functions followed by a command; return the command line that runs it."""
        need_shell(self.shell)
        source = join_sources(SOURCES).decode().removesuffix(MAIN)
        path = f"{before}{self.site}/bin:{self.tools}:{self.site}/usr/local/bin"
        prelude = (
            f"LANGUAGE={language}\nchoose_colours\nset_defaults\nmake_scratch\n"
            f"HERE={self.folder}/here FACTS={self.folder}/here ROOT={self.folder}/root\n"
            'mkdir -p "$ROOT/state" "$ROOT/log"\n'
        )
        program = self.folder / "program"
        program.write_text(source + prelude + SCRIPT.format(site=self.site, path=path, command=command))
        return [*SHELLS[self.shell], str(program)]

    @property
    def environment(self) -> dict[str, str]:
        """The operator's environment."""
        return {"PATH": SYSTEM_PATH, "HOME": str(self.folder), "HTTP_PROXY": "http://proxy.example:3128"}

    def run(
        self, command: str = INSTALL, *, language: str = "en", before: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command after the installer's functions, as a process group leader."""
        return subprocess.run(
            self.write_program(command, language, before),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            timeout=300,
        )

    def answer(self, command: str, prompt: str, answer: str, *, language: str = "en") -> str:
        """Run a command on a terminal, answer its prompt, and return the output."""
        line = self.write_program(command, language)
        return converse(line, [(prompt, answer)], cwd=self.folder, environment=self.environment)[1]

    def tree(self) -> dict[str, str]:
        """Map each file that an installation left, except the stand-ins' records, to mode and content."""
        found = {}
        for top in (self.site / "usr", self.site / "etc", self.folder / "root/state"):
            for path in sorted(top.rglob("*")):
                if path.is_file() and path.name != "journal":
                    content = path.read_bytes().decode(errors="replace")
                    found[str(path.relative_to(self.folder))] = f"{path.stat().st_mode:o} {content}"
        return found

    def end(self) -> None:
        """Stop the engine's stand-in if it is running."""
        pid = self.site / "run/docker.pid"
        if pid.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGTERM)
