"""Long steps show bytes, rate and time left, and nothing of that outlives or changes the step."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installer import SHELLS, call, environment, need_shell, shells, write_program

shell = pytest.mark.parametrize("shell", shells())
PACES = {
    # samples, now, bytes, total: rate, left, samples
    "the first second": ("0:0", "200", "1000", "5000", "500 8 0:0 200:1000"),
    "a part of a second is one more": ("0:0", "100", "1000", "1001", "1000 1 0:0 100:1000"),
    "all bytes": ("0:0", "100", "1000", "1000", "1000 0 0:0 100:1000"),
    "unknown total": ("0:0", "100", "1000", "-", "1000 - 0:0 100:1000"),
    "unknown bytes": ("0:0 100:5", "200", "-", "5000", "- - 0:0 100:5"),
    "the clock stands still": ("100:0", "100", "1000", "5000", "0 - 100:0 100:1000"),
    "the clock goes back": ("200:0", "100", "1000", "5000", "0 - 200:0 100:1000"),
    "nothing moves": ("0:1000", "100", "1000", "5000", "0 - 0:1000 100:1000"),
    "fewer bytes than before": ("0:1000", "100", "900", "5000", "0 - 0:1000 100:900"),
    "more bytes than the total": ("0:0", "100", "6000", "5000", "6000 - 0:0 100:6000"),
    "beyond 2^31 and 2^32": (
        "0:0", "1000", "3000000000", "9000000000000", "300000000 29990 0:0 1000:3000000000",
    ),
    "more than 99 hours": ("0:0", "100", "1", "9000000000000", "1 - 0:0 100:1"),
    "only the last 15 seconds count": (
        "0:0 1000:1000000 2000:2000000", "2500", "7000000", "12000000",
        "400000 13 1000:1000000 2000:2000000 2500:7000000",
    ),
    "an old sample is better than none": ("0:0", "9000", "9000", "10000", "100 10 0:0 9000:9000"),
}  # fmt: skip
LINES = {
    # bytes, total, rate, left
    ("1200000000", "4100000000", "310000000", "10"): (
        "Loading images: 1.2 GB of 4.1 GB, 310.0 MB/s, 10 s left",
        "正在加载镜像\uff1a1.2 GB / 4.1 GB\uff0c310.0 MB/s\uff0c剩余 10 秒",
    ),
    ("0", "4100000000", "0", "-"): (
        "Loading images: 0 B of 4.1 GB, 0 B/s",
        "正在加载镜像\uff1a0 B / 4.1 GB\uff0c0 B/s",
    ),
    ("3000000000", "-", "1000", "-"): (
        "Loading images: 3.0 GB, 1.0 kB/s",
        "正在加载镜像\uff1a3.0 GB\uff0c1.0 kB/s",
    ),
    ("3000000000", "2999999999", "1000", "-"): (
        "Loading images: 3.0 GB, 1.0 kB/s",
        "正在加载镜像\uff1a3.0 GB\uff0c1.0 kB/s",
    ),
    ("-", "4100000000", "-", "-"): (
        "Loading images: 4.1 GB in total, 42 s so far",
        "正在加载镜像\uff1a共 4.1 GB\uff0c已用 42 秒",
    ),
    ("-", "-", "-", "-"): ("Loading images: 42 s so far", "正在加载镜像\uff1a已用 42 秒"),
    ("1000", "2000", "1", "100"): (
        "Loading images: 1.0 kB of 2.0 kB, 1 B/s, 2 min left",
        "正在加载镜像\uff1a1.0 kB / 2.0 kB\uff0c1 B/s\uff0c剩余 2 分钟",
    ),
    ("1000", "2000", "1", "7500"): (
        "Loading images: 1.0 kB of 2.0 kB, 1 B/s, 2 h 5 min left",
        "正在加载镜像\uff1a1.0 kB / 2.0 kB\uff0c1 B/s\uff0c剩余 2 小时 5 分",
    ),
}
LINE = "Verifying: 1.2 GB of 4.1 GB, 310.0 MB/s, 10 s left"
CHINESE = "正在校验\uff1a1.2 GB / 4.1 GB\uff0c310.0 MB/s\uff0c剩余 10 秒"
CUTS = (
    (LINE, 80, LINE),
    (LINE, len(LINE) + 1, LINE),
    (LINE, len(LINE), "Verifying: 1.2 GB of 4.1 GB, 310.0 MB/s"),
    (LINE, 36, "Verifying: 1.2 GB of 4.1 GB"),
    (LINE, 28, "Verifying: 1.2 GB of 4.1 GB"),
    (LINE, 12, "Verifying: "),
    (CHINESE, 50, CHINESE),
    (CHINESE, 49, "正在校验\uff1a1.2 GB / 4.1 GB\uff0c310.0 MB/s"),
    (CHINESE, 28, "正在校验\uff1a1.2 GB / 4.1 GB"),
    (CHINESE, 8, "正在校"),
)
SLOW = """
slow() {
    while [ "$sent" -lt "$1" ]; do
        dd if=/dev/zero bs=1000000 count=10 2>/dev/null
        sleep 0.5
        sent=$((sent + 1))
    done >"$ROOT/data/out"
    return 7
}
sent=0
expect_file "$ROOT/data" out 80000000
"""
"""A step that writes 10 MB twice a second, and fails."""
ERASED = "\r\x1b[K"


@shell
def test_rate_and_time_left(shell: str, tmp_path: Path) -> None:
    script = "".join(
        f"samples='{samples}'; reckon_pace {now} {passed} {total}\n"
        for samples, now, passed, total, _ in PACES.values()
    )
    done = call(shell, script, tmp_path)
    found = dict(zip(PACES, done.stdout.replace("\t", " ").splitlines(), strict=True))
    assert found == {name: wanted for name, (*_, wanted) in PACES.items()}, done.stderr


@shell
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_known_is_said(shell: str, tmp_path: Path, language: str) -> None:
    script = "seconds=42\n" + "".join(
        f"bytes={passed} rate={rate} left={left}; describe_pace load '' {total}; echo\n"
        for passed, total, rate, left in LINES
    )
    done = call(shell, script, tmp_path, language=language)
    place = ["en", "zh"].index(language)
    assert done.stdout.splitlines() == [texts[place] for texts in LINES.values()], done.stderr


@shell
def test_a_line_fits_the_terminal_and_no_number_is_cut(shell: str, tmp_path: Path) -> None:
    programs = '"$PROGRAM_LIB_BYTES$PROGRAM_LIB_CELLS$PROGRAM_LIB_CUT"'
    cut = f'printf "%s\\n" "$1" | LC_ALL=C awk -v columns="$2" {programs}'
    calls = "".join(f"cut_line '{text}' {columns}\n" for text, columns, _ in CUTS)
    done = call(shell, f"cut_line() {{ {cut}; }}\n{calls}", tmp_path)
    assert done.stdout.splitlines() == [wanted for *_, wanted in CUTS], done.stderr


@shell
def test_positions_of_files_are_bytes(shell: str, tmp_path: Path) -> None:
    """Files of a group are read in order; what is not open any more was read to its end."""
    folder = tmp_path / "root/data"
    folder.mkdir(parents=True)
    for name, size in (("one", 7_000_000_000), ("two", 6_000_000_000), ("three", 500)):
        with (folder / name).open("wb") as file:
            file.truncate(size)
    script = """
printf 'one\\ntwo\\n' | expect_files "$ROOT/data"
printf '2\\t500\\tthree\\n' >>"$SCRATCH/metered"
look() {
    look_at_files >"$SCRATCH/looked"
    read_metered_byte bytes seen <"$SCRATCH/looked"
    echo "$bytes"
}
seen='' bytes=''
look
exec 6<"$ROOT/data/two"
dd bs=1000000 skip=5000 count=0 <&6 2>/dev/null
look
exec 5<"$ROOT/data/three"
read -r _ <&5
look
exec 6<&-
look
exec 5<&-
look
list_tree() { echo; }
seen=''
look
"""
    done = call(shell, script, tmp_path)
    shown = [int(line) if line.isdigit() else line for line in done.stdout.split()]
    assert shown == ["-", 12_000_000_000, 12_000_000_500, 13_000_000_500, 13_000_000_500, "-"], done.stderr


@shell
def test_what_is_read_from_a_pipe_is_counted(shell: str, tmp_path: Path) -> None:
    script = """
expect_pipe -
dd if=/dev/zero bs=1000000 count=30 2>/dev/null | { show_reader; cat >/dev/null; count_read; }
"""
    done = call(shell, script, tmp_path)
    assert 30_000_000 <= int(done.stdout) < 31_000_000, done.stderr


def run(
    shell: str, script: str, folder: Path, *, term: str = "xterm", **variables: str
) -> tuple[int, str, str]:
    """Run a script as a session on a terminal; return its code, all output, and the processes left."""
    with started(shell, script, folder, TERM=term, **variables) as (process, terminal):
        shown = read_to_end(terminal)
        code = process.wait(60)
    return code, shown, session_of(process.pid)


@contextlib.contextmanager
def started(
    shell: str, script: str, folder: Path, **variables: str
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    need_shell(shell)
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with subprocess.Popen(
        ["setsid", "--ctty", *SHELLS[shell], str(write_program(script, folder))],
        env={**environment(folder), **variables}, stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        try:
            yield process, ours
        finally:
            process.kill()
            os.close(ours)


def read_to_end(terminal: int) -> str:
    shown = b""
    with contextlib.suppress(OSError):  # the last process has closed the terminal
        while read := os.read(terminal, 65536):
            shown += read
    return shown.decode().replace("\r\n", "\n")


def session_of(leader: int) -> str:
    """Return the processes of a session, without zombies."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, session = each.read_text().rpartition(") ")[2].split()[:4]
            if session == str(leader) and state != "Z":
                found.append((each.parent / "cmdline").read_text())
    return " ".join(found)


@shell
def test_a_step_on_a_terminal(shell: str, tmp_path: Path) -> None:
    """A line is rewritten, and erased before anything else is printed; the step's exit code stays."""
    script = (
        SLOW + 'metered load "" slow 7; echo "code $?"; metered load "" slow 14; say journal.root "$ROOT"'
    )
    code, shown, left = run(shell, script, tmp_path)
    assert code == 0
    drawn, _, rest = shown.rpartition(ERASED)
    assert rest.startswith("/"), shown
    first, erased, rest = drawn.partition(f"{ERASED}code 7\n")
    assert erased, shown
    assert "\n" not in first
    lines = first.split("\x1b[K")
    assert all(line.startswith("\rLoading images: ") for line in lines if line), shown
    assert 1 <= len(lines) - 1 <= 3, shown
    assert "0.0 MB of 80.0 MB, " in first
    assert " s left" in first
    assert left == ""


@shell
def test_an_error_inside_a_step_stands_on_a_line_of_its_own(shell: str, tmp_path: Path) -> None:
    script = (
        SLOW
        + 'breaks() { slow 5; (fail 4 journal.root "$ROOT") || leave 4; }; metered load "" breaks; echo on'
    )
    code, shown, left = run(shell, script, tmp_path)
    assert code == 4
    before, erased, rest = shown.rpartition(ERASED)
    assert before.startswith("\rLoading images: ")
    assert erased
    assert rest.startswith("\x1b[31m")
    assert "Loading" not in rest
    assert left == ""


@shell
@pytest.mark.parametrize("quiet", [{"NO_COLOR": "1"}, {"term": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_lines_where_none_can_be_rewritten(shell: str, tmp_path: Path, quiet: dict[str, str]) -> None:
    script = SLOW + 'METER_LINES=2; LOG=$ROOT/log/now; metered load "" slow 5; echo "code $?"'
    code, shown, _ = run(shell, script, tmp_path, **quiet)
    assert code == 0
    line, end = shown.splitlines()
    assert line.startswith("Loading images: ")
    assert " of 80.0 MB, " in line
    assert end == "code 7"
    assert (tmp_path / "root/log/now").read_text().partition(" ")[2] == f"{line}\n"


@shell
def test_events_and_short_and_small_steps(shell: str, tmp_path: Path) -> None:
    """With --json, events are lines on standard error. Less than two seconds or 16 MB show nothing."""
    script = (
        f"JSON=yes QUIET=yes\n{SLOW}"
        'metered backup \'da"ta\' slow 5; echo "code $?"\n'
        'metered load "" true; echo "code $?"; expect_file "$ROOT/data" out 15999999; sent=0\n'
        'start_meter load ""; echo "meter $METER"\n'
    )
    done = call(shell, script, tmp_path)
    assert done.stdout == "code 7\ncode 0\nmeter \n"
    (event,) = [json.loads(line) for line in done.stderr.splitlines()]
    rate = event.pop("rate")
    assert event.pop("left") >= (80_000_000 - event["bytes"]) // rate
    assert 0 < event.pop("bytes") <= 50_000_000
    assert event == {
        "event": "progress", "step": "backup", "item": 'da"ta', "total": 80_000_000, "seconds": 2,
    }  # fmt: skip


@shell
def test_a_step_that_ends_at_once(shell: str, tmp_path: Path) -> None:
    """A signal to a process that has just begun would run the traps of the installer in it."""
    script = (
        "end_run() { echo ended >>$ROOT/ended; exit; }\n"
        'i=0; while [ $i -lt 60 ]; do expect_file "$ROOT/data" out -; metered load "" true; i=$((i + 1))\n'
        "done\n"
        'trap - EXIT; empty_scratch "$SCRATCH"; echo "$i"'
    )
    done = call(shell, script, tmp_path)
    assert (done.stdout, done.stderr) == ("60\n", "")
    assert not (tmp_path / "root/ended").exists()


@shell
def test_output_that_nobody_reads_holds_up_no_step(shell: str, tmp_path: Path) -> None:
    """As on a terminal whose line is stalled: the meter waits in a write, and is killed."""
    program = write_program(f'{SLOW}METER_LINES=2; metered load "" slow 6\nexit 5\n', tmp_path)
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(theirs, b"x" * 4096)
    os.set_blocking(theirs, True)
    try:
        done = subprocess.run(
            [*SHELLS[shell], program], env=environment(tmp_path), stdin=subprocess.DEVNULL,
            stdout=theirs, stderr=theirs, timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 5


@shell
def test_where_the_system_shows_nothing_time_is_shown(shell: str, tmp_path: Path) -> None:
    script = SLOW + 'METER_LINES=2; list_tree() { echo; }; metered load "" slow 5; echo "code $?"'
    done = call(shell, script, tmp_path)
    assert done.stdout == "Loading images: 80.0 MB in total, 2 s so far\ncode 7\n"
    assert done.stderr == ""


@shell
@pytest.mark.parametrize("name", ["INT", "INT subshell", "TERM", "KILL"])
def test_a_signal_leaves_no_process_and_no_half_line(shell: str, tmp_path: Path, name: str) -> None:
    name, _, inner = name.partition(" ")
    step = 'metered load "" slow 60'
    script = SLOW + (f"({step})" if inner else step)
    with started(shell, script, tmp_path, TERM="xterm") as (process, terminal):
        shown = b""
        while b"Loading" not in shown:
            shown += os.read(terminal, 65536)
        if name == "INT":
            os.write(terminal, b"\x03")
        else:
            os.kill(process.pid, signal.Signals[f"SIG{name}"])
        text = shown.decode() + read_to_end(terminal)
        code = process.wait(60)
        assert code == {"INT": 130, "TERM": 143, "KILL": -9}[name]
        deadline = time.monotonic() + 10
        while name == "KILL" and session_of(process.pid) and time.monotonic() < deadline:
            time.sleep(0.1)  # it looks every second whether the run was killed
        assert session_of(process.pid) == ""
    assert text.endswith(ERASED), text
