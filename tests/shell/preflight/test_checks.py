"""Every check of the preflight on simulated servers: passing, warning and failing, in each shell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from bundler_installer.assemble import catalogue
from bundler_installer.checks import CHECKS, PROBES
from bundler_installer.tables import LANGUAGES
from tests.support.document_worlds import DOCUMENT_WORLDS
from tests.support.fabricated import (
    Found,
    Server,
    preflight_file,
    results,
    run_preflight,
)
from tests.support.preflight_worlds import WORLDS as SERVER_WORLDS
from tests.support.preflight_worlds import World

WORLDS = (*SERVER_WORLDS, *DOCUMENT_WORLDS)

SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox": ("busybox", "sh")}
Measure = Callable[[int, str], dict[str, list[Found]]]
WANTED: Mapping[str, tuple[str, str]] = {
    "platform": ("amd64", "-"), "cpu": ("4", "8"), "cpu-flags": ("sse4_2", "avx"),
    "memory": ("8589934592", "16000000000"), "memory-available": ("-", "6442450944"),
    "swap": ("1000000000", "2000000000"), "docker": ("20.10", "24.0"), "compose": ("2.20", "2.24"),
    "disk": ("20000000000", "50000000000"), "inodes": ("100000", "-"), "ssd": ("yes", "yes"),
}  # fmt: skip
"""Requirements of the simulated bundle where the catalogue has none."""


def rows(world: World) -> list[list[str]]:
    """Return the rows of checks.tsv for the checks of this world."""
    found = []
    for check in CHECKS:
        if check.id not in world.expected:
            continue
        wanted = WANTED.get(check.id, (check.required or "-", check.recommended or "-"))
        required, recommended = world.wanted.get(check.id, wanted)
        if check.id == "sysctl":
            found.append([check.id, check.group, "262144", "-", "vm.max_map_count"])
            found.append([check.id, check.group, "-", "1", "vm.overcommit_memory"])
        else:
            found.append([check.id, check.group, required, recommended, "-"])
    return found


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measure:
    @cache
    def run(index: int, shell: str) -> dict[str, list[Found]]:
        world = WORLDS[index]
        folder = tmp_path_factory.mktemp("world")
        server = Server(folder)
        for change in world.changes:
            change(server)
        before = sorted(str(path) for path in folder.rglob("*"))
        file = preflight_file(folder, rows(world), world.tables)
        result = run_preflight(
            server, file, "--json", "--lang", "en", shell=SHELLS[shell], environment=world.environment
        )
        assert result.returncode in {0, 3}, result.stderr
        if result.returncode == 0:
            assert result.stderr == ""
        file.unlink()
        assert sorted(str(path) for path in folder.rglob("*")) == before, "the preflight left something"
        return results(result.stdout)

    return run


CASES = [
    pytest.param(index, shell, check, id=f"{world.name}-{check}-{shell}")
    for index, world in enumerate(WORLDS)
    for shell in SHELLS
    for check in world.expected
]


@pytest.mark.parametrize(("index", "shell", "check"), CASES)
def test_a_check(index: int, shell: str, check: str, measured: Measure) -> None:
    result, part = WORLDS[index].expected[check]
    found = measured(index, shell)[check]
    assert any(one.result == result and part in one.measured for one in found), found
    if result == "pass":
        assert all(one.remedy == "" for one in found if one.result == "pass")
    else:
        assert all(one.remedy for one in found if one.result == result)


NEVER_FAIL = {
    "page-size", "memory-available", "user", "selinux", "container", "clock-sync", "bridge-filter",
    "firewalld", "dns",
}  # fmt: skip
"""Checks of states that may be intended or cannot be determined with certainty."""
NEVER_WARN = {
    "unpacker", "platform", "ip-forward", "inodes", "container-name", "ulimit", "service-sysctl", "device",
    "host-path", "service-platform", "host-name",
}  # fmt: skip
"""Checks with only two outcomes. `host-name` warns only on a terminal, where the operator is asked."""


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_each_check_is_seen_in_all_its_results(check: str) -> None:
    seen = {world.expected[check][0] for world in WORLDS if check in world.expected}
    wanted = {"pass", "warn", "fail"}
    wanted -= {"fail"} if check in NEVER_FAIL else set()
    wanted -= {"warn"} if check in NEVER_WARN else set()
    assert seen == wanted


def single(tmp_path: Path, *checks: tuple[str, str, str]) -> tuple[Server, Path]:
    server = Server(tmp_path)
    return server, preflight_file(
        tmp_path, [[name, "hardware", low, high, "-"] for name, low, high in checks]
    )


def test_strict_and_accept(tmp_path: Path) -> None:
    server, file = single(tmp_path, ("cpu", "64", "-"), ("memory", "-", "99000000000"))
    assert run_preflight(server, file).returncode == 3
    assert run_preflight(server, file, "--accept", "cpu").returncode == 0
    assert run_preflight(server, file, "--accept", "cpu", "--strict").returncode == 3
    done = run_preflight(server, file, "--accept=cpu", "--accept", "memory", "--strict", "--json")
    assert done.returncode == 0
    assert {id_: one[0].result for id_, one in results(done.stdout).items()} == {
        "cpu": "accepted",
        "memory": "accepted",
    }


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_is_one_private_escaped_page(tmp_path: Path, shell: str, language: str) -> None:
    server, file = single(tmp_path, ("cpu", "64", "-"), ("kernel", "-", "-"))
    server.program("uname", "echo '<script>alert(1)</script>&\"'")
    report = tmp_path / "my report.html"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept")
    report.symlink_to(elsewhere)
    done = run_preflight(
        server, file, "--report", str(report), "--accept", "cpu", "--lang", language, shell=SHELLS[shell]
    )
    assert done.returncode == 0, done.stderr
    assert elsewhere.read_text() == "kept"
    assert not report.is_symlink()
    assert report.stat().st_mode & 0o777 == 0o600
    page = report.read_text()
    assert f'<html lang="{language}">' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;" in page
    assert "<script" not in page
    assert re.search("(src|href)=", page) is None
    assert 'class="accepted"' in page
    assert "cpu" in page


def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    server, file = single(tmp_path, ("kernel", "-", "-"))
    assert run_preflight(server, file, "--report", str(tmp_path)).returncode == 2
    assert run_preflight(server, file, "--report", str(tmp_path / "none" / "x.html")).returncode == 2


@pytest.mark.parametrize("name", ["uname", "../x", "cpu;reboot", "no-such-check"])
def test_a_table_that_names_no_check_is_refused(tmp_path: Path, name: str) -> None:
    server, file = single(tmp_path, (name, "-", "-"))
    assert run_preflight(server, file).returncode == 4


def test_every_check_has_its_texts_in_both_languages() -> None:
    for language in LANGUAGES:
        texts = catalogue(language)
        for check in (*CHECKS, *PROBES):
            assert f"check.{check.id}" in texts
            assert f"remedy.{check.id}" in texts
        assert {f"group.{check.group}" for check in CHECKS} <= set(texts)
