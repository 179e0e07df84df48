"""Fixtures: real registries, engines and sites, started by the tests and removed at their end."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.support.engines import DistributionRegistry, Engine, Site, newer_root
from tests.support.images import build_images
from tests.support.installer import need_shell, shells
from tests.support.kiosk import Host, Kiosk, build_kiosk
from tests.support.programs import free_port, need_root

# a busy machine is slow, and that is no fault of what is tested; pytest-timeout finds what hangs
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# What runs in the background may ignore Ctrl-C or the end of its terminal; the programs of the
# tests would inherit that. A program that is started has the usual answer to signals that are handled here.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, lambda *_: None)

SERVICES = {"redis": "library/redis:7", "nginx": "library/nginx:1.22", "postgres": "library/postgres:15"}
"""Images made from Debian packages, and the names that the registry has them under."""


SITE_FILES = (
    "backup",
    "clean_roots",
    "compact_install",
    "demo",
    "main_line",
    "preflight",
    "tutorial",
    "upgrade",
)
BANK_FILES = ("dify", "dify_data", "dify_external")
"""Of tests/e2e: those that share the sites, and those that share the bank's; sites take long to open."""


class BySite(LoadScopeScheduling):  # type: ignore[misc]
    """Give all end-to-end tests that share a site to one worker, each other file to the next free one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if not file.startswith("tests/e2e/"):
            return file
        name = Path(file).stem.removeprefix("test_")
        return "sites" if name in SITE_FILES else "bank" if name in BANK_FILES else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> BySite:
    """Use `BySite` where tests run in parallel."""
    return BySite(config, log)


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder with a short name: a unix socket's path has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="bt-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def registry(short_folder: Path) -> Iterator[DistributionRegistry]:
    """A real registry, empty."""
    found = DistributionRegistry(short_folder / "registry", free_port())
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="session")
def layouts() -> dict[str, Path]:
    """OCI layouts of redis, nginx and postgres."""
    return build_images(list(SERVICES))


@pytest.fixture(scope="session")
def service_registry(registry: DistributionRegistry, layouts: dict[str, Path]) -> DistributionRegistry:
    """The registry with redis, nginx and postgres, under the official images' names."""
    for name, path in layouts.items():
        registry.push(path, SERVICES[name])
    return registry


@pytest.fixture(scope="session")
def engine(short_folder: Path) -> Iterator[Engine]:
    """A private engine without a network of its own."""
    found = Engine(short_folder / "engine")
    try:
        yield found.start("--bridge=none", "--iptables=false", "--ip6tables=false")
    finally:
        found.remove()


@pytest.fixture(scope="session", params=[False, True], ids=["docker20", "docker26"])
def site(request: pytest.FixtureRequest, short_folder: Path) -> Iterator[Site]:
    """A place without internet, with an engine of Debian 12 and then one of Debian 13."""
    found = Site(short_folder / ("new" if request.param else "old"), newer=request.param)
    try:
        yield found.open()
    finally:
        found.close()


@pytest.fixture
def nothing_leaks(site: Site) -> Iterator[None]:
    """The site has a way out while the test runs, and not one packet may take it."""
    site.watch()
    try:
        yield
        assert site.leaked() == 0
    finally:
        site.unwatch()


@pytest.fixture(scope="session")
def docker_compose() -> str:
    """Compose of Debian 13."""
    need_root()
    return str(newer_root() / "usr/libexec/docker/cli-plugins/docker-compose")


@pytest.fixture(scope="session")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Kiosk:
    """The bundle that the installer's tests install."""
    return build_kiosk(tmp_path_factory.mktemp("kiosk"))


@pytest.fixture(params=shells())
def host(request: pytest.FixtureRequest, kiosk: Kiosk, tmp_path: Path) -> Host:
    """A server without an engine, with the unpacked bundle, for each shell."""
    need_shell(request.param)
    found = Host(request.param, tmp_path, kiosk.unpack(tmp_path), kiosk.key)
    found.prepare()
    return found
