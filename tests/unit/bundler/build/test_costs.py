"""The costs of a build, as counts that do not depend on the machine's load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from examples.demo.sample_registry import Image
from tests.support.faults import FaultRegistry
from tests.support.scale import Costs, huge_image, many_images, run_counted, write_profile

MEMORY = 150_000_000
SIZE = 100_000_000


def build(folder: Path, registry: FaultRegistry, profile: Path, *more: str) -> tuple[Costs, int]:
    """Build, and return the costs and the size of the bundle in bytes."""
    mirror = f"registry.example={registry.host}"
    costs = run_counted(
        folder, "build", "--profile", profile, "--registry-mirror", mirror, "--unsigned", "--json", *more
    )
    return costs, json.loads(costs.out)["size"]


def serve(registry: FaultRegistry, images: list[Image]) -> dict[str, str]:
    names = {}
    for number, image in enumerate(images):
        registry.add_image(f"app/{number}", "1", image)
        names[f"s{number}"] = f"registry.example/app/{number}:1"
    return names


def test_bytes_read_and_written_for_each_byte_of_the_bundle(tmp_path: Path) -> None:
    with FaultRegistry() as registry:
        profile = write_profile(tmp_path, serve(registry, [huge_image(tmp_path, SIZE)]))
        cold, size = build(tmp_path, registry, profile)
        registry.requests.clear()
        there, _ = build(tmp_path, registry, profile)
        (bundle,) = (tmp_path / "dist").glob("*.tar")
        bundle.unlink()
        warm, _ = build(tmp_path, registry, profile)
        assert not [request for request in registry.requests if "/blobs/" in request.path]
        for note in (tmp_path / "cache/refs").iterdir():
            note.unlink()  # as in a cache written by an older program, without diff IDs
        old, _ = build(tmp_path, registry, profile)
        alone = ("--set", "sbom.packages=false")
        once, _ = build(
            tmp_path, registry, profile, *alone, "--write-once", "--cache", "empty", "--output", "once"
        )
        build(tmp_path, registry, profile, *alone, "--output", "images")
        assert (tmp_path / "once" / bundle.name).read_bytes() == (
            tmp_path / "images" / bundle.name
        ).read_bytes()
    verified = run_counted(tmp_path, "verify", bundle, "--allow-unsigned")
    slack = 15_000_000  # Python's own files, and the tables
    # once into the store and once into the bundle; hashed while being read
    assert cold.written <= 2 * size + slack
    assert cold.read <= size + slack
    assert warm.written <= size + slack
    assert warm.read <= size + slack
    assert there.written <= slack
    assert there.read <= size + slack
    assert verified.read <= size + slack
    # layers are unpacked while downloaded, and a second time only if their diff IDs are unknown
    assert old.read <= 2 * size + slack
    assert once.written <= size + slack
    assert once.read <= size + slack
    assert max(cold.peak, warm.peak, there.peak, old.peak, once.peak, verified.peak) < MEMORY


def test_many_images_with_shared_layers_ask_once_for_each_blob(tmp_path: Path) -> None:
    images = many_images(300, shared=5)
    with FaultRegistry() as registry:
        profile = write_profile(tmp_path, serve(registry, images))
        costs, _ = build(tmp_path, registry, profile)
        blobs = {digest for image in images for digest in image.blobs}
        assert len(blobs) == 5 + 2 * 300
        asked = [request.path for request in registry.requests]
    assert sorted(path.rpartition("/")[2] for path in asked if "/blobs/" in path) == sorted(blobs)
    assert len([path for path in asked if "/manifests/" in path]) == 300
    assert costs.peak < MEMORY


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (("--help",), {"pydantic", "yaml", "jinja2", "urllib3", "docker", "cryptography", "ssl", "tarfile"}),
        (("build", "--help"), {"pydantic", "yaml", "jinja2", "urllib3", "docker", "cryptography", "ssl"}),
        (("profiles",), {"urllib3", "docker", "requests", "cryptography", "zstandard", "ssl"}),
    ],
)
def test_a_command_imports_what_it_needs(tmp_path: Path, arguments: tuple[str, ...], heavy: set[str]) -> None:
    assert not heavy & run_counted(tmp_path, *arguments).modules


def test_a_build_imports_no_source_or_application_that_it_does_not_use(tmp_path: Path) -> None:
    with FaultRegistry() as registry:
        profile = write_profile(tmp_path, serve(registry, many_images(1, shared=1)))
        costs, _ = build(tmp_path, registry, profile)
    assert not {"docker", "requests", "zstandard", "jinja2", "bundler_dify.settings.model"} & costs.modules
