"""A real engine that is killed in the middle of an upgrade, and one that has lost its images."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.host_image import host_programs
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engines import Site
from tests.support.programs import need_program, run, sites_folder

pytestmark = [pytest.mark.engine, pytest.mark.root]

VARIANTS = {
    "1.0": "",
    "1.1": "",
    "2.0": "pack: {compression: compact, level: 1}\n",
}


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the demo application's bundles by version: older, newer, compact; the key is one level up."""
    folder = tmp_path_factory.mktemp("variants")
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    found = {}
    for version, more in VARIANTS.items():
        (folder / "own.yaml").write_text(f'extends: demo\nversion: "{version}"\n{more}')
        with SampleRegistry() as sample:
            layers = [{**host_programs()}, {"etc/release": version.encode() * 1000}]
            sample.add_image("hello", "1.0", make_image(layers, {"Cmd": ["/bin/sh"]}))
            mirror = f"registry.demo.example={sample.host}"
            arguments = ("--profile", "./own.yaml", "--registry-mirror", mirror, "--output", version)
            builder.check("build", *arguments)
        found[version] = next((folder / version).glob("*.tar"))
    return found


class Hello:
    """Site with the unpacked bundles."""

    def __init__(self, site: Site, variants: dict[str, Path]) -> None:
        self.site = site
        self.root = site.folder / "hello"
        self.unpacked = {}
        for version, bundle in variants.items():
            run("tar", "-xf", bundle, "-C", site.folder)
            self.unpacked[version] = site.folder / bundle.stem
            self.key = bundle.parents[1] / "bundle.pub"

    def command(self, version: str) -> list[str | Path]:
        return ["sh", self.unpacked[version] / "install", "--root", self.root, "--key", self.key, "--yes"]

    def install(self, version: str) -> subprocess.CompletedProcess[str]:
        return self.site.run(*self.command(version))

    def control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.site.run("sh", self.root / "helloctl", *arguments)

    def version(self) -> str:
        """Return the version of the running release; all services must be in the right state."""
        status = self.control("status", "--json")
        assert status.returncode == 0, status.stdout + status.stderr
        return str(json.loads(status.stdout)["version"])

    def lose_images(self) -> None:
        self.site.docker("rm", "-f", *self.site.docker("ps", "-aq").split())
        self.site.docker("rmi", "-f", *set(self.site.docker("images", "-aq").split()))


@pytest.fixture(scope="module")
def opened(variants: dict[str, Path]) -> Iterator[Hello]:
    with tempfile.TemporaryDirectory(prefix="bl-", dir=sites_folder(), ignore_cleanup_errors=True) as name:
        site = Site(Path(name) / "lost")
        try:
            yield Hello(site.open(), variants)
        finally:
            site.close()


@pytest.fixture
def hello(opened: Hello) -> Iterator[Hello]:
    yield opened
    if opened.site.run("docker", "ps").returncode != 0:
        opened.site.engine.start()
    removed = opened.control("uninstall", "--purge", "all", "--yes")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    run("rm", "-rf", opened.root)


@pytest.mark.parametrize(
    ("step", "phase", "said"),
    [
        ("images", "prepare", "was not changed"),
        ("backup", "stopped", "is NOT running again"),
        ("start", "switched", "is NOT running again"),
    ],
    ids=["images", "backup", "start"],
)
def test_the_engine_is_killed_in_the_middle_of_an_upgrade(
    step: str, phase: str, said: str, hello: Hello
) -> None:
    """Nothing can run while the engine is down; once it is back, the same command completes."""
    done = hello.install("1.0")
    assert done.returncode == 0, done.stdout + done.stderr
    secrets = (hello.root / "secrets.env").read_text()
    journal = hello.root / "state/journal"
    before = len(journal.read_text())
    upgrade = subprocess.Popen(
        hello.site.inside(*hello.command("1.1")),
        env=hello.site.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 60
    note = hello.root / "state/change"
    while not (f"\tbegin\t{step}\n" in journal.read_text()[before:] and f"phase={phase}" in note.read_text()):
        assert upgrade.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    hello.site.engine.stop(signal.SIGKILL)
    told = upgrade.communicate(timeout=120)[0]
    assert upgrade.returncode == 1, told
    assert said in told
    assert step != "images" or "the engine no longer responds" in told
    hello.site.engine.start()
    again = hello.install("1.1")
    assert again.returncode == 0, again.stdout + again.stderr
    assert hello.version() == "1.1"
    assert (hello.root / "secrets.env").read_text() == secrets


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_images_that_the_engine_lost_are_loaded_again(version: str, hello: Hello) -> None:
    """`start` loads from the kept files; without those, `install` loads from the bundle. 2.0 is compact."""
    need_program("zstd")
    done = hello.install(version)
    assert done.returncode == 0, done.stdout + done.stderr
    hello.lose_images()
    started = hello.control("start")
    assert started.returncode == 0, started.stdout + started.stderr
    assert hello.version() == version
    hello.lose_images()
    run("rm", "-rf", hello.root / "blobs")
    refused = hello.control("start")
    assert refused.returncode == 1
    assert "install from the unpacked bundle" in refused.stderr
    again = hello.install(version)
    assert again.returncode == 0, again.stdout + again.stderr
    assert hello.version() == version
