"""The sample projects of tests/projects: built, installed, used, upgraded, restored and removed.

Each folder has the project as it is found (`project/`), the files that its second version changes (`next/`),
and `site.yaml`: what the site does with it. tests/projects/README.md says what the keys mean.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.builder import Builder
from tests.support.engines import DistributionRegistry, Site

FOLDER = Path(__file__).parents[1] / "projects"
IMAGES: Mapping[str, str] = {
    "library/nginx:1.22": "nginx",
    "library/redis:7": "redis",
    "library/postgres:15": "postgres",
    "library/busybox:1": "busybox",
    **dict.fromkeys(
        (
            "example/beanstalkd:1",
            "example/colour:1",
            "example/forge:1",
            "example/mail:4",
            "example/notes:1",
            "example/pages:1",
            "example/portal:1",
            "example/rsyslog:8",
            "example/search:1",
            "example/shop-api:3",
            "example/wiki:2",
            "library/eclipse-mosquitto:2",
            "library/memcached:1",
            "osixia/openldap:1.5",
            "prom/alertmanager:v0",
            "prom/node-exporter:v1",
            "prom/prometheus:v2",
            "ubuntu/squid:5",
        ),
        "services",
    ),
}
"""Images by the name that the projects use, and the recipe in tests/images from which each is made."""


def names() -> list[str]:
    """Return the names of the sample projects."""
    return sorted(path.parent.name for path in FOLDER.glob("*/site.yaml"))


@dataclass(frozen=True)
class Step:
    """A command in a service's container, and what it prints if that is checked."""

    service: str
    command: str
    gives: str | None


@dataclass(frozen=True)
class Sample:
    """A sample project with what its site does."""

    name: str
    site: Mapping[str, Any]

    @classmethod
    def read(cls, name: str) -> Sample:
        """Read a sample by the name of its folder."""
        return cls(name, yaml.safe_load((FOLDER / name / "site.yaml").read_text()))

    def steps(self, key: str) -> list[Step]:
        """Return the steps of one kind: before, write, read, changed or spoil."""
        return [Step(step["in"], step["run"], step.get("gives")) for step in self.site.get(key) or ()]

    def build(self, builder: Builder, registry: str, version: str) -> Path:
        """Build a version from a copy of the project, with the profile that `bundle init` writes for it."""
        folder = builder.folder / self.name / version
        shutil.copytree(FOLDER / self.name / "project", folder / "project", symlinks=True)
        if version != "1.0":
            shutil.copytree(
                FOLDER / self.name / "next", folder / "project", symlinks=True, dirs_exist_ok=True
            )
        builder.check("init", "--from", folder / "project", "--to", folder)
        (written,) = folder.glob("*.yaml")
        profile = yaml.safe_load(written.read_text())
        profile["settings"] |= {"name": self.name, **(self.site.get("settings") or {})}
        profile |= {"version": version, "health": {"timeout": "90s"}}
        written.write_text(yaml.safe_dump(profile, sort_keys=False, allow_unicode=True))
        return builder.build(written, registry)


@dataclass(frozen=True)
class Installation:
    """A sample at a site."""

    sample: Sample
    site: Site
    key: Path

    @property
    def root(self) -> Path:
        """The folder in which it is installed."""
        return self.site.folder / "apps" / self.sample.name

    def carry(self, bundle: Path) -> Path:
        """Copy a bundle's file to the site and unpack it there; return the folder."""
        folder = self.site.folder / "carried" / self.sample.name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.key, folder)
        done = self.site.run("tar", "-xf", bundle, cwd=folder)
        assert done.returncode == 0, done.stderr
        return folder / bundle.stem

    def install(self, bundle: Path) -> str:
        """Install or upgrade; return what was printed."""
        unpacked = self.carry(bundle)
        answers = (self.sample.site.get("answers") or {}).items()
        given = [part for name, value in answers for part in ("--set", f"{name}={value}")]
        done = self.site.run(
            "sh", unpacked / "install", "--root", self.root, "--key", unpacked.parent / self.key.name,
            "--yes", *given, cwd=unpacked.parent, timeout=400,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def control(self, *arguments: str | Path) -> str:
        """Run the installed program; it must succeed."""
        done = self.site.run("sh", self.root / "current/install", *arguments, timeout=400)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def containers(self, service: str) -> list[str]:
        """Return the running containers of a service."""
        project, name = "label=com.docker.compose.project", "label=com.docker.compose.service"
        found = self.site.docker("ps", "-q", "--filter", project, "--filter", f"{name}={service}")
        return found.split()

    def do(self, steps: Sequence[Step]) -> None:
        """Run steps in the containers and compare what they print."""
        for step in steps:
            (container, *_) = self.containers(step.service)
            done = self.site.run("docker", "exec", container, "sh", "-c", step.command, timeout=60)
            assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"
            if step.gives is not None:
                assert done.stdout.strip() == step.gives, f"{step}: {done.stdout}"

    def services(self) -> dict[str, str]:
        """Map services to their states."""
        status = json.loads(self.control("status", "--json"))
        return {entry["service"]: entry["state"] for entry in status["services"]}

    def check(self) -> None:
        """Check what holds at any time: numbers of containers, labels, published secrets."""
        for service, number in (self.sample.site.get("containers") or {}).items():
            assert len(self.containers(service)) == number, service
        for service, labels in (self.sample.site.get("labels") or {}).items():
            (container,) = self.containers(service)
            found = json.loads(self.site.docker("inspect", container))[0]["Config"]["Labels"]
            assert labels.items() <= found.items()
        if "services" in self.sample.site:
            assert sorted(self.services()) == sorted(self.sample.site["services"])

    def remove(self) -> None:
        """Remove what is left, also after a failure."""
        shutil.rmtree(self.site.folder / "carried" / self.sample.name, ignore_errors=True)
        self.site.clear()
        shutil.rmtree(self.root, ignore_errors=True)


def find_in_bundle(bundle: Path, texts: Sequence[str]) -> list[str]:
    """Return the members of a bundle, other than images, that contain one of the texts."""
    found = []
    with tarfile.open(bundle) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is None or "/images/" in member.name:
                continue
            content = file.read()
            found += [member.name for text in texts if text.encode() in content]
    return found


def push_images(registry: DistributionRegistry, layouts: Mapping[str, Path]) -> None:
    """Push every image that the samples use, under its public name."""
    for name, recipe in IMAGES.items():
        registry.push(layouts[recipe], name)
