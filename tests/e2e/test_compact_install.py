"""Compact images: loaded by an engine directly or through zstd, with the IDs that they had before."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.builder import Builder
from tests.support.engines import DistributionRegistry, Site
from tests.support.programs import SYSTEM_PATH, need_program

pytestmark = pytest.mark.engine

PROFILE = Path(__file__).parent / "pair.yaml"


@dataclass(frozen=True)
class Pair:
    path: Path
    key: Path
    unpacked: Path


@pytest.fixture(scope="module")
def pair(service_registry: DistributionRegistry, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    path = Builder(folder, folder / "cache").build(PROFILE, service_registry.host)
    subprocess.run(["tar", "-xf", path, "-C", folder], check=True)
    return Pair(path, folder / "bundle.pub", folder / path.stem)


def without_zstd(site: Site) -> dict[str, str]:
    """Return a PATH with the site's programs except zstd."""
    folder = site.folder / "no-zstd"
    if not folder.is_dir():
        folder.mkdir()
        for place in SYSTEM_PATH.split(":"):
            for program in Path(place).iterdir() if Path(place).is_dir() else ():
                if (
                    not program.name.startswith(("zstd", "docker"))
                    and not (folder / program.name).is_symlink()
                ):
                    (folder / program.name).symlink_to(program)
    first = site.environment["PATH"].partition(":")[0]
    return {"PATH": f"{first}:{folder}"}


def forget(site: Site) -> None:
    containers = site.docker("ps", "-aq").split()
    if containers:
        site.docker("rm", "--force", "--volumes", *containers)
    images = site.docker("images", "-aq").split()
    if images:
        site.docker("rmi", "-f", *set(images))
    shutil.rmtree(site.folder / "pair", ignore_errors=True)


def install(
    pair: Pair, site: Site, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    options = ("--root", site.folder / "pair", "--key", pair.key, "--yes")
    return site.run("sh", pair.unpacked / "install", *options, environment=environment)


def image_ids(pair: Pair) -> dict[str, set[str]]:
    """Return each image's possible IDs: the config digest or, with the containerd store, the manifest's."""
    lines = (pair.unpacked / "images.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return {reference: {manifest, config} for reference, manifest, config, *_ in rows}


def check_loaded(pair: Pair, site: Site, registry: DistributionRegistry) -> None:
    for reference, expected in image_ids(pair).items():
        assert site.docker("image", "inspect", "-f", "{{.Id}}", reference).strip() in expected
        repository = reference.removeprefix("docker.io/")
        manifest = subprocess.run(
            ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{registry.host}/{repository}"],
            check=True,
            capture_output=True,
        ).stdout
        assert json.loads(manifest)["config"]["digest"] in expected


def test_compact_images_are_loaded_through_zstd_or_by_the_engine(
    pair: Pair, site: Site, service_registry: DistributionRegistry
) -> None:
    need_program("zstd")
    forget(site)
    through = None if not site.newer else without_zstd(site)
    done = install(pair, site, through)
    assert done.returncode == 0, done.stdout + done.stderr
    check_loaded(pair, site, service_registry)
    again = install(pair, site, through)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "all already loaded" in again.stdout
    forget(site)


def test_an_engine_that_cannot_read_compact_images_is_refused_before_loading(pair: Pair, site: Site) -> None:
    if site.newer:
        return
    forget(site)
    done = install(pair, site, without_zstd(site))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "zstd" in done.stdout + done.stderr
    assert site.docker("images", "-aq") == ""


def test_damage_is_refused_before_anything_is_loaded(pair: Pair, site: Site, tmp_path: Path) -> None:
    forget(site)
    copied = tmp_path / pair.unpacked.name
    subprocess.run(["cp", "-a", pair.unpacked, copied], check=True)
    archive = copied / "images/images.tar.zst.0000"
    with archive.open("r+b") as file:
        file.seek(archive.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    refused = install(Pair(pair.path, pair.key, copied), site)
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert site.docker("images", "-aq") == ""
