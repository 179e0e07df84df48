"""Commands on single services: logs, exec, ps, top, restart; and `--watch`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
SITE = """
NAME=shop PROJECT=shop TITLE=Shop VERSION=1 PROFILE=dev CURRENT=$ROOT/current
use_current() { :; }
require_engine() { :; }
take_lock() { :; }
resume_change() { :; }
compose() { printf 'compose'; printf ' <%s>' "$@"; printf '\\n'; return "${COMPOSE_CODE:-0}"; }
try() {
    parse_options "$@"
    shift "$TAKEN"
    case $COMMAND in exec) run_exec "$@" ;; *) "run_$COMMAND" ;; esac
}
"""
SERVICES = (
    "#service\treference\texpect\treplicas\n"
    "web\tshop/web:1\thealthy\t1\n"
    "db\tshop/db:1\thealthy\t1\n"
    "setup\tshop/setup:1\tcompleted\t1\n"
)


def run(shell: str, folder: Path, *words: str, before: str = "") -> tuple[int, str, str]:
    """Run a command of an installed release with three services; return code, output, errors."""
    (folder / "here").mkdir(exist_ok=True)
    (folder / "here/services.tsv").write_text(SERVICES)
    (folder / "here/bundle.env").write_text("health_timeout=5\n")
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    done = call(shell, f"{SITE}{before}\ntry {quoted}", folder)
    return done.returncode, done.stdout, done.stderr


@shell
@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (("logs",), "<logs> <--tail> <100>"),
        (("logs", "web", "db"), "<logs> <--tail> <100> <web> <db>"),
        (("logs", "-f", "web"), "<logs> <--tail> <100> <--follow> <web>"),
        (("logs", "--follow", "-n", "5"), "<logs> <--tail> <5> <--follow>"),
        (("logs", "--since", "2h30m", "web"), "<logs> <--tail> <100> <--since> <2h30m> <web>"),
        (("logs", "--since=2026-01-31T08:00:00Z"), "<logs> <--tail> <100> <--since> <2026-01-31T08:00:00Z>"),
        (("exec", "web", "ls", "-l", "--", "a b"), "<exec> <-T> <web> <ls> <-l> <--> <a b>"),
        (("exec", "-it", "web", "--", "sh", "--yes"), "<exec> <-T> <web> <sh> <--yes>"),
    ],
)
def test_what_compose_is_asked(shell: str, tmp_path: Path, words: tuple[str, ...], arguments: str) -> None:
    assert run(shell, tmp_path, *words) == (0, f"compose {arguments}\n", "")


@shell
@pytest.mark.parametrize("words", [("logs", "wep"), ("exec", "wep", "ls"), ("ps", "wep"), ("top", "wep")])
def test_a_service_that_does_not_exist_is_an_error(
    shell: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert run(shell, tmp_path, *words) == (2, "", "There is no service wep. Services: web, db, setup\n")


@shell
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("logs", "a b"), "a b is not the name of a service"),
        (("logs", "*"), "* is not the name of a service"),
        (("logs", "--since", "yesterday"), "--since needs a duration such as 10m or 2h30m"),
        (("logs", "--since", "-5m"), "--since needs a duration"),
        (("exec", "web"), "exec needs a service and a program"),
        (("exec",), "exec needs a service and a program"),
        (("logs", "-it", "web"), "Unknown option -it"),
        (("ps", "--watch"), "--watch is not an option of ps"),
        (("top", "-f"), "--follow is not an option of top"),
        (("stop", "wep"), "There is no service wep"),
        (("start", "wep"), "There is no service wep"),
        (("start", "setup"), "setup is a job, which ends by itself"),
        (("restart", "setup"), "setup is a job, which ends by itself"),
    ],
)
def test_wrong_words_are_refused(shell: str, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    code, out, err = run(shell, tmp_path, *words)
    assert (code, out) == (2, "")
    assert message in err


@shell
def test_exec_ends_as_the_program_does(shell: str, tmp_path: Path) -> None:
    for code in (1, 3, 77):
        found = run(shell, tmp_path, "exec", "web", "x", before=f"COMPOSE_CODE={code}")
        assert found == (code, "compose <exec> <-T> <web> <x>\n", "")


@shell
def test_logs_that_compose_cannot_read_are_an_error(shell: str, tmp_path: Path) -> None:
    code, _, err = run(shell, tmp_path, "logs", before="COMPOSE_CODE=1")
    assert (code, err) == (1, "Docker Compose could not read the logs. Its message is above.\n")


@shell
def test_secrets_are_masked_while_logs_go_on(shell: str, tmp_path: Path) -> None:
    """Each line is printed at once: awk must neither read ahead nor keep what it writes."""
    script = """
printf 'TOKEN=opensesame\\n' >"$ROOT/secrets.env"
compose() {
    echo token opensesame
    n=0
    while [ ! -f "$ROOT/seen" ] && [ $n -lt 50 ]; do sleep 0.2; n=$((n + 1)); done
    echo "waited $n"
}
watch_it() { while read -r line; do echo "$line"; : >"$ROOT/seen"; done; }
run_logs() { list_secret_forms; FOLLOW=yes; compose | print_logs | watch_it; }
"""
    code, out, _ = run(shell, tmp_path, "logs", before=script)
    first, second = out.splitlines()
    assert (code, first) == (0, "token ******")
    assert int(second.removeprefix("waited ")) < 50


DOCKER = """
docker() {
    case $1 in
        ps)
            printf 'web\\tid1\\tshop-web-1\\tUp 2 hours (healthy)\\t0.0.0.0:80->80/tcp\\n'
            printf 'db\\tid2\\tshop-db-1\\tUp 2 hours\\t\\n'
            ;;
        top) printf 'PID CMD\\n7 serve %s\\n' "$2" ;;
    esac
}
measure_use() { printf 'shop-%s\\t0.5%%\\t10MiB / 1GiB\\t1.0%%\\n' $(cat "$SCRATCH/ids") >"$SCRATCH/stats"; }
"""


@shell
def test_ps(shell: str, tmp_path: Path) -> None:
    code, out, _ = run(shell, tmp_path, "ps", before=DOCKER)
    assert code == 0
    assert out == (
        "SERVICE  CONTAINER   STATUS                PORTS\n"
        "db       shop-db-1   Up 2 hours            -\n"
        "web      shop-web-1  Up 2 hours (healthy)  0.0.0.0:80->80/tcp\n"
    )
    assert run(shell, tmp_path, "ps", "db", before=DOCKER)[1].splitlines()[1:] == [
        "db       shop-db-1  Up 2 hours  -"
    ]
    assert run(shell, tmp_path, "ps", "--services", before=DOCKER)[1].split() == ["web", "db", "setup"]


@shell
def test_top(shell: str, tmp_path: Path) -> None:
    whole = run(shell, tmp_path, "top", before=DOCKER)[1]
    assert whole == (
        "CONTAINER  CPU   MEMORY  USED\n"
        "shop-id2   0.5%  1.0%    10MiB / 1GiB\n"
        "shop-id1   0.5%  1.0%    10MiB / 1GiB\n"
    )
    one = run(shell, tmp_path, "top", "web", before=DOCKER)[1]
    assert one.splitlines()[1:] == [
        "shop-id1   0.5%  1.0%    10MiB / 1GiB",
        "",
        "shop-web-1",
        "PID CMD",
        "7 serve id1",
    ]


STATES = """
boot_id() { echo boot; }
label_mounts() { :; }
settle_replaced() { :; }
compose() {
    echo "$@" >>"$ROOT/asked"
    case $1 in
        stop) sed -i 's/^web running healthy/web exited none/' "$ROOT/containers" ;;
        up) sed -i 's/^web exited none/web running healthy/' "$ROOT/containers" ;;
    esac
}
list_containers() { cat "$ROOT/containers"; }
cat >"$ROOT/containers" <<EOT
web running healthy 0 0 id1 no 0
db exited none 0 0 id2 no 0
setup exited none 0 0 id3 no 0
EOT
"""


@shell
def test_restart_of_one_service_leaves_the_others_as_they_are(shell: str, tmp_path: Path) -> None:
    """`db` is stopped: a restart of `web` neither starts it nor waits for it."""
    code, out, err = run(shell, tmp_path, "restart", "web", before=STATES)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].endswith("s: web")
    assert (tmp_path / "root/asked").read_text() == "stop web\nup -d --no-deps web\n"


@shell
def test_one_service_is_stopped_and_started(shell: str, tmp_path: Path) -> None:
    """The site does not count as stopped, and what is stopped besides stays as it is."""
    code, out, err = run(shell, tmp_path, "stop", "web", before=STATES)
    assert (code, err) == (0, "")
    assert out.startswith("Stopped: web. All other services run on.")
    assert not (tmp_path / "root/state/finished").exists()
    started = STATES.replace("web running healthy 0", "web exited none 0")
    code, out, err = run(shell, tmp_path, "start", "web", before=f"images_are_there() {{ :; }}\n{started}")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].endswith("s: web")
    assert (tmp_path / "root/asked").read_text() == "stop web\nup -d --no-deps web\n"


STATUS = """
inspect_site() { :; }
list_probes() { echo asked >>"$ROOT/probes-asked"; }
boot_id() { echo boot; }
list_containers() { cat "$ROOT/containers"; }
"""
STOPPED = """
cat >"$ROOT/containers" <<EOT
web exited none 143 0 id1 no 0
db exited none 0 0 id2 no 0
setup exited none 0 0 id3 no 0
EOT
printf 'stopped\\nid3\\n' >"$ROOT/state/finished"
"""


@shell
def test_status_after_a_stop(shell: str, tmp_path: Path) -> None:
    code, out, err = run(shell, tmp_path, "status", before=STATUS + STOPPED)
    assert code == 1
    assert out.splitlines()[1:] == [
        "SERVICE  EXPECTED   STATE",
        "web      healthy    stopped",
        "db       healthy    stopped",
        "setup    completed  exited",
    ]
    assert err == f"Stopped by the command stop. To start the services: {tmp_path}/root/shopctl start\n"
    assert not (tmp_path / "root/probes-asked").exists()
    assert '"stopped": true' in run(shell, tmp_path, "status", "--json", before=STATUS + STOPPED)[1]


@shell
def test_status_of_services_that_ended_by_themselves(shell: str, tmp_path: Path) -> None:
    ended = STOPPED.replace("stopped", "boot")
    code, out, err = run(shell, tmp_path, "status", before=STATUS + ended)
    assert code == 1
    assert "stopped" not in out
    assert err == "Services in the wrong state: web db\n"
    assert '"stopped": false' in run(shell, tmp_path, "status", "--json", before=STATUS + ended)[1]


@shell
def test_watch_repeats_until_it_is_ended(shell: str, tmp_path: Path) -> None:
    script = (
        STATUS
        + STOPPED
        + 'sleep() { printf x >>"$ROOT/slept"; [ "$(cat "$ROOT/slept")" != xx ] || kill -INT $$; }\n'
    )
    code, out, _ = run(shell, tmp_path, "status", "--watch", before=script)
    assert code == 130
    assert out.count("web      healthy    stopped") == 2
    assert out.count("every 5 s; Ctrl-C ends") == 2
    assert out.count("Stopped by the command stop") == 2
