"""Small projects to be rehearsed: a web server and a worker of busybox, right or with one defect each."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bundler.bundle.manifest import Packing, Provenance
from bundler_installer.manifest import InstallerManifest
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engines import newer_root
from tests.support.programs import need_program, need_root

PUT_TOGETHER = "mkdir -p /bin /tmp && /bin/busybox --install -s /bin"
WEB = f"""
{PUT_TOGETHER}
[ -f /data/first ] || echo first >/data/first
echo "$GREETING" >/www
trap 'exit 0' TERM
while :; do echo web | nc -l -p 8080 >/dev/null 2>&1 & wait $!; done
"""
WORKER = f"""
{PUT_TOGETHER}
trap 'exit 0' TERM
while :; do echo x >>/state/turns; sleep 1 & wait $!; done
"""
NAME = "bundle-rehearsal"
"""What the names of the control groups and processes of a rehearsal begin with."""
QUICK = {"interval": "1s", "timeout": "2s", "retries": 3}


def right() -> dict[str, Any]:
    """Return a Compose document without a defect."""
    return {
        "services": {
            "web": {
                "image": "sample/box:1",
                "entrypoint": ["/bin/busybox", "sh", "-c"],
                "command": [WEB.replace("$", "$$").replace("$$GREETING", "${GREETING}")],
                "ports": ["${WEB_PORT}:8080"],
                "volumes": ["files:/data"],
                "healthcheck": {"test": ["CMD", "/bin/busybox", "test", "-f", "/data/first"], **QUICK},
                "restart": "unless-stopped",
            },
            "worker": {
                "image": "sample/box:1",
                "entrypoint": ["/bin/busybox", "sh", "-c"],
                "command": [WORKER.replace("$", "$$")],
                "volumes": ["./data/state:/state"],
                "depends_on": {"web": {"condition": "service_healthy"}},
                "restart": "unless-stopped",
            },
        },
        "volumes": {"files": {}},
    }


SETTINGS: dict[str, Any] = {
    "project": "pair",
    "title": "Pair",
    "variables": [
        {"name": "GREETING", "required": True, "pattern": "[a-z]{4,}"},
        {"name": "WEB_PORT", "kind": "port", "required": True},
    ],
}


def manifest_with(**fields: Any) -> InstallerManifest:  # noqa: ANN401 fields of the manifest
    """Return a manifest of no images and services, with these fields instead."""
    given = {
        **dict.fromkeys(("name", "title", "profile", "project"), "pair"),
        **dict.fromkeys(("images", "services", "ports", "variables", "requirements"), ()),
        **dict.fromkeys(("format", "created", "health_timeout"), 1),
        "version": "1.0",
        "platform": "linux/amd64",
        "provenance": Provenance(builder="b", profile_sha256="0" * 64),
        "packing": Packing(compression="keep", level=None, window=None, kept_bytes=0, packed_bytes=0),
    }
    return InstallerManifest(**{**given, **fields})


@dataclass
class Rehearsed:
    """A release engineer's machine with bundles of small projects; `bundle` runs there with Compose."""

    folder: Path
    registry: SampleRegistry
    builder: Builder = field(init=False)

    def __post_init__(self) -> None:
        need_root()
        for name, package in (("dockerd", "docker.io"), ("ip", "iproute2"), ("busybox", "busybox-static")):
            need_program(name, package)
        self.builder = Builder(self.folder, self.folder / "cache")
        box = Path(need_program("busybox", "busybox-static")).read_bytes()
        self.registry.add_image("sample/box", "1", make_image({"bin/busybox": box, "bin/sh": box}))
        plugins = self.folder / "docker-config/cli-plugins"
        plugins.mkdir(parents=True)
        (plugins / "docker-compose").symlink_to(
            newer_root() / "usr/libexec/docker/cli-plugins/docker-compose"
        )
        self.builder.check("keygen")

    @property
    def environment(self) -> dict[str, str]:
        """What `bundle rehearse` needs to find Compose."""
        return {"DOCKER_CONFIG": str(self.folder / "docker-config")}

    def profile(self, name: str, document: Mapping[str, Any], **settings: object) -> Path:
        """Write a project and its profile; return the profile."""
        project = self.folder / name
        project.mkdir()
        (project / "compose.yaml").write_text(yaml.safe_dump(dict(document), sort_keys=False))
        profile = self.folder / f"{name}.yaml"
        content = {
            "description": "A project to be rehearsed",
            "application": "compose",
            "version": "1.0",
            "settings": {**SETTINGS, "project": name, "name": name, **settings},
            "requirements": {"cpu": {"minimum": 64}},
            "health": {"timeout": "20s"},
        }
        profile.write_text(yaml.safe_dump(content, sort_keys=False))
        return profile

    def mirror(self) -> tuple[str, str]:
        """Return the option that finds the images."""
        return ("--registry-mirror", f"docker.io={self.registry.host}")

    def build(self, name: str, document: Mapping[str, Any], **settings: object) -> Path:
        """Build the project's bundle."""
        profile = self.profile(name, document, **settings)
        self.builder.check("build", "--profile", profile, "--output", f"dist-{name}", *self.mirror())
        return next((self.folder / f"dist-{name}").glob("*.tar"))

    def rehearse(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `bundle rehearse`; never raises for its exit code."""
        return self.builder.bundle("rehearse", *arguments, environment=self.environment)

    def report(self, *arguments: str | Path) -> dict[str, Any]:
        """Run `bundle rehearse --json`; return the report."""
        done = self.rehearse("--json", *arguments)
        assert done.stdout.startswith("{"), done.stdout + done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        assert (done.returncode == 0) == report["ok"], done.stderr
        return report


@dataclass(frozen=True)
class Machine:
    """What a rehearsal must leave as it is."""

    parts: Mapping[str, object]

    @classmethod
    def look(cls, folder: Path) -> Machine:
        """Return what the machine is like now; `folder` is that of the rehearsals."""

        def said(*command: str) -> str:
            return subprocess.run(command, capture_output=True, text=True, check=False).stdout

        links = [line.split(":")[1] for line in said("ip", "-o", "link").splitlines()]
        tables = [
            line
            for line in said("iptables-save").splitlines()
            if not line.startswith(("#", ":"))  # counters and times
        ]
        return cls(
            {
                "links": links,
                "addresses": said("ip", "-brief", "address"),
                "routes": said("ip", "route"),
                "rules": tables,
                "mounts": _mounts(folder),
                "groups": _groups(),
                "processes": _engines(),
                "docker": _listing(Path("/var/lib/docker")),
                "run": [name for name in _listing(Path("/run")) if name.startswith(("docker", "containerd"))],
                "hostname": Path("/proc/sys/kernel/hostname").read_text(),
            }
        )


def _mounts(folder: Path) -> list[str]:
    """Return the mounts, without those of other tests that run at the same time."""
    own = str(folder)
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    others = (f"{tempfile.gettempdir()}/", "/run/netns")
    return [point for point in points if point.startswith(own) or not point.startswith(others)]


def _groups() -> list[str]:
    """Return the control groups of rehearsals; `os.walk` passes over those that end while it looks."""
    top = "/sys/fs/cgroup"
    return [f"{at}/{name}" for at, names, _ in os.walk(top) for name in names if name.startswith(NAME)]


def _engines() -> list[str]:
    """Return command lines of processes that belong to engines or sites of rehearsals."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if NAME.encode() in b" ".join(words):
            found.append(b" ".join(words).decode(errors="replace")[:200])
    return sorted(found)


def _listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
