"""Changed configuration on a real engine reaches the services that mount it, and no others; jobs that end."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.host_image import host_programs
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engines import Site
from tests.support.programs import run, sites_folder

pytestmark = [pytest.mark.engine, pytest.mark.root]

FOREVER = '["sh", "-c", "trap \'exit 0\' TERM; while :; do sleep 1; done"]'
COMPOSE = f"""
name: app
services:
  web:
    image: registry.example/base:1
    command: {FOREVER}
    restart: unless-stopped
    configs: [{{source: app, target: /etc/app.conf}}]
    secrets: [token]
  side:
    image: registry.example/base:1
    command: {FOREVER}
    volumes: ["./side.conf:/etc/side.conf:ro", "./conf.d:/etc/conf.d:ro"]
  plain:
    image: registry.example/base:1
    command: {FOREVER}
    depends_on: [unused]
  seed:
    image: registry.example/base:1
    command: ["sh", "-c", "sleep 2"]
    restart: "no"
  unused:
    image: registry.example/never:1
    scale: 0
configs:
  app: {{file: ./app.conf}}
secrets:
  token: {{environment: TOKEN}}
"""
PROFILE = """
application: compose
version: "{version}"
settings:
  project: project
  name: app
  site_templates: [{{path: side.conf, format: text}}]
  variables:
    - {{name: GREETING, default: hello}}
    - {{name: TOKEN, kind: secret, required: true}}
health: {{timeout: 60s}}
"""
VERSIONS = ("1.0", "2.0", "3.0", "4.0")


def build(folder: Path) -> dict[str, Path]:
    """Return the unpacked bundles by version; each has another app.conf."""
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    project = folder / "project"
    (project / "conf.d").mkdir(parents=True)
    (project / "compose.yaml").write_text(COMPOSE)
    (project / "side.conf").write_text("@@GREETING@@\n")
    (project / "conf.d/one").write_text("one\n")
    unpacked = {}
    with SampleRegistry() as registry:
        registry.add_image("base", "1", make_image([host_programs()], {"Cmd": ["/bin/sh"]}))
        for version in VERSIONS:
            (project / "app.conf").write_text(f"version {version}\n")
            (folder / "app.yaml").write_text(PROFILE.format(version=version))
            builder.check(
                "build", "--profile", "./app.yaml", "--registry-mirror", f"registry.example={registry.host}"
            )
            (tar,) = (folder / "dist").glob(f"app-{version}-*.tar")
            run("tar", "-xf", tar, "-C", folder)
            unpacked[version] = folder / tar.stem
    return unpacked


class Installed:
    """The application at a site."""

    def __init__(self, site: Site, bundles: dict[str, Path], key: Path) -> None:
        self.site = site
        self.bundles = bundles
        self.key = key
        self.root = site.folder / "app"

    def install(self, version: str, *more: str) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [
            "sh",
            self.bundles[version] / "install",
            "--root",
            self.root,
            "--key",
            self.key,
            "--yes",
        ]
        return self.site.run(*command, *more)

    def control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.site.run("sh", self.root / "appctl", *arguments)

    def containers(self) -> dict[str, str]:
        shown = '{{.Label "com.docker.compose.service"}} {{.ID}}'
        lines = self.site.docker("ps", "-a", "--format", shown, "--no-trunc").splitlines()
        return dict(line.split() for line in lines if not line.startswith(" "))

    def read(self, service: str, path: str) -> str:
        script = f"read -r line <{path} || :; echo $line"
        return self.site.docker("exec", self.containers()[service], "sh", "-c", script).strip()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Yield a site on which version 1.0 runs."""
    folder = tmp_path_factory.mktemp("mounted")
    bundles = build(folder)
    with tempfile.TemporaryDirectory(prefix="bl-", dir=sites_folder(), ignore_cleanup_errors=True) as name:
        site = Site(Path(name) / "mounted")
        try:
            installed = Installed(site.open(), bundles, folder / "bundle.pub")
            done = installed.install("1.0", "--set", "TOKEN=secret-one")
            assert done.returncode == 0, done.stdout + done.stderr
            yield installed
        finally:
            site.close()


def test_changed_files_reach_the_services_that_mount_them_and_no_other(app: Installed) -> None:
    """All in one, because each installation takes its time."""
    assert app.read("web", "/etc/app.conf") == "version 1.0"
    assert app.read("web", "/run/secrets/token") == "secret-one"
    first = app.containers()
    assert set(first) == {"web", "side", "plain", "seed"}
    well = app.control("status")
    assert well.returncode == 0, well.stdout + well.stderr

    plan = app.install("1.0", "plan", "--set", "GREETING=bonjour")
    lines = [line.split() for line in plan.stdout.splitlines()]
    changed = [name for what, *name in filter(None, lines) if what == "changed"]
    assert changed == [["side"], ["GREETING", "hello", "->", "bonjour"]]
    assert ["kept", "web"] in lines
    assert "these services are restarted: side\n" in plan.stdout, plan.stdout
    done = app.install("1.0", "--set", "GREETING=bonjour")
    assert done.returncode == 0, done.stdout + done.stderr
    again = app.containers()
    assert {name for name in first if first[name] != again[name]} == {"side"}
    assert app.read("side", "/etc/side.conf") == "bonjour"
    assert app.read("side", "/etc/conf.d/one") == "one"

    done = app.install("1.0", "--set", "TOKEN=secret-two")
    assert done.returncode == 0, done.stdout + done.stderr
    third = app.containers()
    assert {name for name in first if again[name] != third[name]} == {"web"}
    assert app.read("web", "/run/secrets/token") == "secret-two"

    (app.root / "current/config/conf.d/one").write_text("edited\n")
    assert app.control("restart").returncode == 0
    assert app.read("side", "/etc/conf.d/one") == "edited"
    assert {name for name in first if third[name] != app.containers()[name]} == {"side"}


def test_three_upgrades_keep_the_site_up(app: Installed) -> None:
    for version in VERSIONS[1:]:
        done = app.install(version, "--edits", "keep")
        assert done.returncode == 0, done.stdout + done.stderr
        assert app.read("web", "/etc/app.conf") == f"version {version}"
        assert app.read("web", "/run/secrets/token") == "secret-two"
        for name, container in app.containers().items():
            if name != "seed":
                app.site.docker("restart", "-t", "2", container)
        well = app.control("status")
        assert well.returncode == 0, well.stdout + well.stderr
    back = app.control("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert app.read("web", "/etc/app.conf") == "version 3.0"


def test_a_release_that_a_stopped_container_mounts_is_kept(app: Installed) -> None:
    current = (app.root / "current").resolve()
    app.site.docker(
        "create", "--name", "holder", "--label", "com.docker.compose.project=app",
        "--label", "com.docker.compose.oneoff=True",
        "-v", f"{current}/config/app.conf:/etc/app.conf", "registry.example/base:1", "sh",
    )  # fmt: skip
    for version in ("1.0", "2.0", "4.0"):
        done = app.install(version, "--allow-downgrade", "--edits", "discard")
        assert done.returncode == 0, done.stdout + done.stderr
    assert current.is_dir()


def test_a_stopped_service_is_no_finished_job(app: Installed) -> None:
    containers = app.containers()
    app.site.docker("stop", "--time", "1", containers["side"], containers["plain"])
    status = app.control("status")
    assert status.returncode == 1, status.stdout
    assert "side plain" in status.stderr
    assert app.control("start").returncode == 0
    assert app.control("status").returncode == 0


def test_what_compose_says_comes_first(app: Installed) -> None:
    assert app.control("stop").returncode == 0
    app.site.docker("network", "rm", "app_default")
    for container in app.containers().values():
        app.site.docker("rm", "-f", container)
    app.site.docker("create", "--name", "app-plain-1", "registry.example/base:1", "sh")
    failed = app.control("start")
    assert failed.returncode == 1
    lines = failed.stderr.splitlines()
    assert lines[0].startswith("Docker Compose could not start the services")
    assert any("is already in use" in line for line in lines[1:4]), failed.stderr
    assert "docker ps -a" in failed.stderr
    app.site.docker("rm", "app-plain-1")
    assert app.control("start").returncode == 0
