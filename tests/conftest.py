"""Fixtures that provide real registries, engines and sites, and remove them after the tests."""

from __future__ import annotations

import os
import re
import signal
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.support.engines import DistributionRegistry, Engine, Site, newer_root
from tests.support.images import build_images
from tests.support.installer import need_shell, shells
from tests.support.kiosk import Host, Kiosk, build_kiosk
from tests.support.programs import NO_SKIP, free_port, need_root, sites_folder

pytest_plugins = ("tests.support.time_spent", "tests.support.unchanged")

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

os.environ["BUNDLE_CONFIG"] = ""  # the configuration of whoever runs the tests has no effect on them

SERVICES = {"redis": "library/redis:7", "nginx": "library/nginx:1.22", "postgres": "library/postgres:15"}
"""Images made from Debian packages, and their names in the registry."""


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
IN_BOTH = ("compact_install", "main_line")
"""Those of them that run on every engine."""
BANK_FILES = ("adopt", "dify", "dify_data", "dify_external")
"""Files of tests/e2e with Dify, whose services keep a machine busy: one at a time, and at the bank's site."""
SERVER_FILES = ("change", "fault_injection", "interruption", "restore")
"""Files of tests/integration that share the servers made of files, which take a minute to fill."""


ENGINE = re.compile("docker20|docker26")
"""The engine in the identifier of a test that runs at the site of one."""
UNMEASURED = ("tests/e2e/", "tests/fuzz/", "tests/integration/")
"""Tests without coverage: they take half as long again with it, and unit tests run the same lines."""


class BySite(LoadScopeScheduling):  # type: ignore[misc]
    """Schedule all end-to-end tests that share a site on one worker, and other files on the next free one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        name = Path(file).stem.removeprefix("test_")
        if not file.startswith("tests/e2e/"):
            return "servers" if name in SERVER_FILES else file
        if name == "projects":  # the longest file: each third of it has a site of its own
            return f"{name}-{zlib.crc32(nodeid.encode()) % 3}"
        if name in SITE_FILES and (engine := ENGINE.search(nodeid)):
            return f"site-{engine[0]}"
        return "bank" if name in BANK_FILES else file


VARIANT = re.compile(r"(?<=[\[-])(dash|bash|bash --posix|busybox|busybox sh|docker20|docker26)(?=[\]-])")
"""The shell or the engine in the identifier of a test."""
SAMPLED = (
    "tests/integration/",
    "tests/shell/",
    *(f"tests/e2e/test_{name}.py" for name in SITE_FILES if name not in IN_BOTH),
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run what several shells, or several engines, are tested with in the one that its name decides.

    BUNDLE_TESTS_ALL_VARIANTS, which `make test-shell` sets, takes away the choice.
    """
    for item in items:
        if item.nodeid.startswith(UNMEASURED):
            item.add_marker("no_cover")
    if os.environ.get("BUNDLE_TESTS_ALL_VARIANTS"):
        return
    variants: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.nodeid.startswith(SAMPLED):
            variants.setdefault(VARIANT.sub("*", item.nodeid, count=1), []).append(item)
    dropped = set()
    for name, group in variants.items():
        kept = zlib.crc32(name.encode()) % len(group)
        dropped |= {id(item) for number, item in enumerate(group) if number != kept}
    # who names a test, or a few of them, means those
    if dropped and not any("::" in argument for argument in config.args) and not config.option.keyword:
        config.hook.pytest_deselected(items=[item for item in items if id(item) in dropped])
        items[:] = [item for item in items if id(item) not in dropped]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> BySite:
    """Use `BySite` when tests run in parallel."""
    return BySite(config, log)


@pytest.fixture(scope="module", autouse=True)
def unmeasured(request: pytest.FixtureRequest) -> Iterator[None]:
    """Measure no coverage of the programs that a test without coverage starts."""
    with pytest.MonkeyPatch.context() as patch:
        if request.node.nodeid.startswith(UNMEASURED):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


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
