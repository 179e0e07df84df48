"""Servers made of files: real installer, shell, tools and bundles, with a folder as engine (site_tools).

For tests with hundreds of runs, each of which would take a minute with a real engine.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.programs import need_program

BUSYBOX = "busybox sh"
TOOLS = Path(__file__).parent / "site_tools"
KILLED_IN = ("docker", "mv", "ln", "cp", "rm", "mkdir", "tar", "sync", "chmod", "date")
"""Programs in whose calls the installer may be killed."""
NEVER = "never 1 KILL"
"""The point of a run that is not killed, and whose calls are counted."""
PROFILE = """
application: compose
version: "{version}"
settings:
  project: project{version}
  name: app
  site_templates: [app.conf]
  data: [data]
  lifecycle: {{migrations: [{migrations}]}}
  variables:{variables}
    - {{name: GREETING, default: hello}}
    - {{name: TOKEN, kind: secret, generator: "random:32"}}
requirements: {{cpu: {{minimum: 1}}}}
health: {{timeout: 20s}}
backup: {{keep: 1}}
"""
CONFIG = """
# greeting and more
version {version}



greeting @@GREETING@@



token @@TOKEN@@
"""
COMPOSE = """
name: app
services:
  app:
    image: registry.example/app:{tag}
    environment: {{GREETING: "${{GREETING}}", TOKEN: "${{TOKEN}}"}}
    volumes: ["./app.conf:/etc/app.conf:ro", "./data:/data"]
    healthcheck: {{test: ["CMD", "true"]}}
"""


def make_bundles(folder: Path) -> dict[str, Path]:
    """Map versions to unpacked bundles, signed with the key beside them. 3.0 corrupts its data and fails.

    2.5 declares no migrations, and a variable whose value the site must give.
    """
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    unpacked = {}
    with SampleRegistry() as registry:
        for version in ("1.0", "2.0", "2.5", "3.0"):
            plain = version == "2.5"
            image = make_image([{"base": b"base" * 100}, {"version": version.encode()}])
            registry.add_image("app", version, image)
            (folder / f"{version}.yaml").write_text(
                PROFILE.format(
                    version=version,
                    migrations="" if plain else "app",
                    variables="\n    - {name: OWNER, required: true}" if plain else "",
                )
            )
            project = folder / f"project{version}"
            project.mkdir()
            (project / "compose.yaml").write_text(
                COMPOSE.format(tag=version) + ('    labels: {owner: "${OWNER}"}\n' if plain else "")
            )
            (project / "app.conf").write_text(CONFIG.format(version=version))
            mirror = f"registry.example={registry.host}"
            builder.check("build", "--profile", f"./{version}.yaml", "--registry-mirror", mirror)
            (tar,) = (folder / "dist").glob(f"app-{version}-*.tar")
            subprocess.run(["tar", "-xf", tar], cwd=folder, check=True)
            unpacked[version] = folder / tar.stem
    return unpacked


@dataclass(frozen=True)
class Server:
    """A server made of files. Every copy has the same path, because the installation contains the path."""

    folder: Path
    bundles: dict[str, Path]
    shell: str = "dash"

    @property
    def root(self) -> Path:
        """The folder in which the application is installed."""
        return self.folder / "root"

    def environment(self, point: str) -> dict[str, str]:
        """Return the installer's environment; `point` says when it is killed: `line|call NUMBER SIGNAL`.

        Without a point no program is wrapped, since that is a third of the time of a run.
        """
        killer = self.folder / "killer"
        shutil.rmtree(killer, ignore_errors=True)
        (killer / "bin").mkdir(parents=True)
        (killer / "bin/sleep").symlink_to(TOOLS / "sleep")
        if point:
            (killer / "real").mkdir()
            (killer / "point").write_text(f"{point}\n")
            for name in KILLED_IN:
                (killer / "bin" / name).symlink_to(TOOLS / "killer")
                real = TOOLS / "docker" if name == "docker" else Path(need_program(name))
                (killer / "real" / name).symlink_to(real)
        else:
            (killer / "bin/docker").symlink_to(TOOLS / "docker")
        return {"PATH": f"{killer}/bin:/usr/bin:/bin", "HOME": str(self.folder), "TMPDIR": str(self.folder)}

    def run(
        self, *arguments: str | Path, point: str = "", shell: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run an installer as a process group leader.

        The busybox shell runs its own `mv` and `tar` regardless of PATH, so there the journal is watched.
        """
        shell = shell or self.shell
        if shell == BUSYBOX and point:
            return self._watch(arguments, *point.split())
        return subprocess.run(
            [*shell.split(), *map(str, arguments)],
            env=self.environment(point),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            timeout=300,
        )

    def _watch(
        self, arguments: tuple[str | Path, ...], what: str, number: str, name: str
    ) -> subprocess.CompletedProcess[str]:
        """Kill an installer when its journal has `number` lines, or as soon as a service has stopped."""

        def is_reached() -> bool:
            if what == "line":
                return self.lines() >= int(number)
            assert what == "stopped"
            states = [path.read_text() for path in (self.folder / "engine/containers").iterdir()]
            return any(state.startswith("exited") for state in states)

        command = [*BUSYBOX.split(), *map(str, arguments)]
        with (self.folder / "said").open("w+") as said:
            process = subprocess.Popen(
                command, env=self.environment(""), cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip
            deadline = time.monotonic() + 300
            while process.poll() is None and not is_reached():
                assert time.monotonic() < deadline
                time.sleep(0.001)
            if process.poll() is None:
                end = os.killpg if name == "KILL" else os.kill
                end(process.pid, signal.Signals[f"SIG{name}"])
            code = process.wait(timeout=300)
            said.seek(0)
            text = said.read()
        return subprocess.CompletedProcess(command, code, text, text)

    def install(
        self, version: str, *arguments: str, point: str = "", shell: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Install or upgrade."""
        bundle = self.bundles[version]
        key = bundle.parent / "bundle.pub"
        options = ("--root", self.root, "--key", key, "--yes")
        return self.run(bundle / "install", *arguments, *options, point=point, shell=shell)

    def control(self, *arguments: str, point: str = "", shell: str = "") -> subprocess.CompletedProcess[str]:
        """Run the installed program in `shell`."""
        return self.run(self.root / "current/install", *arguments, "--yes", point=point, shell=shell)

    def backup(self) -> str:
        """The name of the only backup."""
        (found,) = (self.root / "backups").iterdir()
        return found.name

    @property
    def rows(self) -> Path:
        """The file with the application's data."""
        return self.root / "data/data/rows"

    def secrets(self) -> dict[str, str]:
        """Map names to values of secrets, including the key of the site's backups."""
        lines = (self.root / "secrets.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def journal(self) -> list[str]:
        """Return the lines of the journal."""
        journal = self.root / "state/journal"
        return journal.read_text().splitlines() if journal.exists() else []

    def lines(self) -> int:
        """Return the number of lines in the journal."""
        return len(self.journal())

    def calls(self) -> int:
        """Return the number of program calls in the last run, which had a point."""
        return (self.folder / "killer/calls").stat().st_size

    def check(self, version: str, rows: str) -> None:
        """Check that the version runs on its data, and that nothing of an unfinished run is left."""
        states = [path.read_text() for path in (self.folder / "engine/containers").iterdir()]
        assert states == [f"running healthy 0\n{version}\n"]
        assert (self.root / "current").readlink().name.startswith(f"{version}-")
        assert (self.root / "data/data/schema").read_text() == f"{version}\n"
        assert self.rows.read_text() == rows
        assert f"version {version}\n" in (self.root / "current/config/app.conf").read_text()
        token = self.secrets()["TOKEN"]
        assert f"token {token}\n" in (self.root / "current/config/app.conf").read_text()
        assert not [
            path.name
            for path in (self.root / "state").iterdir()
            if path.name in {"change", "change.return", "lock", "restore"}
        ]
        assert not list(self.root.glob("releases/*.old")) + list(self.root.glob("releases/.part"))


def wait_until_stopped(process: subprocess.Popen[bytes]) -> None:
    """Wait until an installer sent `STOP` has stopped; a CONT sent earlier would have no effect."""
    deadline = time.monotonic() + 120
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Snapshots:
    """Copies of a server in certain states."""

    def __init__(self, folder: Path, bundles: dict[str, Path]) -> None:
        self.folder = folder
        self.server = Server(folder / "server", bundles)

    def save(self, name: str, shell: str) -> None:
        """Save the server's current state."""
        shutil.copytree(self.server.folder, self._kept(name, shell), symlinks=True)

    def load(self, name: str, shell: str = "dash") -> Server:
        """Restore a state saved by `shell`, since only GNU tar can restore a backup made by GNU tar."""
        shutil.rmtree(self.server.folder, ignore_errors=True)
        shutil.copytree(self._kept(name, shell), self.server.folder, symlinks=True)
        return dataclasses.replace(self.server, shell=shell)

    def _kept(self, name: str, shell: str) -> Path:
        return self.folder / (f"{name} busybox" if shell == BUSYBOX else name)

    def fill(self) -> None:
        """Run `fill_by` with dash and with busybox."""
        for shell in ("dash", BUSYBOX):
            self.fill_by(shell)

    def fill_by(self, shell: str) -> None:
        """Save `empty`, `old` (1.0 runs), `spoilt` and `wiped` (with a backup), `new` (upgraded to 2.0)."""
        server = dataclasses.replace(self.server, shell=shell)
        shutil.rmtree(server.folder, ignore_errors=True)
        server.folder.mkdir()
        self.save("empty", shell)
        done = server.install("1.0")
        assert done.returncode == 0, done.stdout + done.stderr
        server.rows.write_text("tea\n")
        server.check("1.0", "tea\n")
        self.save("old", shell)
        done = server.control("backup")
        assert done.returncode == 0, done.stdout + done.stderr
        shown = server.control("backup", "--show-key")
        assert shown.returncode == 0, shown.stdout + shown.stderr
        (server.folder / "backup-key").write_text(shown.stdout)
        server.rows.write_text("spoilt\n")
        (server.root / "data/data/more").write_text("written later\n")
        self.save("spoilt", shell)
        done = server.control("uninstall", "--purge", "data,volumes,images,secrets")
        assert done.returncode == 0, done.stdout + done.stderr
        self.save("wiped", shell)
        self.load("old", shell)
        done = server.install("2.0")
        assert done.returncode == 0, done.stdout + done.stderr
        server.check("2.0", "tea\n")
        server.rows.write_text("tea\nrice\n")
        self.save("new", shell)
