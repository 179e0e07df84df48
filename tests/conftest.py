"""Fixtures that provide real registries, engines and sites, and remove them after the tests."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.engines import DistributionRegistry, Engine, Site, newer_root
from tests.support.images import build_images
from tests.support.installer import need_shell, shells
from tests.support.kiosk import Host, Kiosk, build_kiosk
from tests.support.kubernetes import ApiServer, Helm
from tests.support.programs import NO_SKIP, free_port, need_root, sites_folder

pytest_plugins = ("tests.support.selection", "tests.support.time_spent", "tests.support.unchanged")

# Hypothesis sets no deadlines: a busy machine is slow for other reasons. pytest-timeout finds hangs.
# In CI each run tries the same examples, so that a change is not refused for what another one has found.
settings.register_profile(
    "tests",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get(NO_SKIP)),
)
settings.load_profile("tests")

# A background job may ignore Ctrl-C or the hang-up of its terminal, and the programs that the tests start
# would inherit that. Signals that are handled here have their default action in a started program.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, lambda *_: None)

for _name in (
    "LC_ALL",
    "LC_MESSAGES",
    "LANG",
):  # texts are tested in English, or in a language that the test sets
    if os.environ.get(_name, "").lower().startswith("zh"):
        del os.environ[_name]
os.environ["BUNDLE_CONFIG"] = ""  # the configuration of whoever runs the tests has no effect on them

SERVICES = {"redis": "library/redis:7", "nginx": "library/nginx:1.22", "postgres": "library/postgres:15"}
"""Images made from Debian packages, and their names in the registry."""


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """Provide a folder with a short name, since the path of a unix socket is limited to 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="bt-", dir=sites_folder(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def registry(short_folder: Path) -> Iterator[DistributionRegistry]:
    """Provide an empty real registry."""
    found = DistributionRegistry(short_folder / "registry", free_port())
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="session")
def layouts() -> dict[str, Path]:
    """Return the OCI layouts of redis, nginx and postgres."""
    return build_images(list(SERVICES))


@pytest.fixture(scope="session")
def service_registry(registry: DistributionRegistry, layouts: dict[str, Path]) -> DistributionRegistry:
    """Provide a registry with redis, nginx and postgres under the names of the official images."""
    for name, path in layouts.items():
        registry.push(path, SERVICES[name])
    return registry


@pytest.fixture(scope="session")
def engine(short_folder: Path) -> Iterator[Engine]:
    """Provide a private engine that has no network."""
    found = Engine(short_folder / "engine")
    try:
        yield found.start("--bridge=none", "--iptables=false", "--ip6tables=false")
    finally:
        found.remove()


@pytest.fixture(scope="session", params=[False, True], ids=["docker20", "docker26"])
def site(request: pytest.FixtureRequest, short_folder: Path) -> Iterator[Site]:
    """Provide an offline site, first with the engine of Debian 12, then with that of Debian 13."""
    found = Site(short_folder / ("new" if request.param else "old"), newer=request.param)
    try:
        yield found.open()
    finally:
        found.close()


@pytest.fixture
def nothing_leaks(site: Site) -> Iterator[None]:
    """Give the site a route to the outside during the test, and assert that no packet takes it."""
    site.watch()
    try:
        yield
        assert site.leaked() == 0
    finally:
        site.unwatch()


@pytest.fixture(scope="session")
def api_server(short_folder: Path) -> Iterator[ApiServer]:
    """Provide a real API server of Kubernetes, without nodes."""
    found = ApiServer(short_folder / "kubernetes")
    try:
        yield found.start()
    finally:
        found.stop()


@pytest.fixture(scope="session")
def helm(short_folder: Path) -> Helm:
    """Provide Helm."""
    return Helm(short_folder / "helm")


@pytest.fixture(scope="session")
def docker_compose() -> str:
    """Return the path of Docker Compose from Debian 13."""
    need_root()
    return str(newer_root() / "usr/libexec/docker/cli-plugins/docker-compose")


@pytest.fixture(scope="session")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Kiosk:
    """Build the bundle that the installer's tests install."""
    return build_kiosk(tmp_path_factory.mktemp("kiosk"))


@pytest.fixture(params=shells())
def host(request: pytest.FixtureRequest, kiosk: Kiosk, tmp_path: Path) -> Host:
    """Provide a server without an engine, with the unpacked bundle, once for each shell."""
    need_shell(request.param)
    found = Host(request.param, tmp_path, kiosk.unpack(tmp_path), kiosk.key)
    found.prepare()
    return found
