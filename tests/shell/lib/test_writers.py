"""A program's output reaches its file, or the exit status shows that it does not; for every program used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
PRINTING = (
    "awk 'BEGIN { print 1 }'",
    "sort",
    "cut -c 1",
    "sed p",
    "grep 1",
    "find .",
    "head -n 1",
    "tail -n 1",
    "wc",
    "uniq",
    "paste - -",
    "tr 1 2",
    "od",
    "cat",
    "ls",
    "date",
    "readlink /proc/self",
    "stat .",
    "df .",
    "id",
    "uname",
    "sha256sum",
)


@shell
@pytest.mark.parametrize("program", PRINTING)
def test_a_full_disk_is_noticed(shell: str, tmp_path: Path, program: str) -> None:
    """busybox 1.35 exits with 0 when its last buffer cannot be written (`fflush_stdout_and_exit`)."""
    assert Path("/dev/full").is_char_device()
    done = call(shell, f"echo 1 | {program} >/dev/full && echo unnoticed", tmp_path)
    assert "unnoticed" not in done.stdout


@shell
def test_status_and_output_stay(shell: str, tmp_path: Path) -> None:
    script = """
printf '2\\n1\\n' | sort >"$SCRATCH/sorted" || echo failed
grep -q 1 "$SCRATCH/sorted" && ! grep 3 "$SCRATCH/sorted" >"$SCRATCH/none"; echo $?
grep 3 "$SCRATCH/none" >"$SCRATCH/more"; echo $?
awk 'BEGIN { exit 7 }' >"$SCRATCH/more"; echo $?
[ "$(sed p "$SCRATCH/sorted" | tr '\\n' ' ')" = '1 1 2 2 ' ]; echo $?
wc -c <"$SCRATCH/sorted" | tr -d ' '
"""
    done = call(shell, script, tmp_path)
    assert done.stdout.split() == ["0", "1", "7", "0", "4"], done.stderr


@shell
def test_a_tar_that_fails_once_keeps_its_abilities(shell: str, tmp_path: Path) -> None:
    """A backup made with the fewest options would look complete."""
    asked = 'choose_tar; echo "$TAR_KIND|$TAR_MAKE|$TAR_TAKE|$TAR_EXCLUDES"'
    wanted = call(shell, asked, tmp_path).stdout
    assert "posix" in wanted or shell == "busybox"
    for number in range(1, 8):
        failing = (
            'echo 0 >"$SCRATCH/asked"\n'
            'tar() { n=$(($(cat "$SCRATCH/asked") + 1)); echo $n >"$SCRATCH/asked"; '
            f'[ $n -ne {number} ] && command tar "$@"; }}\n'
        )
        assert call(shell, failing + asked, tmp_path).stdout == wanted, number


@shell
def test_no_variable_of_a_caller_is_lost(shell: str, tmp_path: Path) -> None:
    """`plan` keeps a folder's name in a variable while programs print the difference."""
    script = """
BASE=$SCRATCH/base part=$SCRATCH/part
mkdir -p "$BASE/.written" "$part/config"
printf 'a\\nb\\n' >"$BASE/.written/x"
printf 'a\\nc\\n' >"$part/config/x"
rows() { :; }
write_draft() { :; }
fill_templates() { :; }
empty_file "$SCRATCH/secret-forms"
compare_config
cat "$SCRATCH/plan-diff"
"""
    done = call(shell, script, tmp_path)
    assert done.stdout.splitlines()[-3:] == [" a", "-b", "+c"], done.stdout + done.stderr
