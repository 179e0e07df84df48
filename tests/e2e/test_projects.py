"""Twenty sample projects, each on a site without internet: installed, used, upgraded, restored, removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builder import Builder
from tests.support.engines import DistributionRegistry, Site
from tests.support.images import build_images
from tests.support.projects import IMAGES, Installation, Sample, find_in_bundle, names, push_images

pytestmark = [pytest.mark.engine, pytest.mark.root]


@pytest.fixture(scope="module")
def workshop(
    registry: DistributionRegistry, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Builder, DistributionRegistry]:
    """Return a builder, and a registry with the images of all samples."""
    push_images(registry, build_images(sorted(set(IMAGES.values()))))
    folder = tmp_path_factory.mktemp("projects")
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    return builder, registry


@pytest.fixture(scope="module")
def town(short_folder: Path) -> Iterator[Site]:
    """Provide a site with a newer engine, which keeps the images that several samples share."""
    found = Site(short_folder / "town", newer=True)
    try:
        yield found.open()
    finally:
        found.close()


@pytest.mark.parametrize("name", names())
def test_project(name: str, workshop: tuple[Builder, DistributionRegistry], town: Site) -> None:
    builder, registry = workshop
    sample = Sample.read(name)
    first = sample.build(builder, registry.host, "1.0")
    second = sample.build(builder, registry.host, "2.0")
    published = sample.site.get("secret") or []
    assert not find_in_bundle(first, published) + find_in_bundle(second, published)
    installed = Installation(sample, town, builder.folder / "bundle.pub")
    try:
        installed.install(first)
        installed.check()
        installed.do(sample.steps("before"))
        installed.do(sample.steps("write"))
        installed.do(sample.steps("read"))

        installed.install(second)
        installed.check()
        installed.do(sample.steps("read"))
        installed.do(sample.steps("changed"))

        installed.control("backup")
        backup = max((installed.root / "backups").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        if steps := sample.steps("spoil"):
            installed.do(steps)
            with pytest.raises(AssertionError):
                installed.do(sample.steps("read"))
        installed.control("restore", backup.name, "--yes")
        installed.do(sample.steps("read"))
        installed.do(sample.steps("changed"))

        installed.control("uninstall", "--yes")
        assert town.docker("ps", "-aq") == ""
        assert not list(installed.root.glob("releases/*"))
    finally:
        installed.remove()
