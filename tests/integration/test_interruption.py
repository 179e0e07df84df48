"""Killed at every line of the journal, and between: the same command run again completes.

The installer, its shell, its tools and the bundles are real; the engine is one of files (tests/support/site_tools),
so that hundreds of runs take minutes. tests/e2e/test_upgrade.py does some of the same with real engines.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.programs import need_program

TOOLS = Path(__file__).parents[1] / "support" / "site_tools"
KILLED_IN = ("docker", "mv", "ln", "cp", "rm", "mkdir", "tar", "sync", "chmod", "date")
"""Programs that the installer may be killed in the call of."""
PROFILE = """
application: compose
version: "{version}"
settings:
  project: project{version}
  name: app
  site_templates: [app.conf]
  data: [data]
  lifecycle: {{migrations: [app]}}
  variables:
    - {{name: GREETING, default: hello}}
    - {{name: TOKEN, kind: secret, generator: "random:32"}}
requirements: {{cpu: {{minimum: 1}}}}
health: {{timeout: 20s}}
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


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Version -> unpacked bundle. 1.0 and 2.0 work, 3.0 spoils its data and fails."""
    folder = tmp_path_factory.mktemp("bundles")
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    unpacked = {}
    with SampleRegistry() as registry:
        for version in ("1.0", "2.0", "3.0"):
            image = make_image([{"base": b"base" * 100}, {"version": version.encode()}])
            registry.add_image("app", version, image)
            (folder / f"{version}.yaml").write_text(PROFILE.format(version=version))
            project = folder / f"project{version}"
            project.mkdir()
            (project / "compose.yaml").write_text(COMPOSE.format(tag=version))
            (project / "app.conf").write_text(f"version {version}\ngreeting @@GREETING@@\ntoken @@TOKEN@@\n")
            mirror = f"registry.example={registry.host}"
            builder.check("build", "--profile", f"./{version}.yaml", "--registry-mirror", mirror)
            (tar,) = (folder / "dist").glob(f"app-{version}-*.tar")
            subprocess.run(["tar", "-xf", tar], cwd=folder, check=True)
            unpacked[version] = folder / tar.stem
    return unpacked


@dataclass(frozen=True)
class Server:
    """A server made of files. Its folder's path is the same for every copy, for the installation names it."""

    folder: Path
    bundles: dict[str, Path]

    @property
    def root(self) -> Path:
        """Where the application is installed."""
        return self.folder / "root"

    def environment(self, point: str) -> dict[str, str]:
        """What the installer sees, with a point at which it is ended: `line|call NUMBER SIGNAL`, or none."""
        killer = self.folder / "killer"
        shutil.rmtree(killer, ignore_errors=True)
        (killer / "bin").mkdir(parents=True)
        (killer / "real").mkdir()
        (killer / "bin/sleep").symlink_to(TOOLS / "sleep")
        for name in KILLED_IN:
            (killer / "bin" / name).symlink_to(TOOLS / "killer")
            real = TOOLS / "docker" if name == "docker" else Path(need_program(name))
            (killer / "real" / name).symlink_to(real)
        if point:
            (killer / "point").write_text(f"{point}\n")
        return {"PATH": f"{killer}/bin:/usr/bin:/bin", "HOME": str(self.folder), "TMPDIR": str(self.folder)}

    def run(self, *arguments: str | Path, point: str = "") -> subprocess.CompletedProcess[str]:
        """Run an installer as the leader of its own process group."""
        return subprocess.run(
            ["dash", *map(str, arguments)],
            env=self.environment(point),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            timeout=90,
        )

    def install(self, version: str, *arguments: str, point: str = "") -> subprocess.CompletedProcess[str]:
        """Install or upgrade."""
        bundle = self.bundles[version]
        key = bundle.parent / "bundle.pub"
        return self.run(
            bundle / "install", *arguments, "--root", self.root, "--key", key, "--yes", point=point
        )

    def control(self, *arguments: str, point: str = "") -> subprocess.CompletedProcess[str]:
        """Run the installed program."""
        return self.run(self.root / "appctl", *arguments, "--yes", point=point)

    def lines(self) -> int:
        """Of the journal."""
        journal = self.root / "state/journal"
        return len(journal.read_text().splitlines()) if journal.exists() else 0

    def calls(self) -> int:
        """Of programs, by the last run."""
        return (self.folder / "killer/calls").stat().st_size

    def check(self, version: str, rows: str) -> None:
        """The version runs on its data, and nothing is left of what was under way."""
        status = self.control("status")
        assert status.returncode == 0, status.stdout + status.stderr
        assert f"{version} (" in status.stdout
        assert (self.root / "data/data/schema").read_text() == f"{version}\n"
        assert (self.root / "data/data/rows").read_text() == rows
        assert f"version {version}\n" in (self.root / "current/config/app.conf").read_text()
        token = (self.root / "secrets.env").read_text().strip().removeprefix("TOKEN=")
        assert f"token {token}\n" in (self.root / "current/config/app.conf").read_text()
        assert not [
            path.name
            for path in (self.root / "state").iterdir()
            if path.name in {"change", "lock", "restore"}
        ]
        assert not list(self.root.glob("releases/*.old")) + list(self.root.glob("releases/.part"))


class Snapshots:
    """Copies of a server in certain states."""

    def __init__(self, folder: Path, bundles: dict[str, Path]) -> None:
        self.folder = folder
        self.server = Server(folder / "server", bundles)

    def save(self, name: str) -> None:
        """Keep the server as it is."""
        shutil.copytree(self.server.folder, self.folder / name, symlinks=True)

    def load(self, name: str) -> Server:
        """The server as it was."""
        shutil.rmtree(self.server.folder, ignore_errors=True)
        shutil.copytree(self.folder / name, self.server.folder, symlinks=True)
        return self.server


@pytest.fixture(scope="module")
def snapshots(bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Snapshots:
    """Servers: `empty`, with 1.0 (`old`), and upgraded from it to 2.0 (`new`)."""
    found = Snapshots(tmp_path_factory.mktemp("servers"), bundles)
    server = found.server
    server.folder.mkdir()
    found.save("empty")
    done = server.install("1.0")
    assert done.returncode == 0, done.stdout + done.stderr
    (server.root / "data/data/rows").write_text("tea\n")
    server.check("1.0", "tea\n")
    found.save("old")
    done = server.install("2.0")
    assert done.returncode == 0, done.stdout + done.stderr
    server.check("2.0", "tea\n")
    (server.root / "data/data/rows").write_text("tea\nrice\n")
    found.save("new")
    return found


def points(snapshots: Snapshots, start: str, command: tuple[str, ...], code: int) -> Iterator[str]:
    """Where a command is killed: after each line of its journal, and in calls spread over the whole of it."""
    server = snapshots.load(start)
    before = server.lines()
    done = act(server, command)
    assert done.returncode == code, done.stdout + done.stderr
    for line in range(before + 1, server.lines() + 1):
        yield f"line {line} KILL"
    calls = server.calls()
    every = int(os.environ.get("BUNDLE_TEST_KILL_EVERY", "0")) or max(1, calls // 12)
    for call in range(1, calls, every):
        yield f"call {call} KILL"


def act(server: Server, command: tuple[str, ...], point: str = "") -> subprocess.CompletedProcess[str]:
    """Run `install VERSION` or `rollback`."""
    if command[0] == "install":
        return server.install(command[1], point=point)
    return server.control(*command, point=point)


RUNS = {
    "install": ("empty", ("install", "1.0"), 0, "1.0", ""),
    "upgrade": ("old", ("install", "2.0"), 0, "2.0", "tea\n"),
    "failing upgrade": ("old", ("install", "3.0"), 5, "1.0", "tea\n"),
    "rollback": ("new", ("rollback",), 0, "1.0", "tea\n"),
}


@pytest.mark.parametrize("run", RUNS)
def test_killed_anywhere_the_same_command_completes(run: str, snapshots: Snapshots) -> None:
    start, command, code, version, rows = RUNS[run]
    tried = 0
    for point in list(points(snapshots, start, command, code)):
        server = snapshots.load(start)
        killed = act(server, command, point)
        if killed.returncode == code:  # it ended before the point was reached
            continue
        assert killed.returncode == -signal.SIGKILL, (point, killed.stdout + killed.stderr)
        again = act(server, command)
        assert again.returncode == code, (point, killed.stdout, again.stdout + again.stderr)
        if not rows:
            (server.root / "data/data/rows").write_text("")
        server.check(version, rows)
        tried += 1
    assert tried > 15
