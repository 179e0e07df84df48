"""Kill the installer of a small application at random times, again and again, on a site with a real engine.

A cycle installs, backs up, upgrades, goes back and restores. Each command is killed (SIGKILL) after a random
time, once or more, alternately the shell alone and its whole process group. Then the same command must
complete, with the data intact.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engines import Site
from tests.support.installer import SHELLS
from tests.support.processes import open_files
from tests.support.programs import need_program, run

PROFILE = """
application: compose
version: "{version}"
settings:
  project: project{version}
  name: tally
  lifecycle:
    quiesce: [web]
    dumps: [{{id: rows, service: db, backup: cat /data/rows, restore: "sleep 0.3; cat >/data/rows"}}]
    dumped: [./data/db]
    migrations: [migrate]
  variables:
    - {{name: TOKEN, kind: secret, generator: "random:32"}}
requirements: {{cpu: {{minimum: 1}}}}
health: {{timeout: 2m}}
backup: {{keep: 2}}
"""
COMPOSE = """
name: tally
services:
  db:
    image: registry.example/tally:{version}
    entrypoint: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"]
    environment: {{TOKEN: "${{TOKEN}}"}}
    volumes: ["./data/db:/data", "./data/files:/files", "named:/named"]
    healthcheck: {{test: ["CMD", "sh", "-c", "[ -d /data ]"], interval: 1s, retries: 20}}
  migrate:
    image: registry.example/tally:{version}
    entrypoint: ["sh", "-c", "echo {version} >/data/schema"]
    volumes: ["./data/db:/data"]
    depends_on: {{db: {{condition: service_healthy}}}}
  web:
    image: registry.example/tally:{version}
    entrypoint: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"]
    healthcheck: {{test: ["CMD", "sh", "-c", ":"], interval: 1s, retries: 20}}
    depends_on: {{migrate: {{condition: service_completed_successfully}}}}
volumes:
  named:
"""
LEFT = (
    "**/*.part",
    "**/.part",
    "**/*.old",
    "**/*.new",
    "**/.bundle.*",
    "state/unpacked*",
    "blobs/**/.copy-*",
)
"""Patterns that no file below the root may match when no run is active."""
FAILURES = 10
"""The number of failures that ends a run."""
NOTES = ("change", "change.return", "restore", "stopped", "lock", "litter")
"""Files of `state/` that record an unfinished operation."""


def make_bundles(folder: Path) -> dict[str, Path]:
    """Map each version to its bundle; the key `bundle.pub` is in `folder`."""
    busybox = Path(need_program("busybox", "busybox-static")).read_bytes()
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    bundles = {}
    with SampleRegistry() as registry:
        for version in ("1.0", "2.0"):
            layers = [{"bin/sh": busybox}, {"etc/version": version.encode()}]
            registry.add_image("tally", version, make_image(layers))
            (folder / f"{version}.yaml").write_text(PROFILE.format(version=version))
            project = folder / f"project{version}"
            project.mkdir()
            (project / "compose.yaml").write_text(COMPOSE.format(version=version))
            mirror = f"registry.example={registry.host}"
            builder.check("build", "--profile", f"./{version}.yaml", "--registry-mirror", mirror)
            (bundles[version],) = (folder / "dist").glob(f"tally-{version}-*.tar")
    return bundles


@dataclass
class Tally:
    """The application at a site, and the data that it is expected to have."""

    site: Site
    bundles: dict[str, Path]
    shell: str = "dash"
    unpacked: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for version, bundle in self.bundles.items():
            run("tar", "-xf", bundle, "-C", self.site.folder)
            self.unpacked[version] = self.site.folder / bundle.stem
        self.scratch = self.site.folder / "scratch"
        self.scratch.mkdir()

    @property
    def root(self) -> Path:
        """The folder in which it is installed."""
        return self.site.folder / "tally root"

    def install(self, version: str) -> list[str | Path]:
        """Return the command line that installs a version or upgrades to it."""
        key = self.bundles[version].parents[1] / "bundle.pub"
        options = ("--root", self.root, "--key", key, "--yes", "--set", f"TOKEN={self.token}")
        return [*SHELLS[self.shell], self.unpacked[version] / "install", *options]

    token = "t0ken-of-the-site-that-nobody-may-find"

    def control(self, *arguments: str) -> list[str | Path]:
        """Return the command line of the installed program."""
        return [*SHELLS[self.shell], self.root / "current/install", *arguments, "--yes"]

    def start(self, command: list[str | Path], said: Path) -> subprocess.Popen[bytes]:
        """Start a command as the leader of a new process group."""
        with said.open("ab") as file:
            return subprocess.Popen(
                self.site.inside(*command),
                cwd=self.site.folder,
                env={**self.site.environment, "TMPDIR": str(self.scratch)},
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip

    def container(self) -> str:
        """Return the ID of the database's container."""
        label = "label=com.docker.compose.service=db"
        return self.site.docker("ps", "-q", "--filter", label).strip()

    def write(self, rows: str) -> None:
        """Write rows to every place that keeps data: the database, a folder and a volume."""
        script = 'for each in /data /files /named; do printf "%s" "$0" >$each/rows; done'
        self.site.docker("exec", self.container(), "sh", "-c", script, rows)

    def read(self) -> list[str]:
        """Read the rows from each of these places, and the schema's version."""
        script = 'for each in /data/rows /files/rows /named/rows /data/schema; do echo "$(cat $each)"; done'
        return self.site.docker("exec", self.container(), "sh", "-c", script).splitlines()

    def check(self, version: str, rows: str) -> None:
        """Check that the version runs on its data, and that nothing of an unfinished run is left."""
        status = self.site.run(*self.control("status", "--json"), environment={"TMPDIR": str(self.scratch)})
        assert status.returncode == 0, f"status: {status.returncode}\n{status.stdout}{status.stderr}"
        assert json.loads(status.stdout)["version"] == version
        found = self.read()
        assert found == [rows, rows, rows, version], found
        notes = [name for name in NOTES if os.path.lexists(self.root / "state" / name)]
        assert notes == [], f"left in state: {notes}"
        half = [path for pattern in LEFT for path in self.root.glob(pattern) if "data" not in path.parts]
        assert half == [], f"left half made: {half}"
        assert holders(self.root) == set(), "a process of a run is still at work"
        # a file made just before the kill is empty, and is removed after ten minutes
        scratch = [path for path in self.scratch.rglob("*") if path.is_file() and path.stat().st_size]
        assert scratch == [], run("ls", "-lAR", "--full-time", *self.scratch.iterdir())
        secrets = (self.root / "secrets.env").read_text().splitlines()
        assert f"TOKEN={self.token}" in secrets, "another TOKEN"
        for backup in (self.root / "backups").glob("*"):
            check_backup(backup)

    def clear(self) -> None:
        """Return to the state before the first installation, from any state."""
        for pid in holders(self.root):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        containers = self.site.docker("ps", "-aq").split()
        if containers:
            self.site.docker("rm", "--force", "--volumes", *containers)
        volumes = self.site.docker("volume", "ls", "-q").split()
        if volumes:
            self.site.docker("volume", "rm", *volumes)
        images = set(self.site.docker("images", "-aq").split())
        if images:
            self.site.docker("rmi", "--force", *images)
        shutil.rmtree(self.root, ignore_errors=True)
        for left in self.scratch.iterdir():
            shutil.rmtree(left)


def check_backup(folder: Path) -> None:
    """Check that a backup is complete."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    assert lines, folder
    for line in lines:
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, folder / name


def holders(root: Path) -> set[int]:
    """Return the processes that hold a run's descriptor on this root."""
    return {
        process for process, number, path in open_files() if (number, path) == (9, root / "state/running")
    }


@dataclass
class Chaos:
    """Kill commands at random; count the kills and record results that differ from the documentation.

    Attributes:
        seed: of the random choices.
        kills: number of kills for each command, counted separately for `alone` and `group`.
        failures: description of each failure, with the output.
    """

    tally: Tally
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _durations: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 to be done again with the same seed
        self.said = self.tally.site.folder / "said"

    def run(self, kills: int) -> None:
        """Run cycles until there are `kills` kills."""
        while self.kills.total() < kills and len(self.failures) < FAILURES:
            shell = self.random.choice(sorted(SHELLS))
            self.tally.shell = shell
            before = self.kills.total()
            try:
                self.tally.clear()
                for _ in self._cycle():
                    if self.kills.total() >= kills:
                        return
                print(f"{self.kills.total()} kills, {len(self.failures)} failures", flush=True)  # noqa: T201
            except AssertionError as error:
                said = self.said.read_text(errors="replace")[-3000:]
                journal = self.tally.root / "state/journal"
                steps = journal.read_text()[-1000:] if journal.exists() else ""
                failure = f"seed {self.seed}, kills {before} to {self.kills.total()}, {shell}"
                print(f"{failure}\n{error}\n{said}\n{steps}", flush=True)  # noqa: T201
                self.failures.append(f"{failure}\n{error}")

    def _cycle(self) -> Iterator[str]:
        tally = self.tally
        rows = f"tea {self.kills.total()}"
        self._kill("install", tally.install("1.0"))
        tally.write(rows)
        tally.check("1.0", rows)
        yield "install"
        self._kill("backup", tally.control("backup"))
        tally.check("1.0", rows)
        manual = max(path.name for path in (tally.root / "backups").iterdir())
        yield "backup"
        self._kill("upgrade", tally.install("2.0"))
        tally.check("2.0", rows)
        tally.write(f"{rows} of 2.0")
        yield "upgrade"
        self._kill("rollback", tally.control("rollback"))
        tally.check("1.0", rows)
        assert list(tally.root.glob("data.before-restore-*")) == [], "set aside, though the backup has it"
        tally.write("spoilt")
        yield "rollback"
        self._kill("restore", tally.control("restore", manual))
        tally.check("1.0", rows)
        # a restore that is killed at its end runs again, and sets aside the data restored by the first run
        aside = sorted(tally.root.glob("data.before-restore-*"))
        held = {each.name: [path.read_text() for path in each.glob("data/**/files/rows")] for each in aside}
        assert next(iter(held.values()), []) == ["spoilt"], held
        assert [] not in held.values(), held
        yield "restore"

    def _kill(self, name: str, command: list[str | Path]) -> None:
        """Kill a command once or more, then let it complete."""
        self.said.write_bytes(b"")
        for _ in range(self.random.choice((1, 2, 3, 4))):
            # the end of a run is as likely to be hit as any other part
            delay = self.random.uniform(0, self._durations.get(name, 4.0))
            process = self.tally.start(command, self.said)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=delay)
            if process.poll() is not None:  # it ended before the kill
                assert process.returncode == 0, f"{name}: exit {process.returncode}"
                return
            kind = "alone" if self.kills.total() % 2 else "group"
            (os.kill if kind == "alone" else os.killpg)(process.pid, signal.SIGKILL)
            process.wait()
            self.kills[f"{name} {kind}"] += 1
            with self.said.open("a") as said:
                said.write(f"== {name}: killed ({kind}) after {delay:.2f} s\n")
        began = time.monotonic()
        process = self.tally.start(command, self.said)
        try:
            code = process.wait(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError(f"{name}: does not end") from None
        assert code == 0, f"{name}: exit {code}"
        took = time.monotonic() - began
        self._durations[name] = min(self._durations.get(name, took), took)
