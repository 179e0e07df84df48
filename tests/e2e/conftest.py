"""A bundle of real services, built once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.bank import ACCEPT, Place, Workshop, open_place
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


@pytest.fixture(scope="session")
def workshop(registry: DistributionRegistry, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Where the bank's bundles of Dify are built."""
    return Workshop(registry, tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="session")
def bank(workshop: Workshop) -> Path:
    """The bank's bundle of Dify."""
    return workshop.build("bank.yaml")


@pytest.fixture(scope="session")
def place(workshop: Workshop, bank: Path, short_folder: Path) -> Iterator[Place]:
    """The bank's site with the bundle and its key, carried there and unpacked."""
    with open_place(short_folder / "bank") as found:
        found.carry(bank, workshop.key)
        yield found


@pytest.fixture(scope="session")
def running(place: Place) -> Place:
    """Installed unattended."""
    done = place.install(*ACCEPT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    secrets = place.secrets().values()
    assert not [secret for secret in secrets if secret in done.stdout + done.stderr]
    return place
