"""zstd layers on Docker 20.10: the installer says what is wrong, and repacked layers load."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry
from tests.support.builder import Builder
from tests.support.engines import Site
from tests.support.programs import need_program, run
from tests.support.zstd_images import GZIP, ZSTD, zstd_image

pytestmark = pytest.mark.engine
ACCEPT = ("docker", "container", "compose")


@pytest.fixture(scope="module")
def old(short_folder: Path) -> Iterator[Site]:
    site = Site(short_folder / "zstd")
    try:
        yield site.open()
    finally:
        site.close()


def build(folder: Path, layer_type: str, pack: str) -> Path:
    """Return the unpacked bundle of one service that only sleeps."""
    busybox = Path(need_program("busybox", "busybox-static")).read_bytes()
    config = {"Cmd": ["/bin/busybox", "sleep", "600"]}
    builder = Builder(folder, folder / "cache")
    (folder / "project").mkdir()
    (folder / "project/compose.yaml").write_text("services: {a: {image: 'web:1', init: true}}\n")
    (folder / "p.yaml").write_text(
        f"application: compose\nversion: '1'\nsettings: {{project: project, name: zstd}}\npack: {pack}\n"
    )
    with SampleRegistry() as sample:
        sample.add_image("library/web", "1", zstd_image(layer_type, {"bin/busybox": busybox}, config))
        mirror = f"docker.io={sample.host}"
        builder.check("build", "--profile", "./p.yaml", "--unsigned", "--registry-mirror", mirror)
    (bundle,) = (folder / "dist").glob("*.tar")
    run("tar", "-xf", bundle, "-C", folder)
    return folder / bundle.stem


@pytest.mark.parametrize("layer_type", [ZSTD, GZIP], ids=["zstd", "mislabelled"])
@pytest.mark.parametrize("pack", ["{}", "{zstd_layers: repack}"], ids=["kept", "repacked"])
def test_zstd_layers_on_an_old_engine(layer_type: str, pack: str, tmp_path: Path, old: Site) -> None:
    assert old.docker("version", "-f", "{{.Server.Version}}").startswith("20.10.")
    unpacked = build(tmp_path, layer_type, pack)
    root = old.folder / "root"
    install: list[str | Path] = ["dash", unpacked / "install", "--root", root, "--yes", "--lang", "en"]
    install += ["--allow-unsigned"]
    try:
        refused = old.run(*install)
        if pack == "{}":
            assert refused.returncode == 3, refused.stdout + refused.stderr
            assert "20.10" in refused.stdout
            assert "23.0" in refused.stdout
            done = old.run(*install, *(word for name in ACCEPT for word in ("--accept", name)))
            assert done.returncode == 1, done.stdout + done.stderr
            assert "is zstd, which Docker 20.10." in done.stderr
        else:
            done = old.run(*install, *(word for name in ACCEPT for word in ("--accept", name)))
            assert done.returncode == 0, done.stdout + done.stderr
    finally:
        old.run(*install, "uninstall", "--purge", "all")
        shutil.rmtree(root, ignore_errors=True)
