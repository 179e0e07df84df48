"""Bundles for several targets: what is written and shown, and what is refused before layers are fetched."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.api.compose import running
from bundler.image.reference import Reference
from examples.demo.sample_registry import make_image
from tests.support import dify
from tests.support.builder import Builder
from tests.support.faults import FaultRegistry

PROGRAMS = {f"bin/{name}": b"elf" for name in ("sh", "date", "sleep", "getent")}
IMAGE = make_image([{**PROGRAMS, "etc/passwd": b"app:x:1001:1002::/:/bin/sh\n"}])
COMPOSE = """\
services:
  web: {image: 'web:1', restart: always, user: app, ports: ['8080:80'], depends_on: [db], shm_size: 64m}
  db: {image: 'web:1', restart: always, ulimits: {nofile: 1024}}
"""


@pytest.fixture
def registry() -> Iterator[FaultRegistry]:
    with FaultRegistry() as found:
        found.add_image("library/web", "1", IMAGE)
        yield found


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    found = Builder(tmp_path / "work", tmp_path / "cache")
    (found.folder / "shop").mkdir(parents=True)
    (found.folder / "shop/compose.yaml").write_text(COMPOSE)
    write(found, "targets: [compose, kubernetes]\n")
    return found


def write(builder: Builder, more: str) -> None:
    text = "application: compose\nversion: '1.0'\nsettings: {project: shop}\n" + more
    (builder.folder / "shop.yaml").write_text(text)


def test_the_plan_of_a_bank_on_a_cluster_shows_both_targets(
    builder: Builder, registry: FaultRegistry
) -> None:
    mirrors = {}
    for service, _ in running(dify.profile_model("finance-cluster").compose):
        name = Reference.parse(service.image)
        registry.add_image(name.repository, str(name.tag), IMAGE)
        mirrors[name.registry] = f"{name.registry}={registry.host}"
    options = [word for each in mirrors.values() for word in ("--registry-mirror", each)]
    source = ("--profile", str(dify.PROFILES / "finance-cluster.yaml"))
    planned = json.loads(builder.check("plan", *source, "--json", *options))["targets"]
    assert list(planned) == ["compose", "kubernetes"]
    assert any("/workspace is kept" in line for line in planned["kubernetes"])


def test_a_bundle_has_both_and_its_images_once(builder: Builder, registry: FaultRegistry) -> None:
    mirror = ("--registry-mirror", f"docker.io={registry.host}")
    planned = json.loads(builder.check("plan", "--profile", "shop.yaml", "--json", *mirror))
    assert list(planned["targets"]) == ["compose", "kubernetes"]
    assert planned["targets"]["compose"] == []
    line = "service db: ulimits: the settings of the node hold"
    assert line in planned["targets"]["kubernetes"]
    shown = builder.check("plan", "--profile", "shop.yaml", *mirror)
    assert "targets: compose, kubernetes\n" in shown
    assert f"  kubernetes: {line}\n" in shown
    built = builder.bundle("build", "--profile", "shop.yaml", "--unsigned", *mirror)
    assert built.returncode == 0, built.stderr
    assert f"kubernetes: {line}" in built.stderr
    [path] = builder.folder.glob("dist/*.tar")
    with tarfile.open(path) as tar:
        names = [name.partition("/")[2] for name in tar.getnames()]
        manifest = json.load(tar.extractfile(tar.getnames()[0].split("/")[0] + "/bundle.json"))  # type: ignore[arg-type]
        [deployment] = [
            name for name in tar.getnames() if "/manifests/" in name and name.endswith("deployment-web.yaml")
        ]
        text = tar.extractfile(deployment).read().decode()  # type: ignore[union-attr]
    assert manifest["targets"] == ["compose", "kubernetes"]
    assert "config/compose.yaml" in names
    assert {"kubernetes/report.md", "kubernetes/variables.tsv", "kubernetes/chart/Chart.yaml"} <= set(names)
    assert len([name for name in names if name.startswith("images/blobs/sha256/")]) == 3
    assert "runAsUser: 1001\n" in text
    assert "runAsGroup: 1002\n" in text
    assert "targets      compose, kubernetes\n" in builder.check("inspect", path)
    builder.check("verify", path, "--allow-unsigned")


def test_a_bundle_for_compose_alone_says_nothing_of_targets(
    builder: Builder, registry: FaultRegistry
) -> None:
    write(builder, "")
    builder.check(
        "build", "--profile", "shop.yaml", "--unsigned", "--registry-mirror", f"docker.io={registry.host}"
    )
    [path] = builder.folder.glob("dist/*.tar")
    with tarfile.open(path) as tar:
        manifest = json.load(tar.extractfile(tar.getnames()[0].split("/")[0] + "/bundle.json"))  # type: ignore[arg-type]
        assert not [name for name in tar.getnames() if "/kubernetes" in name]
    assert "targets" not in manifest
    assert "targets      compose\n" in builder.check("inspect", path)


@pytest.mark.parametrize(
    ("more", "error", "hint"),
    [
        ("renderer: compose\n", "shop.yaml:4: renderer: is no key any more", "write `targets: [compose]`"),
        ("targets: [compose, helm]\n", "shop.yaml:4: targets.1: no renderer named 'helm'", "there are"),
        (
            "targets: [kubernetes]\n",
            "shop.yaml:4: targets: the packer installer needs the target compose",
            "write `targets: [compose, kubernetes]`",
        ),
        ("targets: [compose, compose]\n", "shop.yaml:4: targets.1: 'compose' is listed twice", "keep one"),
        ("targets: []\n", "shop.yaml:4: targets: has too few entries", ""),
    ],
)
def test_wrong_targets_are_refused_with_their_line(
    builder: Builder, more: str, error: str, hint: str
) -> None:
    write(builder, more)
    refused = builder.bundle("plan", "--profile", "shop.yaml")
    assert refused.returncode == 2
    assert error in refused.stderr
    assert hint in refused.stderr


@pytest.mark.parametrize("command", ["plan", "build"])
def test_what_a_target_cannot_run_is_refused_before_layers_are_fetched(
    builder: Builder, registry: FaultRegistry, command: str
) -> None:
    compose = COMPOSE.replace("restart: always, user: app", "restart: always, privileged: true")
    (builder.folder / "shop/compose.yaml").write_text(compose)
    more = ["--unsigned"] if command == "build" else []
    mirror = f"docker.io={registry.host}"
    refused = builder.bundle(command, "--profile", "shop.yaml", *more, "--registry-mirror", mirror)
    assert refused.returncode == 1
    assert (
        "shop.yaml:4: targets: kubernetes: service web: privileged: impossible in a cluster" in refused.stderr
    )
    assert "remove `kubernetes` from `targets`" in refused.stderr
    assert not list(builder.folder.glob("dist/*.tar"))
