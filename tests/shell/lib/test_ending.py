"""End of a run, and of the processes that it started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.installer import SHELLS, call, shells

shell = pytest.mark.parametrize("shell", shells())
TREE = """
sh -c 'trap "sleep 1; echo ended in order >{folder}/said; exit" TERM
       touch {folder}/ready
       while :; do sleep 0.1; done' &
sh -c 'while [ ! -f {folder}/ready ]; do sleep 0.1; done; exec sleep 1000' &
wait
"""


@shell
def test_a_tree_has_time_to_end_in_order(shell: str, tmp_path: Path) -> None:
    """Compose may be in the middle of replacing a container."""
    (tmp_path / "tree").write_text(TREE.format(folder=tmp_path))
    script = f"""
sh {tmp_path}/tree &
tree=$!
while [ ! -f {tmp_path}/ready ]; do sleep 0.1; done
end_tree $tree
one_is_running $(cat "$SCRATCH/tree") || echo none runs
"""
    done = call(shell, script, tmp_path)
    assert done.stdout == "none runs\n", done.stderr
    assert (tmp_path / "said").read_text() == "ended in order\n"


@shell
def test_a_tree_that_does_not_end_is_killed(shell: str, tmp_path: Path) -> None:
    script = f"""
sh -c 'trap "" TERM; touch {tmp_path}/ready; while :; do sleep 1; done' &
tree=$!
while [ ! -f {tmp_path}/ready ]; do sleep 0.1; done
end_tree $tree
one_is_running $tree || echo none runs
"""
    done = call(shell, script, tmp_path)
    assert done.stdout == "none runs\n", done.stderr


@shell
def test_a_background_process_of_a_terminal_is_not_suspended(shell: str, tmp_path: Path) -> None:
    """Under `nohup ... &`, a process that sets the terminal would be stopped, and would keep the lock."""
    assert call(shell, "echo done", tmp_path).stdout == "done\n"
    controller, terminal = os.openpty()
    started = ["bash", "-c", 'set -m; "$@" & wait $!; echo "code $?"', "bash"]
    ran = subprocess.run(
        ["setsid", "--ctty", "--wait", *started, *SHELLS[shell], str(tmp_path / "program")],
        stdin=terminal, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    os.close(controller)
    os.close(terminal)
    assert ran.stdout == "done\ncode 0\n", ran.stderr


DOCKER = '#!/bin/sh\nprintf "%s\\n" "$*" >>"{log}"\n'


@shell
def test_what_is_still_being_stopped_is_started_only_after_it(shell: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin/docker"
    docker.write_text(DOCKER.format(log=tmp_path / "told"))
    docker.chmod(0o755)
    script = (
        f"PATH={tmp_path}/bin:$PATH PART=$ROOT/.part; mkdir $PART; echo a1 >$ROOT/state/stopped; clean_up"
    )
    done = call(shell, script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "told").read_text() == "stop a1\nstart a1\n"
    assert list((tmp_path / "root").glob("**/*stopped")) + list((tmp_path / "root").glob(".part")) == []
