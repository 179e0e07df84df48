"""Fixtures: bundles of real services, built once per session."""

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
    """Bundle and the key that verifies it."""

    path: Path
    key: Path
    builder: Builder


@pytest.fixture(scope="session")
def shop(service_registry: DistributionRegistry, tmp_path_factory: pytest.TempPathFactory) -> BuiltBundle:
    """Return the bundle of the sample project: redis, nginx and postgres."""
    folder = tmp_path_factory.mktemp("shop")
    builder = Builder(folder, folder / "cache")
    path = builder.build(SHOP, service_registry.host)
    return BuiltBundle(path, folder / "bundle.pub", builder)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBundle]:
    """Yield a bundle of the demo application, built from the embedded registry."""
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
    """Return the folder in which the bank's Dify bundles are built."""
    return Workshop(registry, tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="session")
def bank(workshop: Workshop) -> Path:
    """Return the bank's Dify bundle."""
    return workshop.build("bank.yaml")


@pytest.fixture(scope="session")
def place(workshop: Workshop, bank: Path, short_folder: Path) -> Iterator[Place]:
    """Yield the bank's site, with the bundle and its key copied there and unpacked."""
    with open_place(short_folder / "bank") as found:
        found.carry(bank, workshop.key)
        yield found


@pytest.fixture(scope="session")
def running(place: Place) -> Place:
    """Return the site after an unattended installation."""
    done = place.install(*ACCEPT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    secrets = place.secrets().values()
    assert not [secret for secret in secrets if secret in done.stdout + done.stderr]
    return place
