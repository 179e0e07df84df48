"""Which tests run, and which of them one after the other.

`make test` leaves out what takes long. `make test-all`, the targets of single tiers, and CI leave out no
file. What is tested in several shells, or on several engines, runs in the one that the name of the test
decides; of many cases of one test that installs something, half run, which their names decide too. All of
them run with `BUNDLE_TESTS_ALL_VARIANTS`. Who names a file or a test means it.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.support.programs import NO_SKIP

ALL = "BUNDLE_TESTS_ALL"
"""Variable that takes in the tests that take long."""
ALL_VARIANTS = "BUNDLE_TESTS_ALL_VARIANTS"
"""Variable that takes in every shell and every engine."""
LONG = (
    "tests/e2e/test_adopt.py",
    "tests/e2e/test_backup.py",
    "tests/e2e/test_chaos.py",
    "tests/e2e/test_clean_roots.py",
    "tests/e2e/test_ctrl_c.py",
    "tests/e2e/test_dify_data.py",
    "tests/e2e/test_dify_external.py",
    "tests/e2e/test_faults.py",
    "tests/e2e/test_lost_engine.py",
    "tests/e2e/test_mounted.py",
    "tests/e2e/test_podman.py",
    "tests/e2e/test_refusals.py",
    "tests/e2e/test_rehearsal.py",
    "tests/e2e/test_tutorial.py",
    "tests/e2e/test_upgrade.py",
    "tests/integration/test_again.py",
    "tests/integration/test_carried_engine.py",
    "tests/integration/test_change.py",
    "tests/integration/test_closed_pipe.py",
    "tests/integration/test_compose_reading.py",
    "tests/integration/test_compose_rendering.py",
    "tests/integration/test_compose_values.py",
    "tests/integration/test_fault_injection.py",
    "tests/integration/test_foreign_root.py",
    "tests/integration/test_forgotten_environment.py",
    "tests/integration/test_hostile_bundles.py",
    "tests/integration/test_initial_content.py",
    "tests/integration/test_installer_cut_off.py",
    "tests/integration/test_installer_options.py",
    "tests/integration/test_installer_steps.py",
    "tests/integration/test_interruption.py",
    "tests/integration/test_kubernetes_chart.py",
    "tests/integration/test_make_venv.py",
    "tests/integration/test_medium.py",
    "tests/integration/test_mistakes_page.py",
    "tests/integration/test_old_engines.py",
    "tests/integration/test_pages_in_a_browser.py",
    "tests/integration/test_probes.py",
    "tests/integration/test_progress.py",
    "tests/integration/test_push.py",
    "tests/integration/test_questions.py",
    "tests/integration/test_receipts.py",
    "tests/integration/test_release.py",
    "tests/integration/test_replay.py",
    "tests/integration/test_restore.py",
    "tests/integration/test_screens.py",
    "tests/integration/test_sources.py",
    "tests/integration/test_trust.py",
    "tests/integration/test_tutorial.py",
    "tests/integration/test_uninstall.py",
    "tests/integration/test_values.py",
    "tests/integration/test_write_once.py",
    "tests/integration/test_zipapp.py",
    "tests/shell/adoption/test_adoption.py",
    "tests/shell/bundle/test_forms.py",
    "tests/shell/data/test_archives.py",
    "tests/shell/data/test_authentic.py",
    "tests/shell/services/test_probes.py",
    "tests/shell/lib/test_lock.py",
    "tests/shell/lib/test_progress.py",
    "tests/shell/lib/test_shellcheck.py",
    "tests/shell/preflight/test_checks.py",
    "tests/shell/preflight/test_standalone.py",
    "tests/shell/site/test_delivery.py",
    "tests/shell/site/test_template_formats.py",
    "tests/unit/bundler/build/test_costs.py",
    "tests/unit/bundler/build/test_engine_floor.py",
    "tests/unit/bundler/build/test_pipeline.py",
    "tests/unit/bundler/io/test_json.py",
    "tests/unit/bundler/trust/test_verify.py",
    "tests/unit/plugins/compose/secrets/test_growth.py",
    "tests/unit/plugins/dify/test_secrets.py",
    "tests/unit/plugins/installer/test_engine.py",
    "tests/unit/plugins/installer/test_messages.py",
    "tests/unit/plugins/installer/test_readers.py",
    "tests/unit/plugins/registry/test_faults.py",
    "tests/unit/plugins/registry/test_pace.py",
    "tests/unit/project/test_shell_calls.py",
    "tests/unit/project/test_shell_structure.py",
)
"""Files that `make test` leaves out."""
QUICK_PROJECTS = ("[shop]", "[static]")
"""The sample projects that `make test` installs."""
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
IN_BOTH = ("main_line",)
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
    "tests/e2e/test_refusals.py",
    "tests/integration/",
    "tests/shell/",
    *(f"tests/e2e/test_{name}.py" for name in SITE_FILES if name not in IN_BOTH),
)

HALVED = (
    "tests/e2e/test_refusals.py",
    *(
        f"tests/integration/test_{name}.py"
        for name in (
            "change",
            "dify_gateway",
            "dify_proxies",
            "fault_injection",
            "foreign_root",
            "forgotten_environment",
            "hostile_bundles",
            "installer_options",
            "installer_steps",
            "mistakes",
            "push",
            "questions",
            "replay",
            "sources",
        )
    ),
    "tests/shell/adoption/test_adoption.py",
    "tests/shell/data/test_archives.py",
    "tests/shell/data/test_authentic.py",
    "tests/shell/preflight/test_checks.py",
)
"""Files whose cases take long together: of a test with more than three, half run."""
FEW = 3
"""Cases of which all run."""


def is_long(nodeid: str) -> bool:
    """Whether `make test` leaves out a test."""
    if nodeid.startswith("tests/e2e/test_projects.py"):
        return not nodeid.endswith(QUICK_PROJECTS)
    return nodeid.startswith(LONG)


def other_variants(nodeids: Sequence[str]) -> set[str]:
    """Return the tests whose shell or engine is not the one that the name decides."""
    groups: dict[str, list[str]] = {}
    for nodeid in nodeids:
        if nodeid.startswith(SAMPLED):
            groups.setdefault(VARIANT.sub("*", nodeid, count=1), []).append(nodeid)
    others = set()
    for name, group in groups.items():
        shares = [nodeid for nodeid in group for _ in range(_share(nodeid))]
        others |= {*group} - {shares[zlib.crc32(name.encode()) % len(shares)]}
    return others


def other_cases(nodeids: Sequence[str]) -> set[str]:
    """Return the cases of tests in `HALVED` that do not run: half of them, as their names decide."""
    groups: dict[str, list[str]] = {}
    for nodeid in nodeids:
        if nodeid.startswith(HALVED):
            groups.setdefault(nodeid.partition("[")[0], []).append(nodeid)
    others = set()
    for group in groups.values():
        if len(group) > FEW:
            group.sort(key=lambda nodeid: zlib.crc32(nodeid.encode()))
            others |= {*group[(len(group) + 1) // 2 :]}
    return others


def _share(nodeid: str) -> int:
    """Return how often a variant is taken beside others: bash takes twice the time of other shells."""
    found = VARIANT.search(nodeid)
    return 1 if found and found[0].startswith("bash") else 3


def is_thorough() -> bool:
    """Whether tests that take long run."""
    return bool(os.environ.get(NO_SKIP) or os.environ.get(ALL) or os.environ.get(ALL_VARIANTS))


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    return [] if is_thorough() else ["tests that take long are left out: make test-all runs them"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not meant."""
    for item in items:
        if item.nodeid.startswith(UNMEASURED):
            item.add_marker("no_cover")
    if config.option.keyword or any("::" in argument for argument in config.args):
        return
    if not is_thorough():
        files = (Path(argument).resolve() for argument in config.args if argument.endswith(".py"))
        named = tuple(file.relative_to(config.rootpath).as_posix() for file in files)
        _drop(config, items, lambda nodeid: is_long(nodeid) and not nodeid.startswith(named))
    if not os.environ.get(ALL_VARIANTS):
        for others in (other_variants, other_cases):
            _drop(config, items, others([item.nodeid for item in items]).__contains__)


def _drop(config: pytest.Config, items: list[pytest.Item], is_left_out: Callable[[str], bool]) -> None:
    dropped = [item for item in items if is_left_out(item.nodeid)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if not is_left_out(item.nodeid)]


@pytest.fixture(scope="module", autouse=True)
def unmeasured(request: pytest.FixtureRequest) -> Iterator[None]:
    """Measure no coverage of the programs that a test without coverage starts."""
    with pytest.MonkeyPatch.context() as patch:
        if request.node.nodeid.startswith(UNMEASURED):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> BySite:
    """Use `BySite` when tests run in parallel."""
    return BySite(config, log)
