"""A folder that a service writes: delivered, upgraded, rolled back, restored, and kept by `uninstall`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.programs import need_forwarding
from tests.support.server import Server

PROFILE = """
application: compose
version: "{version}"
settings:
  project: project{version}
  site_templates: [conf/main.conf]
  variables:
    - {{name: GREETING, default: hello}}
requirements: {{cpu: {{minimum: 1}}}}
health: {{timeout: 20s}}
"""
COMPOSE = """
name: app
services:
  app:
    image: registry.example/app:1
    volumes: ["./conf:/conf", "./logs:/logs"]
    healthcheck: {test: ["CMD", "true"]}
"""
FILES = {
    "1.0": {"main.conf": "version 1 @@GREETING@@\n", "own.conf": "1\n", "gone.conf": "1\n"},
    "2.0": {"main.conf": "version 2 @@GREETING@@\n", "own.conf": "2\n", "new.conf": "2\n"},
}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    need_forwarding()
    folder = tmp_path_factory.mktemp("initial")
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    found = {}
    with SampleRegistry() as registry:
        registry.add_image("app", "1", make_image([{"base": b"base" * 100}]))
        for version, files in FILES.items():
            project = folder / f"project{version}"
            (project / "conf").mkdir(parents=True)
            for name, text in files.items():
                (project / "conf" / name).write_text(text)
            (project / "compose.yaml").write_text(COMPOSE)
            (folder / f"{version}.yaml").write_text(PROFILE.format(version=version))
            mirror = f"registry.example={registry.host}"
            builder.check("build", "--profile", f"./{version}.yaml", "--registry-mirror", mirror)
            (tar,) = (folder / "dist").glob(f"app-{version}-*.tar")
            subprocess.run(["tar", "-xf", tar], cwd=folder, check=True)
            found[version] = folder / tar.stem
    return found


def texts(server: Server) -> dict[str, str]:
    return {path.name: path.read_text().strip() for path in (server.root / "data/conf").iterdir()}


def check(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_from_the_first_installation_to_uninstall(tmp_path: Path, bundles: dict[str, Path]) -> None:
    server = Server(tmp_path, bundles)
    check(server.install("1.0"))
    assert texts(server) == {"main.conf": "version 1 hello", "own.conf": "1", "gone.conf": "1"}
    assert (server.root / "data/logs").is_dir()
    (server.root / "data/conf/own.conf").write_text("the site's\n")
    (server.root / "data/conf/added.conf").write_text("the site's\n")

    said = check(server.install("2.0"))
    upgraded = {
        "main.conf": "version 2 hello", "own.conf": "the site's", "new.conf": "2", "gone.conf": "1",
        "added.conf": "the site's",
    }  # fmt: skip
    assert texts(server) == upgraded
    kept = said[said.index("belong to this site") :]
    assert "data/conf/own.conf" in kept
    assert "data/conf/gone.conf" in said, "what the release no longer brings is named"
    assert "data/conf/main.conf" not in said

    said = check(server.install("2.0"))
    assert texts(server) == upgraded
    assert "belong to this site" not in said

    check(server.control("rollback"))
    assert texts(server) == {**upgraded, "main.conf": "version 1 hello"}
    check(server.control("rollback", "--forward"))
    assert texts(server) == upgraded

    check(server.control("backup"))
    backup = max(path.name for path in (server.root / "backups").iterdir() if path.name.endswith("-manual"))
    (server.root / "data/conf/main.conf").write_text("spoilt\n")
    check(server.control("restore", backup))
    assert texts(server) == upgraded
    check(server.install("2.0"))
    assert texts(server) == upgraded

    check(server.control("uninstall"))
    assert texts(server) == upgraded, "a plain uninstallation removes no data"
    check(server.install("2.0"))
    assert texts(server) == upgraded


def test_a_killed_installation_is_completed(tmp_path: Path, bundles: dict[str, Path]) -> None:
    server = Server(tmp_path, bundles)
    whole = {"main.conf": "version 1 hello", "own.conf": "1", "gone.conf": "1"}
    for number in range(1, 30, 3):
        if server.install("1.0", point=f"call {number} KILL").returncode == 0:
            break
    check(server.install("1.0"))
    assert texts(server) == whole
