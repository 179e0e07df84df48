"""One run at a time: processes and files left by a killed run do not affect the next run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.installer import SHELLS, call, environment, need_shell, shells, write_program
from tests.support.processes import at_work
from tests.support.programs import need_program, need_root

shell = pytest.mark.parametrize("shell", shells())
NAMED = "COMMAND=test NAME=shop VERSION=1 PROFILE=dev RELEASE=1-abc\n"
NO_FLOCK = 'have() { [ "$1" != flock ] && command -v "$1" >/dev/null 2>&1; }\n'
flock = pytest.mark.parametrize("lock", ["", NO_FLOCK], ids=["flock", "no-flock"])
SLOW = """
slow() {{
    sh -c 'cat >/dev/null; : >{folder}/ready
           while [ ! -f {folder}/go ]; do sleep 0.1; done
           echo late >>{folder}/written'
}}
"""
"""A program that reads its input and writes a line once the file `go` exists."""
WORK = {
    "restore": "SOURCE={folder}; pour dump slow",
    "decrypted restore": "SOURCE={folder}/encrypted; decrypt() {{ cat; }}; pour dump slow",
    "backup": "PART={folder}; store copy slow </dev/null",
    "verification": "(slow </dev/null) & HASHING=$!; wait $HASHING",
    "step": "(slow </dev/null; echo more >>{folder}/written)",
}
"""Work that a run may be doing when its shell alone is killed."""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def start(shell: str, script: str, folder: Path, *, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a run and wait until it creates the file `ready`: the point at which the test kills it."""
    need_shell(shell)
    program = write_program(NAMED + script, folder, name="first")
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [*before, *SHELLS[shell], str(program)],
            env={**environment(folder), "TMPDIR": str(folder / "first-scratch")},
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, text=True, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (folder / "ready").exists():
        assert process.poll() is None, (folder / "said").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def kill_shell(process: subprocess.Popen[str]) -> None:
    """Kill the shell alone; the processes that it started continue."""
    process.kill()
    process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "first-scratch").mkdir()
    (tmp_path / "dump").write_text("data\n")
    (tmp_path / "encrypted").mkdir()
    (tmp_path / "encrypted/dump.enc").write_text("data\n")
    yield tmp_path
    wait_until(lambda: at_work(tmp_path) == set())


@shell
@pytest.mark.parametrize(("work", "lock"), [*((work, "") for work in WORK), ("step", NO_FLOCK)])
def test_children_of_a_killed_run_end_before_the_next_one_goes_on(
    work: str, lock: str, shell: str, folder: Path
) -> None:
    script = "take_lock\n" + SLOW.format(folder=folder) + WORK[work].format(folder=folder)
    kill_shell(start(shell, script, folder))
    done = call(shell, f"{NAMED}{lock}take_lock; echo next >>{folder}/written", folder)
    assert done.returncode == 0, done.stderr
    assert "left processes running: " in done.stderr
    assert at_work(folder / "root") == set()
    (folder / "go").touch()
    wait_until(lambda: at_work(folder) == set())
    assert (folder / "written").read_text() == "next\n"


@shell
def test_one_that_ignores_the_signal_is_killed(shell: str, folder: Path) -> None:
    script = f"take_lock; sh -c 'trap \"\" TERM; : >{folder}/ready; sleep 60; sleep 60'; echo over"
    kill_shell(start(shell, script, folder))
    done = call(shell, f"{NAMED}take_lock; echo done", folder)
    assert done.stdout == "done\n", done.stderr
    assert at_work(folder / "root") == set()


@shell
@flock
def test_a_service_that_was_started_outlives_runs(lock: str, shell: str, folder: Path) -> None:
    """A process in its own session is a service: an engine, or Podman's processes beside a container."""
    script = f"take_lock; setsid sh -c 'echo $$ >{folder}/ready; sleep 60; :' & wait"
    first = start(shell, script, folder)
    wait_until(lambda: (folder / "ready").read_text() != "")
    service = int((folder / "ready").read_text())
    try:
        kill_shell(first)
        for _ in range(2):
            done = call(shell, f"{NAMED}{lock}take_lock; false || exit 5", folder)
            assert done.returncode == 5, done.stderr
            assert "processes running" not in done.stderr
            os.kill(service, 0)
    finally:
        os.killpg(service, signal.SIGKILL)


@shell
def test_a_carried_engine_does_not_inherit_the_lock(shell: str, folder: Path) -> None:
    script = """
dockerd() { :; }
mkdir -p "$SCRATCH/bin"
printf '#!/bin/sh\\nls -l /proc/self/fd >%s/fds\\n' "$ROOT" >"$SCRATCH/bin/dockerd"
chmod 755 "$SCRATCH/bin/dockerd"
PATH=$SCRATCH/bin:$PATH PROBE_ROOT=$SCRATCH
take_lock; launch_engine; wait
"""
    done = call(shell, NAMED + script, folder)
    assert done.returncode == 0, done.stderr
    assert "->" in (folder / "root/fds").read_text()
    assert "state/running" not in (folder / "root/fds").read_text()
    assert "process" not in (folder / "root/fds").read_text()


@shell
@flock
def test_the_link_removed_by_hand_does_not_let_a_second_run_in(lock: str, shell: str, folder: Path) -> None:
    first = start(shell, f"take_lock; : >{folder}/ready; sleep 60; :", folder)
    try:
        (folder / "root/state/lock").unlink()
        done = call(shell, f"{NAMED}{lock}take_lock; echo done", folder)
        assert done.returncode == 1, done.stdout
        assert f"process {first.pid}" in done.stderr
        assert first.poll() is None
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()


@shell
@flock
def test_a_run_in_another_process_namespace(lock: str, shell: str, folder: Path) -> None:
    """Its processes are not visible: only the kernel's lock shows whether it is active."""
    need_root()
    unshare = need_program("unshare", "util-linux")
    first = start(
        shell, f"take_lock; : >{folder}/ready; sleep 60; :", folder,
        before=(unshare, "--pid", "--fork", "--kill-child", "--mount-proc"),
    )  # fmt: skip
    second = f"{NAMED}{lock}take_lock; echo done"
    try:
        refused = call(shell, second, folder)
        assert refused.returncode == 1
        assert "in another container" in refused.stderr
        assert first.poll() is None
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    wait_until(lambda: at_work(folder / "root") == set())
    done = call(shell, second, folder)
    if lock:
        assert done.returncode == 1
        assert "remove that link" in done.stderr
        (folder / "root/state/lock").unlink()
        done = call(shell, second, folder)
    assert done.stdout == "done\n", done.stderr


@shell
def test_a_signal_to_all_leaves_nothing_at_work(shell: str, folder: Path) -> None:
    """Intermediate shells end at once; a slow program gets a second signal, then it is killed."""
    stubborn = f"sh -c 'trap \"\" INT TERM; : >{folder}/ready; sleep 60; sleep 60'"
    first = start(shell, f"take_lock; (cat </dev/null | ({stubborn}; :); :); echo over", folder)
    os.killpg(first.pid, signal.SIGTERM)
    assert first.wait(timeout=60) == 143
    assert at_work(folder / "root") == set()
    assert not (folder / "root/state/lock").is_symlink()
    assert list((folder / "first-scratch").iterdir()) == []


@shell
def test_a_run_that_fails_does_not_end_the_engine_it_started(shell: str, folder: Path) -> None:
    engine = f"setsid sh -c 'echo $$ >{folder}/ready; sleep 60; :' >/dev/null 2>&1"
    script = f"take_lock; {engine} & sleep 1; exit 1"
    done = call(shell, NAMED + script, folder)
    service = int((folder / "ready").read_text())
    assert done.returncode == 1
    os.killpg(service, signal.SIGKILL)


@shell
def test_the_scratch_folder_of_a_killed_run_is_removed_by_the_next(shell: str, folder: Path) -> None:
    """Even if the next run has its scratch folder elsewhere."""
    script = f'take_lock; printf secret >"$SCRATCH/values/TOKEN"; : >{folder}/ready; exec sleep 60'
    first = start(shell, script.replace("exec ", "") + "; :", folder)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert list((folder / "first-scratch").rglob("TOKEN"))
    done = call(shell, f"{NAMED}take_lock", folder)
    assert done.returncode == 0, done.stderr
    assert list((folder / "first-scratch").iterdir()) == []
    assert not (folder / "root/state/litter").exists()


@shell
def test_the_scratch_folder_of_a_run_killed_before_it_had_the_lock(shell: str, folder: Path) -> None:
    scratch = folder / "first-scratch"
    script = f'printf secret >"$SCRATCH/values/TOKEN"; : >{folder}/ready; sleep 60; :'
    first = start(shell, script, folder)
    sweep = f"sweep_scratch {scratch}"
    assert call(shell, sweep, folder).returncode == 0
    assert list(scratch.rglob("TOKEN"))  # the run is still active
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    (mark,) = scratch.glob("*/process")
    text = mark.read_text()
    for other in (text.replace("pid:[", "pid:[9"), text.replace(os.uname().nodename, "elsewhere"), ""):
        mark.write_text(other)  # of another container or machine, or not written by a run
        assert call(shell, sweep, folder).returncode == 0
        assert list(scratch.rglob("TOKEN"))
    mark.write_text(text)
    assert call(shell, sweep, folder).returncode == 0
    assert list(scratch.iterdir()) == []


@shell
@flock
def test_a_scratch_folder_that_a_killed_run_s_children_work_with(lock: str, shell: str, folder: Path) -> None:
    """It is kept until they have ended."""
    scratch = folder / "first-scratch"
    script = SLOW.format(folder=folder) + '(slow </dev/null; : >"$SCRATCH/more")'
    kill_shell(start(shell, script, folder))
    sweep = f"{lock}sweep_scratch {scratch}"
    assert call(shell, sweep, folder).returncode == 0
    assert len(list(scratch.glob("bundle.*/process"))) == 1
    (folder / "go").touch()
    wait_until(lambda: at_work(folder) == set())
    done = call(shell, sweep, folder)
    assert done.returncode == 0, done.stderr
    assert list(scratch.iterdir()) == []


@shell
def test_a_scratch_folder_whose_run_was_killed_before_it_marked_it(shell: str, folder: Path) -> None:
    scratch = folder / "first-scratch"
    old = time.time() - 700
    for name, files in (
        ("bundle.aaaaaa", ()),
        ("bundle.bbbbbb", ("process",)),
        ("bundle.cccccc", ("values",)),
    ):
        (scratch / name).mkdir()
        for file in files:
            (scratch / name / file).touch()
    assert call(shell, f"sweep_scratch {scratch}", folder).returncode == 0
    assert len(list(scratch.iterdir())) == 3  # the run may be about to mark it
    for each in scratch.iterdir():
        os.utime(each, (old, old))
    assert call(shell, f"sweep_scratch {scratch}", folder).returncode == 0
    assert [path.name for path in scratch.iterdir()] == ["bundle.cccccc"]


@shell
def test_a_run_killed_while_it_cleans_up_leaves_what_the_next_one_knows(shell: str, folder: Path) -> None:
    script = f"""
take_lock
printf secret >"$SCRATCH/values/TOKEN"
find() {{ command rm -f "$SCRATCH/set"; : >{folder}/ready; sleep 60; }}
exit 0
"""
    first = start(shell, script, folder)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    done = call(shell, f"{NAMED}take_lock", folder)
    assert done.returncode == 0, done.stderr
    assert list((folder / "first-scratch").iterdir()) == []


@shell
def test_only_what_a_run_makes_is_removed(shell: str, folder: Path) -> None:
    """Other entries in the list are ignored."""
    need_root()
    dead = "999999999 1 another-boot pid:[1] " + os.uname().nodename + "\n"
    kept = {name: folder / name for name in ("data", "bundle.a_b-cd", "bundle.abc", ".part", "target")}
    for path in kept.values():
        path.mkdir()
        (path / "process").write_text(dead)
    foreign = folder / "bundle.forein"
    foreign.mkdir()
    (foreign / "process").write_text(dead)
    os.chown(foreign, 65534, 65534)
    unmarked = folder / "bundle.nomark"
    unmarked.mkdir()
    link = folder / "bundle.linked"
    link.symlink_to(kept["target"])
    scratch = folder / "bundle.abcXYZ"
    scratch.mkdir()
    (scratch / "process").write_text(dead)
    half = folder / ".20260101T000000Z-1-abc-manual.part"
    (half / "dumps").mkdir(parents=True)
    state = folder / "root/state"
    state.mkdir(parents=True)
    listed = [
        *kept.values(),
        foreign,
        unmarked,
        link,
        scratch,
        half,
        folder,
        Path("/"),
        Path("bundle.abcXYZ"),
    ]
    (state / "litter").write_text("".join(f"{path}\n" for path in listed))
    done = call(shell, f"{NAMED}take_lock", folder)
    assert done.returncode == 0, done.stderr
    assert not scratch.exists()
    assert not half.exists()
    assert all((path / "process").exists() for path in [*kept.values(), foreign])
    assert unmarked.exists()
    assert link.is_symlink()


@shell
def test_what_is_half_made_below_the_root_is_removed(shell: str, folder: Path) -> None:
    root = folder / "root"
    half = ("releases/.part/config", "state/answers/.1-abc.part", "state/unpacked.999999999/volumes")
    for name in half:
        (root / name).mkdir(parents=True)
    files = ("site.env.new", "secrets.env.new", ".ctl.new", "state/change.new", "state/trusted.pub.new")
    for name in files:
        (root / name).write_text("secret\n")
    kept = (root / "state/answers/1-abc", root / f"state/unpacked.{os.getpid()}")
    for path in kept:
        path.mkdir()
    done = call(shell, f"{NAMED}take_lock", folder)
    assert done.returncode == 0, done.stderr
    assert not [name for name in (*half, *files) if (root / name.removesuffix("/config")).exists()]
    assert all(path.is_dir() for path in kept)
