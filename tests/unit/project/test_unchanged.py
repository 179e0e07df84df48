"""What the tests leave on a machine is said, and removed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.support import unchanged
from tests.support.mounts import mounts, unmount_below
from tests.support.programs import NO_SKIP, SITES, need_root, run
from tests.support.unchanged import RUN, Machine, Unchanged, changes, machine, not_compared, sweep

IP = '#!/bin/sh\n[ "$1" != -json ] || echo "[]"\n'


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the only programs that can be asked, of which each says that there is nothing."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setattr(unchanged, "SYSTEM_PATH", f"{folder}")
    for name in ("ip", "iptables-save", "ip6tables-save"):
        (folder / name).write_text(IP)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def forwarding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that stands for the kernel's."""
    file = tmp_path / "ip_forward"
    file.write_text("0\n")
    monkeypatch.setattr(unchanged, "FORWARDING", file)
    return file


class Session:
    """What the plugin asks of the session of pytest."""

    exitstatus: int = pytest.ExitCode.OK


def finish(plugin: Unchanged) -> tuple[str, int]:
    """Return the lines that are said at the end of a run, and its exit status."""
    session = Session()
    plugin.pytest_sessionfinish(cast("pytest.Session", session))
    lines: list[str] = []
    reporter = SimpleNamespace(section=lines.append, write_line=lines.append)
    plugin.pytest_terminal_summary(cast("pytest.TerminalReporter", reporter))
    return "\n".join(lines), session.exitstatus


@pytest.fixture
def began(
    tools: Path, forwarding: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Unchanged]:
    """Return what begins a run inside of this one."""
    assert tools
    assert forwarding
    monkeypatch.setattr(unchanged, "unmount_namespaces", lambda _: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in (RUN, SITES, NO_SKIP):
        monkeypatch.setenv(name, "")  # so that they are restored
    return Unchanged


def test_what_is_new_or_gone_is_said_by_kind() -> None:
    routes = frozenset({"default via 192.0.2.1"})
    before = Machine({"links": frozenset({"lo UP", "docker0 UP"}), "routes": routes})
    after = Machine({"links": frozenset({"lo UP", "veth1 UP"}), "routes": routes})
    assert changes(before, after) == ["links: + veth1 UP", "links: - docker0 UP"]
    assert changes(after, after) == []


def test_a_machine_has_links_and_mounts() -> None:
    found = machine()
    assert "lo UP" in found.known["links"]
    assert any(line.startswith("/proc ") for line in found.known["mounts"])


def test_what_cannot_be_asked_is_not_taken_for_nothing(tools: Path) -> None:
    before = machine()
    (tools / "ip").unlink()
    (tools / "ip6tables-save").write_text("#!/bin/sh\necho Permission denied >&2\nexit 4\n")
    after = machine()
    assert not {"links", "routes", "rules of the firewall", "network namespaces"} & after.known.keys()
    failed = "rules of the firewall: not compared: ip6tables-save: Permission denied"
    missing = [
        f"{kind}: not compared: ip is not installed" for kind in ("links", "routes", "network namespaces")
    ]
    for looks in ((before, after), (after, before), (after, after)):
        assert not any(line.startswith(("links", "routes", "rules")) for line in changes(*looks))
        assert sorted(not_compared(*looks)) == sorted([failed, *missing])
        assert not_compared(*looks, failed_only=True) == [failed]


def test_a_client_without_the_engine_of_the_machine_is_not_asked(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tools / "docker").write_text("#!/bin/sh\necho no engine >&2\nexit 1\n")
    (tools / "docker").chmod(0o755)
    monkeypatch.setattr(unchanged, "ENGINE", tmp_path / "docker.sock")
    assert machine().known["images"] == frozenset()
    (tmp_path / "docker.sock").touch()
    assert str(machine().unknown["images"]) == "docker image ls --quiet --no-trunc: no engine"


def test_where_namespaces_are_not_known_none_is_removed(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted = tmp_path / "deleted"
    unknown = machine()
    (tools / "ip").write_text(
        f'#!/bin/sh\ncase "$1 $2" in "netns list") echo site0x ;; *) echo "$3" >>{deleted} ;; esac\n'
    )
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    kept = Machine({kind: known for kind, known in unknown.known.items() if kind != "network namespaces"})
    sweep("of-this-test", tmp_path / "sites", kept)
    assert not deleted.exists()
    sweep("of-this-test", tmp_path / "sites", unknown)
    assert deleted.read_text() == "site0x\n"


@pytest.mark.parametrize("no_skip", ["", "1"])
def test_a_program_that_fails_is_a_failure_where_nothing_may_be_skipped(
    tools: Path, began: Callable[[], Unchanged], monkeypatch: pytest.MonkeyPatch, no_skip: str
) -> None:
    plugin = began()
    monkeypatch.setenv(NO_SKIP, no_skip)
    (tools / "iptables-save").write_text("#!/bin/sh\nexit 4\n")
    said, status = finish(plugin)
    assert "rules of the firewall: not compared: iptables-save: exit code 4" in said
    assert status == (pytest.ExitCode.TESTS_FAILED if no_skip else pytest.ExitCode.OK)


def test_a_program_that_is_missing_is_said_and_is_no_failure(
    tools: Path, began: Callable[[], Unchanged], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tools / "iptables-save").unlink()
    plugin = began()
    monkeypatch.setenv(NO_SKIP, "1")
    said, status = finish(plugin)
    assert "rules of the firewall: not compared: iptables-save is not installed" in said
    assert status == pytest.ExitCode.OK


def test_forwarding_is_restored(forwarding: Path, began: Callable[[], Unchanged]) -> None:
    plugin = began()
    forwarding.write_text("1\n")
    assert "forwarding" not in finish(plugin)[0]
    assert forwarding.read_text() == "0\n"


def test_forwarding_that_cannot_be_restored_is_said(
    forwarding: Path, began: Callable[[], Unchanged], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = began()
    forwarding.write_text("1\n")

    def refuse(path: Path, *_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", refuse)  # as root, the test could write in any case
        said, status = finish(plugin)
    assert f"forwarding: {forwarding} was 0, is 1, and cannot be restored: Permission denied" in said
    assert status == pytest.ExitCode.OK


def test_mounts_on_and_below_a_folder_are_removed_and_those_beside_it_stay(tmp_path: Path) -> None:
    need_root()
    points = [tmp_path / name for name in ("site 1", "site 1/data", "site 10")]
    try:
        for point in points:
            point.mkdir()
            run("mount", "-t", "tmpfs", "tmpfs", point)
        unmount_below(points[0])
        left = [point for point, _ in mounts() if point.startswith(f"{tmp_path}/")]
        assert left == [str(points[2])]
    finally:
        unmount_below(tmp_path)


def test_processes_of_a_run_are_ended_and_its_folder_is_removed(tmp_path: Path) -> None:
    sites = tmp_path / "sites"
    (sites / "old").mkdir(parents=True)
    by_name = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", f"{sites}/old"])
    by_run = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], env={RUN: "of-this-test"}
    )
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={RUN: "of-another"})
    try:
        time.sleep(0.5)  # until both run their own program
        began = time.monotonic()
        # they are children of this process, and stay as zombies until it asks for them: those do not count
        sweep("of-this-test", sites, machine())
        assert time.monotonic() - began < 20
        assert by_name.wait(5) < 0
        assert by_run.wait(5) < 0
        assert other.poll() is None
        assert not sites.exists()
    finally:
        for process in (by_name, by_run, other):
            process.kill()
            process.wait()
