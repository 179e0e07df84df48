"""A bank that runs Dify: bundles built from images under their real names, and an offline site.

PostgreSQL, Redis, nginx and squid are real. Dify's own programs and the vector stores are **stand-ins**
(tests/images/dify) that connect to the configured servers with the configured secrets.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bundler_dify.releases import DEFAULT, RELEASES
from tests.support import https, sniffer
from tests.support.builder import Builder
from tests.support.engines import DistributionRegistry, Site
from tests.support.images import build_images
from tests.support.site_certificates import HOST, write_pair

E2E = Path(__file__).parents[1] / "e2e"
STANDINS = (
    "api", "web", "plugin_daemon", "agent_backend", "local_sandbox", "sandbox", "weaviate", "qdrant",
)  # fmt: skip
REAL = {"init": "busybox", "nginx": "nginx", "squid": "squid", "postgres": "postgres", "redis": "redis"}
LATER = "1.18.0"
LATER_IMAGES = {
    "plugin_daemon": "langgenius/dify-plugin-daemon:0.6.12-local",
    "sandbox": "langgenius/dify-sandbox:0.2.16",
}
"""The images that a profile names for Dify 1.18.0; here the tags belong to stand-ins."""
ACCEPT = ("--accept", "cpu", "--accept", "memory", "--accept", "ssd")
SERVICES = {
    "init_permissions", "migrate", "api", "api_websocket", "worker", "worker_beat", "web", "db_postgres",
    "redis", "weaviate", "plugin_daemon", "agent_backend", "local_sandbox", "sandbox", "ssrf_proxy",
    "agent_ssrf_proxy", "nginx",
}  # fmt: skip
"""The services of the profile finance when everything is bundled."""


class Workshop:
    """The machine that builds the bank's bundles, and a registry with all images under their real names."""

    def __init__(self, registry: DistributionRegistry, folder: Path) -> None:
        self.folder = folder
        self.builder = Builder(folder, folder / "cache")
        names: dict[str, str] = {}
        for release in (RELEASES[DEFAULT], RELEASES[LATER].with_images(LATER_IMAGES)):
            names |= {getattr(release.images, part): recipe for part, recipe in REAL.items()}
            names |= {getattr(release.images, part): f"dify:{part}" for part in STANDINS}
        layouts = build_images(list(names.values()))
        for reference, recipe in names.items():
            name = reference.removeprefix("cr.weaviate.io/")
            registry.push(layouts[recipe], name if "/" in name else f"library/{name}")
        hosts = ("docker.io", "cr.weaviate.io")
        self.mirrors = [word for host in hosts for word in ("--registry-mirror", f"{host}={registry.host}")]
        write_plugin(folder / "hello.difypkg")
        self.builder.check("keygen")

    @property
    def key(self) -> Path:
        """The public key that the site verifies bundles with."""
        return self.folder / "bundle.pub"

    def build(self, profile: str, text: str | None = None) -> Path:
        """Lock and build a profile of tests/e2e, or one that is written from `text`."""
        file = self.folder / profile
        if text is None:
            shutil.copy(E2E / profile, file)
        else:
            file.write_text(text)
        self.builder.check("lock", "--profile", profile, *self.mirrors)
        return self.build_locked(profile)

    def build_locked(self, profile: str) -> Path:
        """Build a profile that already has a lock file."""
        self.builder.check("build", "--profile", profile, "--key", "bundle.key", *self.mirrors)
        built = (self.folder / "dist").glob(f"*-{Path(profile).stem}-*.tar")
        return max(built, key=lambda path: path.stat().st_mtime_ns)


def write_plugin(path: Path) -> None:
    """Write a plugin package as a bundle carries it: with its wheels, and with an unrelated signature."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.yaml", "version: 0.0.1\nname: hello\nauthor: bank\n")
        archive.writestr("requirements.txt", "--no-index --find-links=./wheels/\n")
        archive.comment = b"signature"


@dataclass
class Place:
    """The site, the bundle unpacked there, and the answers for its installer."""

    site: Site
    root: Path
    ca: Path
    left: Path
    unpacked: Path = Path()
    answers: dict[str, object] = field(default_factory=dict)

    @property
    def carried(self) -> Path:
        """The folder to which bundles and their key are carried."""
        return self.site.folder / "carried"

    def carry(self, bundle: Path, key: Path) -> None:
        """Carry a bundle and its key to the site, and nothing else; check and unpack the bundle."""
        self.carried.mkdir(exist_ok=True)
        for path in (bundle, bundle.with_name(f"{bundle.name}.sha256"), key):
            shutil.copy(path, self.carried)
        for command in (("sha256sum", "-c", f"{bundle.name}.sha256"), ("tar", "-xf", bundle.name)):
            result = self.site.run(*command, cwd=self.carried)
            assert result.returncode == 0, result.stderr
        self.unpacked = self.carried / bundle.stem

    def command(self, *options: str | Path) -> list[str | Path]:
        """Return the installer's command line."""
        return [
            "dash", self.unpacked / "install", *options, "--root", self.root, "--key", "bundle.pub",
        ]  # fmt: skip

    def install(self, *options: str | Path, **answers: object) -> subprocess.CompletedProcess[str]:
        """Install unattended, with an answers file."""
        file = self.site.folder / "answers.env"
        file.write_text("".join(f"{name}={value}\n" for name, value in (self.answers | answers).items()))
        command = self.command(*options, "--answers", file, "--yes")
        return self.site.run(*command, cwd=self.carried, timeout=600)

    def control(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `difyctl`."""
        return self.site.run("dash", self.root / "difyctl", *words, timeout=600)

    def remove(self) -> None:
        """Uninstall everything except the engine's images."""
        removed = self.control("uninstall", "--purge", "data,secrets,volumes", "--yes")
        assert removed.returncode == 0, removed.stdout + removed.stderr
        assert self.site.docker("ps", "-aq", "--filter", "label=com.docker.compose.project=dify") == ""

    def ask(self, *requests: tuple[str, str, dict[str, str], str | None], tls: bool = True) -> list[Any]:
        """Send requests through the gateway."""
        wish = {
            "host": HOST,
            "port": 8443 if tls else 8080,
            "ca": str(self.ca) if tls else None,
            "requests": requests,
        }
        result = self.site.run("python3", https.__file__, text=json.dumps(wish))
        assert result.returncode == 0, result.stderr
        return list(json.loads(result.stdout))

    def get(self, *paths: str, tls: bool = True) -> list[Any]:
        """Return the answers to GET requests."""
        return self.ask(*(("GET", path, {}, None) for path in paths), tls=tls)

    def post(self, path: str, body: object) -> dict[str, Any]:
        """Return the answer to a POST request with a JSON body."""
        headers = {"Content-Type": "application/json"}
        answer: dict[str, Any] = self.ask(("POST", path, headers, json.dumps(body)))[0]
        return answer

    def work(self) -> tuple[str, str]:
        """Run a task on a worker; return the task's and the worker's name, to compare with the database."""
        done = json.loads(self.post("/v1/work", {})["body"])
        return done["task"], done["worker"]

    def containers(self, service: str) -> list[str]:
        """Return the running containers of a service."""
        label = f"label=com.docker.compose.service={service}"
        return self.site.docker("ps", "-q", "--filter", label).split()

    def told(self, service: str, variable: str) -> str:
        """Return the value of an environment variable in a service's container."""
        return self.site.docker("exec", self.containers(service)[0], "printenv", variable).strip()

    def sql(self, database: str, statement: str) -> str:
        """Run a statement on the bundled PostgreSQL and return its output."""
        container = self.containers("db_postgres")[0]
        command = ("psql", "-U", "dify", "-d", database, "-Atc", statement)
        return self.site.docker("exec", container, *command).strip()

    def secrets(self) -> dict[str, str]:
        """Return all secrets at the site, both generated and given."""
        lines = (self.root / "secrets.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def status(self) -> dict[str, str]:
        """Return the state of each service."""
        result = self.control("status", "--json")
        return {entry["service"]: entry["state"] for entry in json.loads(result.stdout)["services"]}

    def wait_for_status(
        self, good: Callable[[subprocess.CompletedProcess[str]], bool], *options: str
    ) -> subprocess.CompletedProcess[str]:
        """Return the output of `status` once it is `good`; on a busy machine the probes may be late."""
        deadline = time.monotonic() + 180
        while not good(found := self.control("status", *options)):
            assert time.monotonic() < deadline, found.stdout + found.stderr
        return found

    def wait_until_well(self) -> None:
        """Wait until every service is healthy and every probe passes."""
        self.wait_for_status(lambda status: status.returncode == 0)

    def probed(self) -> dict[str, str]:
        """Return the result of each probe, as `status` reports it."""
        result = self.control("status", "--json")
        return {entry["id"]: entry["result"] for entry in json.loads(result.stdout)["probes"]}

    def asked_outside(self, since: int = 0) -> set[str]:
        """Return the traffic that tried to leave, except lookups of sister services that were down.

        While the container of a service is recreated its name does not resolve, and containers that may use
        the site's name server ask that server for it.
        """
        lines = self.left.read_bytes()[since:].decode().splitlines()
        return {line for line in lines if line.removeprefix("dns ") not in SERVICES}


@contextmanager
def open_place(folder: Path) -> Iterator[Place]:
    """Open a monitored site that has nothing of this machine except what is carried there."""
    site = Site(folder, newer=True)
    try:
        site.open()
        (site.folder / "pki").mkdir()
        certificate, key = write_pair(site.folder / "pki", hosts=(HOST,))
        answers = {
            "SERVER_NAME": HOST,
            "HTTP_PORT": 8080,
            "HTTPS_PORT": 8443,
            "TLS_CERTIFICATE": certificate,
            "TLS_KEY": key,
        }
        left = site.folder / "left"
        site.watch()
        with left.open("wb") as output:
            sniffing = subprocess.Popen(site.inside("python3", sniffer.__file__, "nowhere"), stdout=output)
        try:
            yield Place(site, site.folder / "opt", certificate, left, answers=answers)
        finally:
            sniffing.kill()
            sniffing.wait()
    finally:
        site.close()
