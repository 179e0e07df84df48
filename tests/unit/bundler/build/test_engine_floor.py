"""What images and settings require of the site's engine: versions, zstd layers, platforms of services."""

from __future__ import annotations

import gzip
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from examples.demo.sample_registry import make_image
from tests.support.builder import Builder
from tests.support.faults import FaultRegistry
from tests.support.zstd_images import GZIP, ZSTD, layer_tar, zstd_image

FILES = {"etc/web": b"web\n" * 9000}
TAR = layer_tar(FILES)
PUSHED = {
    "library/web:1": make_image(FILES),
    "library/zstd:1": zstd_image(ZSTD, FILES),
    "library/mislabelled:1": zstd_image(GZIP, FILES),
    "library/arm:1": make_image({"etc/arm": b"arm\n"}, platform="linux/arm64"),
    "library/arm:2": make_image({"etc/other": b"arm\n"}, platform="linux/arm64"),
}


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path / "work", tmp_path / "cache")


def run(
    builder: Builder, registry: FaultRegistry, command: str, services: str, more: str = "", *arguments: str
) -> subprocess.CompletedProcess[str]:
    (builder.folder / "project").mkdir(parents=True, exist_ok=True)
    (builder.folder / "project/compose.yaml").write_text(f"services: {services}\n")
    (builder.folder / "p.yaml").write_text(
        f"application: compose\nversion: '1'\nsettings: {{project: project, name: t}}\n{more}\n"
    )
    mirror = ("--registry-mirror", f"docker.io={registry.host}")
    return builder.bundle(command, "--profile", "./p.yaml", *mirror, *arguments)


def build(builder: Builder, registry: FaultRegistry, services: str, more: str = "") -> dict[str, bytes]:
    """Build an unsigned bundle and return its files by path."""
    done = run(builder, registry, "build", services, more, "--unsigned")
    assert done.returncode == 0, done.stderr
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    with tarfile.open(bundle) as archive:
        return {
            member.name.partition("/")[2]: archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive
            if member.isfile()
        }


def required(files: dict[str, bytes], check: str) -> str:
    lines = files["checks.tsv"].decode().splitlines()
    return next(line.split("\t")[2] for line in lines if line.startswith(f"{check}\t"))


def test_without_requirements_the_tested_versions_are_the_floor(
    builder: Builder, registry: FaultRegistry
) -> None:
    files = build(builder, registry, "{a: {image: 'web:1'}}")
    assert (required(files, "docker"), required(files, "compose")) == ("20.10", "2.26")


def test_a_profile_may_name_an_older_version(builder: Builder, registry: FaultRegistry) -> None:
    files = build(builder, registry, "{a: {image: 'web:1'}}", "requirements: {docker: {minimum: '19.03'}}")
    assert required(files, "docker") == "19.03"


@pytest.mark.parametrize("name", ["zstd", "mislabelled"])
def test_zstd_layers_raise_the_floor_whatever_the_profile_says(
    name: str, builder: Builder, registry: FaultRegistry
) -> None:
    asked = "requirements: {docker: {minimum: '20.10'}}"
    files = build(builder, registry, f"{{a: {{image: '{name}:1'}}}}", asked)
    assert required(files, "docker") == "23.0"
    (requirement,) = [
        each for each in json.loads(files["bundle.json"])["requirements"] if each["id"] == "docker"
    ]
    assert requirement["reason"] == f"zstd layers of {name}:1"


def test_plan_says_why(builder: Builder, registry: FaultRegistry) -> None:
    said = run(builder, registry, "plan", "{a: {image: 'zstd:1'}}").stdout
    assert "the site requires Docker: 23.0 or newer (zstd layers of zstd:1)\n" in said
    assert (
        "the site requires Compose: 2.26 or newer (the oldest version that bundles are tested with)\n" in said
    )


@pytest.mark.parametrize("name", ["zstd", "mislabelled"])
def test_repacked_layers_are_gzip_and_the_attestations_say_so(
    name: str, builder: Builder, registry: FaultRegistry
) -> None:
    services, more = f"{{a: {{image: '{name}:1'}}}}", "pack: {zstd_layers: repack}"
    files = build(builder, registry, services, more)
    assert required(files, "docker") == "20.10"
    (image,) = json.loads(files["bundle.json"])["images"]
    (layer,) = image["layers"]
    blob = files[f"images/blobs/sha256/{layer['digest'][7:]}"]
    assert gzip.decompress(blob) == TAR
    assert layer["media_type"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    assert (
        image["config"]["digest"] == json.loads(PUSHED[f"library/{name}:1"].manifest.raw)["config"]["digest"]
    )
    assert image["origin"] == PUSHED[f"library/{name}:1"].manifest.digest != image["manifest"]["digest"]
    run_details = json.loads(files["attestations/provenance.json"])["predicate"]["runDetails"]
    assert run_details["byproducts"] == [
        {
            "name": f"docker.io/library/{name}:1, repacked as gzip",
            "digest": {"sha256": image["manifest"]["digest"][7:]},
        }
    ]
    assert "repacked as gzip" in files["attestations/sbom.spdx.json"].decode()
    other = Builder(builder.folder.parent / "again", builder.folder.parent / "other-cache")
    assert build(other, registry, services, more) == files


def test_the_image_of_a_service_is_for_its_platform(builder: Builder, registry: FaultRegistry) -> None:
    services = "{a: {image: 'web:1'}, b: {image: 'arm:1', platform: linux/arm64}}"
    files = build(builder, registry, services)
    arm, web = json.loads(files["bundle.json"])["images"]
    assert (arm["platform"], "platform" in web) == ("linux/arm64", False)
    described = {
        each["platform"]["architecture"] for each in json.loads(files["images/index.json"])["manifests"]
    }
    assert described == {"amd64", "arm64"}
    assert "b\tplatform\tlinux/arm64\n" in files["document.tsv"].decode()


@pytest.mark.parametrize(
    ("services", "said"),
    [
        ("{b: {image: 'web:1', platform: linux/arm64}}", "linux/arm64"),
        ("{b: {image: 'web:1', platform: windows/amd64}}", "platform: windows/amd64 cannot run"),
        ("{a: {image: 'web:1'}, b: {image: 'web:1', platform: linux/arm64}}", "another tag"),
    ],
)
def test_a_platform_that_cannot_be_had_is_refused(
    services: str, said: str, builder: Builder, registry: FaultRegistry
) -> None:
    refused = run(builder, registry, "build", services, "", "--unsigned")
    assert refused.returncode != 0
    assert said in refused.stderr
