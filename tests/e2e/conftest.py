"""A bundle of real services, built once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engines import DistributionRegistry
from tests.support.small import SmallBundle

SHOP = Path(__file__).parent / "shop.yaml"


@dataclass(frozen=True)
class BuiltBundle:
    """A bundle and the key that verifies it."""

    path: Path
    key: Path
    builder: Builder


@pytest.fixture(scope="session")
def shop(service_registry: DistributionRegistry, tmp_path_factory: pytest.TempPathFactory) -> BuiltBundle:
    """The sample project of redis, nginx and postgres, bundled."""
    folder = tmp_path_factory.mktemp("shop")
    builder = Builder(folder, folder / "cache")
    path = builder.build(SHOP, service_registry.host)
    return BuiltBundle(path, folder / "bundle.pub", builder)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBundle]:
    """The demo's application in a bundle, from the embedded registry."""
    folder = tmp_path_factory.mktemp("small")
    builder = Builder(folder, folder / "cache")
    with SampleRegistry() as sample:
        sample.add_image(
            "hello", "1.0", make_image({"etc/release": b"hello 1.0\n" * 50}, {"Cmd": ["/bin/sh"]})
        )
        arguments = ("--profile", "demo", "--registry-mirror", f"registry.demo.example={sample.host}")
        builder.check("keygen")
        builder.check("keygen", "--output", "foreign")
        builder.check("build", *arguments)
        path = next((folder / "dist").glob("*.tar"))
        yield SmallBundle(path, folder / "bundle.pub", builder, arguments, folder / "foreign")
