"""Services to wait for and broken services, derived from the engine's container states."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installer import call, shells

SERVICES = "app\texample/app\thealthy\t1\njob\texample/job\tcompleted\t1\nside\texample/side\trunning\t1\n"
SEED = "seed\texample/seed\tstarted\t1\n"
GOOD = "app running healthy 0 0 a\njob exited none 0 0 j\nside running none 0 0 s\n"


def judge(
    shell: str,
    folder: Path,
    containers: str,
    *,
    before: str = "",
    ended: str = "",
    early: str = "",
    services: str = SERVICES,
    finished: str = "",
) -> tuple[str, str]:
    """Return the services to wait for and the broken ones.

    Args:
        shell: name of the shell.
        folder: for the files of the call.
        containers: lines of the engine.
        before: lines before the start.
        ended: exit code of `compose up`, if it has ended.
        early: `yes` in the first minute.
        services: lines of services.tsv.
        finished: the site's note of finished jobs; `BOOT` stands for this boot.
    """
    (folder / "here").mkdir()
    (folder / "here/services.tsv").write_text(services)
    (folder / "lines").write_text(containers)
    (folder / "before").write_text(before)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    (folder / "finished").write_text(finished.replace("BOOT", boot))
    script = f"""
list_containers() {{ cat '{folder}/lines'; }}
cp '{folder}/before' "$SCRATCH/before"
[ ! -s '{folder}/finished' ] || cp '{folder}/finished' "$ROOT/state/finished"
up_code='{ended}' early={early}
read_states || exit
printf '%s/%s\\n' "$waiting" "$broken"
"""
    result = call(shell, script, folder)
    assert result.returncode == 0, result.stderr
    waiting, _, broken = result.stdout.strip("\n").partition("/")
    return waiting, broken


def with_app(line: str) -> str:
    """Return the good containers with another state of `app`."""
    return GOOD.replace("app running healthy 0 0 a", line)


@pytest.mark.parametrize("shell", shells())
class TestStates:
    """States of one container, in every shell."""

    def test_all_good(self, shell: str, tmp_path: Path) -> None:
        assert judge(shell, tmp_path, GOOD, ended="0") == ("", "")

    @pytest.mark.parametrize(
        ("line", "broken"),
        [
            ("app running starting 0 0 a", ""),
            ("app running unhealthy 0 0 a", ""),  # may become healthy within the time limit
            ("app created none 0 0 a", ""),
            ("app restarting none 1 1 a", ""),
            ("app restarting none 1 5 a", "app "),
            ("app running unhealthy 1 5 a", "app "),
            ("app exited none 1 0 a", "app "),
            ("app exited none 1 0 a no", "app "),
            ("app exited none 1 0 a unless-stopped", ""),  # the engine is about to restart it
        ],
    )
    def test_one_that_is_not_healthy(self, line: str, broken: str, shell: str, tmp_path: Path) -> None:
        assert judge(shell, tmp_path, with_app(line)) == ("app ", broken)

    def test_one_may_end_again_and_again_until_its_database_answers(self, shell: str, tmp_path: Path) -> None:
        line = "app restarting none 1 8 a unless-stopped"
        assert judge(shell, tmp_path, with_app(line), ended="0", early="yes") == ("app ", "")

    def test_one_that_is_well_was_restarted_long_ago(self, shell: str, tmp_path: Path) -> None:
        line = "app running healthy 0 7 a unless-stopped"
        assert judge(shell, tmp_path, with_app(line), before=line, ended="0") == ("", "")

    def test_a_job_that_failed(self, shell: str, tmp_path: Path) -> None:
        containers = GOOD.replace("job exited none 0", "job exited none 3")
        assert judge(shell, tmp_path, containers) == ("job ", "job ")

    @pytest.mark.parametrize("state", ["exited none 137 0", "restarting none 1 9", "dead none 137 0"])
    def test_a_container_of_an_earlier_start_proves_nothing_bad(
        self, state: str, shell: str, tmp_path: Path
    ) -> None:
        line = f"app {state} a"
        assert judge(shell, tmp_path, with_app(line), before=line) == ("app ", "")

    def test_one_that_stays_proves_what_it_is(self, shell: str, tmp_path: Path) -> None:
        line = "app restarting none 1 9 a"
        assert judge(shell, tmp_path, with_app(line), before=line, ended="0") == ("app ", "app ")

    def test_one_that_is_removed_is_dead_for_a_moment(self, shell: str, tmp_path: Path) -> None:
        containers = GOOD + "app dead none 0 0 made-after-the-start\n"
        assert judge(shell, tmp_path, containers) == ("app ", "")

    def test_one_that_could_not_be_removed_is_broken(self, shell: str, tmp_path: Path) -> None:
        assert judge(shell, tmp_path, GOOD + "app dead none 0 0 b\n", ended="0") == ("app ", "app ")

    def test_one_without_a_health_check_must_go_on_for_a_while(self, shell: str, tmp_path: Path) -> None:
        (tmp_path / "services.tsv").write_text(SERVICES)
        others = GOOD.partition("side")[0]
        old, new, again = (f"side running none 0 {facts}\n" for facts in ("0 s", "0 t", "1 t"))
        script = f"""
date() {{ echo "$now"; }}
rows() {{ cat '{tmp_path}/services.tsv'; }}
list_containers() {{ printf '%s' "$seen"; }}
settling='' up_code=0 early=''
at() {{
    now=$1 seen=$2
    read_states || exit
    if have_settled; then echo "$1 well"; else echo "$1 not yet"; fi
}}
printf '%s' '{old}' >"$SCRATCH/before"
at 90 '{others}{old}'
at 100 '{others}{new}'
at 104 '{others}{new}'
at 105 '{others}{again}'
at 109 '{others}{again}'
at 110 '{others}{again}'
"""
        said = call(shell, script, tmp_path)
        assert said.stdout.splitlines() == [
            "90 well", "100 not yet", "104 not yet", "105 not yet", "109 not yet", "110 well",
        ], said.stderr  # fmt: skip

    def test_what_the_engine_calls_it_is_said(self, shell: str, tmp_path: Path) -> None:
        lines = "app running unhealthy 0 0 a\njob exited none 3 0 j\napp exited none 0 0 b\n"
        script = f"""
printf '%s' '{lines}' >"$SCRATCH/containers"
for service in app job side; do describe_state "$service" && echo; done
"""
        said = call(shell, script, tmp_path).stdout
        assert said.splitlines() == ["running/unhealthy, exited 0", "exited 3", "-"]

    @pytest.mark.parametrize("policy", ["no", "", "on-failure 0"])
    def test_a_service_that_may_end_has_ended(self, policy: str, shell: str, tmp_path: Path) -> None:
        line = f"seed exited none 0 0 s {policy}\n"
        assert judge(shell, tmp_path, line, ended="0", services=SEED) == ("", "")

    @pytest.mark.parametrize(
        ("line", "broken"),
        [
            ("seed exited none 3 0 s no", "seed "),
            ("seed exited none 3 0 s on-failure 3", ""),  # the engine is about to restart it
            ("seed exited none 3 3 s on-failure 3", "seed "),  # for the last time
            ("seed exited none 0 0 s always", ""),
        ],
    )
    def test_one_that_may_end_but_not_so(self, line: str, broken: str, shell: str, tmp_path: Path) -> None:
        assert judge(shell, tmp_path, line + "\n", ended="0", services=SEED) == ("seed ", broken)

    @pytest.mark.parametrize("expect", ["running", "healthy"])
    def test_one_that_must_run_and_never_will_is_not_waited_for(
        self, expect: str, shell: str, tmp_path: Path
    ) -> None:
        services = SEED.replace("started", expect)
        line = "seed exited none 0 0 s no\n"
        assert judge(shell, tmp_path, line, ended="0", services=services) == ("seed ", "seed ")

    @pytest.mark.parametrize(
        ("finished", "waiting"),
        [
            ("BOOT\n", ""),
            ("stopped\n", "seed "),
            ("stopped\ns\n", ""),
            ("another boot\n", "seed "),
            ("another boot\ns\n", ""),
        ],
    )
    def test_one_that_was_stopped_is_no_finished_job(
        self, finished: str, waiting: str, shell: str, tmp_path: Path
    ) -> None:
        line = "seed exited none 0 0 s no\n"
        found = judge(shell, tmp_path, line, ended="0", services=SEED, finished=finished)
        assert found == (waiting, "")

    @pytest.mark.parametrize(
        ("replicas", "running", "waiting"),
        [("2", 2, ""), ("2", 1, "web "), ("${N}", 0, ""), ("${N}", 3, ""), ("1", 0, "web "), ("1", 2, "")],
    )
    def test_several_containers_of_one_service(
        self, replicas: str, running: int, waiting: str, shell: str, tmp_path: Path
    ) -> None:
        lines = "".join(f"web running none 0 0 {number} always 0\n" for number in range(running))
        services = f"web\texample/web\trunning\t{replicas}\n"
        assert judge(shell, tmp_path, lines, ended="0", services=services) == (waiting, "")
