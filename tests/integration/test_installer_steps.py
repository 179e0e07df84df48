"""Complete installations, from the first step to the last, on a host with a fake `docker`."""

from __future__ import annotations

import datetime as dt
import json
import re
import signal
import stat
import subprocess
import tarfile
import time
import uuid
from pathlib import Path

import pytest

from tests.support.installer import SHELLS
from tests.support.kiosk import Host

TRICKY = 'it\'s $5 \\ a "piece" ${X} `id` @@TOKEN@@ & 你好 %s #'


def pairs(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def start(host: Host) -> subprocess.Popen[bytes]:
    """Start an installation and wait until it starts its services."""
    before = host.calls().count(" up ")
    arguments = ("--root", host.root, "--key", host.key, "--yes", "--set", "GREETING=x")
    run = subprocess.Popen(
        [*SHELLS[host.shell], host.unpacked / "install", *arguments],
        env=host.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while host.calls().count(" up ") == before:
        assert time.monotonic() < deadline
        assert run.poll() is None
        time.sleep(0.1)
    return run


def test_the_files_after_an_installation(host: Host) -> None:
    result = host.install()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "All services are healthy" in result.stdout
    assert str((host.root / "current").readlink()).startswith("releases/1.0-")
    assert mode(host.root / "releases") == mode(host.root / "state") == mode(host.root / "log") == 0o700
    assert mode(host.root / "site.env") == mode(host.root / "secrets.env") == 0o600
    assert not (host.root / "current/images").exists()
    assert (host.root / "state/trusted.pub").read_bytes() == host.key.read_bytes()
    assert not (host.root / "state/lock").is_symlink()
    steps = [line.split("\t")[2:] for line in (host.root / "state/journal").read_text().splitlines()]
    begun = [step for state, step in steps if state == "begin"]
    assert begun == [step for state, step in steps if state == "end"]
    assert begun.index("images") < begun.index("switch") < begun.index("start")
    with tarfile.open(f"{host.docker}.loaded") as loaded:
        assert {"oci-layout", "index.json", "manifest.json"} <= set(loaded.getnames())


def test_the_control_command_works_from_anywhere(host: Host) -> None:
    assert host.install().returncode == 0
    for arguments, code, said in (
        (["status"], 0, "in the expected state"),
        ([], 0, "in the expected state"),
        (["stop"], 0, "stopped"),
        (["status"], 1, "Stopped by the command stop"),
        (["start"], 0, "healthy"),
        (["install"], 2, "installed release"),
        (["uninstall", "--yes"], 0, "Uninstalled"),
    ):
        result = subprocess.run(
            ["sh", host.root / "kioskctl", *arguments],
            cwd="/",
            env=host.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == code, (arguments, result.stdout, result.stderr)
        assert said in result.stdout + result.stderr
    assert (host.root / "secrets.env").exists()
    assert not (host.root / "kioskctl").exists()


def test_status_has_the_daily_inspection(host: Host) -> None:
    """Includes services, CPU, memory, disk and last backup; other warnings do not change the exit code."""
    assert host.install().returncode == 0
    command: list[str | Path] = [*SHELLS[host.shell], host.root / "current/install", "status"]

    def status(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *options],
            env=host.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    found = json.loads(status("--json").stdout)
    results = {entry["what"]: entry["result"] for entry in found["inspection"]}
    assert {service["service"] for service in found["services"]} == {"web", "setup"}
    assert {"load", "memory", f"disk {host.root}", f"inodes {host.root}"} <= set(results)
    assert results["backup"] == "warn"
    assert all(entry["measured"] for entry in found["inspection"])
    english, chinese = status(), status("--lang", "zh")
    assert english.returncode == chinese.returncode == 0
    assert "! last backup: none" in english.stdout
    assert re.search(r"^. memory: \d+%  \(< 90%\)$", english.stdout, re.MULTILINE)
    assert re.search(r"^\d+ items? needs? attention", english.stderr, re.MULTILINE)
    assert "最近一次备份" in chinese.stdout
    made = host.root / "backups/20260101T000000Z-1.0-x-manual/backup.env"
    made.parent.mkdir(parents=True)
    made.write_text(f"created={dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}\n")
    assert "✓ last backup: 20" in status().stdout


def test_secrets_are_made_once_and_never_shown(host: Host) -> None:
    first = host.install()
    secrets = pairs(host.root / "secrets.env")
    assert re.fullmatch("[A-Za-z0-9]{32}", secrets["TOKEN"])
    assert re.fullmatch("[A-Za-z0-9_-]{43}", secrets["COOKIE"])
    assert re.fullmatch("[0-9a-f]{32}", secrets["SALT"])
    assert uuid.UUID(pairs(host.root / "site.env")["SITE_ID"]).version == 4
    second = host.install("--set", "WORKERS=3")
    assert second.returncode == 0, second.stderr
    assert pairs(host.root / "secrets.env") == secrets
    assert pairs(host.root / "site.env")["WORKERS"] == "3"
    logs = "".join(path.read_text() for path in (host.root / "log").iterdir())
    shown = first.stdout + first.stderr + second.stdout + second.stderr + logs + host.calls()
    assert [name for name, secret in secrets.items() if secret and secret in shown] == []


def test_a_secret_that_is_there_is_not_overwritten(host: Host) -> None:
    given = host.install("--set", "TOKEN=given-by-the-operator")
    assert given.returncode == 0, given.stderr
    assert pairs(host.root / "secrets.env")["TOKEN"] == "given-by-the-operator"
    assert host.install("--set", "TOKEN=given-by-the-operator").returncode == 0
    refused = host.install("--set", "TOKEN=another")
    assert refused.returncode == 2
    assert "TOKEN already exists" in refused.stderr
    assert "another" not in refused.stderr
    assert pairs(host.root / "secrets.env")["TOKEN"] == "given-by-the-operator"


def test_a_wrong_secret_of_another_server_is_corrected(host: Host) -> None:
    assert host.install("--set", "VAULT=obsoletevalue").returncode == 0
    done = host.install("--set", "VAULT=right")
    assert done.returncode == 0, done.stderr
    assert pairs(host.root / "secrets.env")["VAULT"] == "right"
    assert "obsoletevalue" not in (host.root / "state/compose.env").read_text()


def test_values_are_taken_literally(host: Host) -> None:
    answers = host.folder / "answers.env"
    answers.write_text(
        f"# a comment\n\nGREETING={TRICKY}\nLEVEL='high'\r\nSERVER=\"kiosk.bank.example\"\nPIN=0042"
    )
    result = host.install("--answers", answers, "--set", f"GREETING={TRICKY}")
    assert result.returncode == 0, result.stderr
    site = pairs(host.root / "site.env")
    assert site["GREETING"] == TRICKY
    assert (site["LEVEL"], site["SERVER"], site["PIN"]) == ("high", "kiosk.bank.example", "0042")
    token = pairs(host.root / "secrets.env")["TOKEN"]
    filled = host.root / "current/config/site/kiosk.conf"
    assert filled.read_text().splitlines() == [
        f"greeting = {TRICKY} {TRICKY}",
        f'token = "{token}"',
        f"hosts = kiosk.bank.example, high; root = {host.root}",
        "# an@sign, @@lower@@ and @@ stay",
    ]
    again = host.run("install", "--root", host.root, "--yes")
    assert again.returncode == 0, again.stderr
    assert pairs(host.root / "site.env") == site
    compose = (host.root / "state/compose.env").read_text()
    put_together = TRICKY.replace("$", "${BUNDLE_DOLLAR}").replace('"', "${BUNDLE_QUOTE}")
    assert 'GREETING="' + put_together.replace("\\", "${BUNDLE_BACKSLASH}") + '"\n' in compose
    assert "LEVEL='high'\n" in compose


def test_values_of_every_kind_are_checked(host: Host) -> None:
    for pair, said in (
        ("WEB_PORT=65536", "a port from 1 to 65535"),
        ("WEB_PORT=0", "a port"),
        ("WEB_PORT=80a", "a port"),
        ("WORKERS=two", "a whole number"),
        ("TLS=yes", "true or false"),
        ("SERVER=-x", "a host name"),
        ("SERVER=a b", "a host name"),
        ("FOLDER=relative", "an absolute path"),
        ("LEVEL=middle", "low,high"),
        ("PIN=12345", "[0-9]{4}"),
        ("TOKEN=quote'd", "a single-line secret"),
        ("TOKEN=back\\slash", "a single-line secret"),
    ):
        result = host.install("--set", pair)
        assert result.returncode == 2, pair
        assert said in result.stderr, result.stderr
        assert pair.startswith("TOKEN") == ("***" in result.stderr)
    assert not (host.root / "site.env").exists()


def test_all_missing_values_are_reported_at_once(host: Host) -> None:
    result = host.run("install", "--root", host.root, "--key", host.key, "--yes")
    assert result.returncode == 2
    assert "GREETING" in result.stderr
    assert "What the kiosk says" in result.stderr
    chinese = host.run("install", "--root", host.root, "--key", host.key, "--yes", "--lang", "zh")
    assert "售货亭的问候语" in chinese.stderr


def test_a_terminal_is_asked(host: Host) -> None:
    code, screen = host.converse(
        ["--root", host.root, "--key", host.key, "--set", "LEVEL=high"],
        [
            ("What the kiosk says: ", ""),  # required: the prompt repeats
            ("What the kiosk says: ", "你好 it's $5"),
            ("WEB_PORT [8080]: ", "http"),
            ("WEB_PORT [8080]: ", "8081"),
            ("7. SERVER [", "kiosk.example"),
            ("Word of the vault: ", "No"),
            ("Word of the vault: ", "sesame"),
            ("Enter for the summary: ", ""),
            ("Type yes or no: ", "yes"),
        ],
    )
    assert code == 0, screen
    assert pairs(host.root / "secrets.env")["VAULT"] == "sesame"
    assert "sesame" not in screen  # typed, but not echoed
    site = pairs(host.root / "site.env")
    assert site["GREETING"] == "你好 it's $5"
    assert (site["WEB_PORT"], site["LEVEL"]) == ("8081", "high")
    assert "WORKERS" not in site  # what has a default is not asked, and is no answer
    assert "WORKERS [" not in screen
    assert "# WORKERS=2\n" in (host.root / "site.env").read_text()
    assert "WORKERS='2'\n" in (host.root / "state/compose.env").read_text()
    assert '"http" is not a port' in screen
    assert "TOKEN: " not in screen  # secrets are generated, not prompted for
    assert "TOKEN, COOKIE" in screen  # but named
    code, screen = host.converse(["--root", host.root, "--lang", "zh"], [])
    assert code == 0, screen
    assert "售货亭" not in screen  # already answered


def test_a_carried_key_is_trusted_only_after_confirmation(host: Host) -> None:
    question = "Are they the same? [y/N]"
    code, screen = host.converse(["verify", "--root", host.root], [(question, "n")])
    assert code == 4, screen
    code, screen = host.converse(["verify", "--root", host.root], [(question, "y")])
    assert code == 0, screen
    assert host.run("verify", "--root", host.root, "--yes").returncode == 4


def test_keys_that_the_host_trusts(host: Host) -> None:
    trusted = host.folder / "trusted"
    trusted.mkdir()
    environment = {"BUNDLE_TRUSTED_KEYS": str(trusted)}
    assert host.run("verify", "--root", host.root, environment=environment).returncode == 4
    (trusted / "a.pub").write_text("no key\n")
    assert host.run("verify", "--root", host.root, environment=environment).returncode == 4
    # as saved by an editor on another system
    (trusted / "maker.pub").write_bytes(host.key.read_bytes().rstrip(b"\n").replace(b"\n", b"\r\n"))
    result = host.run("verify", "--root", host.root, environment=environment)
    assert result.returncode == 0, result.stderr


def test_a_service_that_does_not_become_healthy(host: Host) -> None:
    host.steer("sick", "web\n")
    host.steer("logs", "listening\nFATAL: no route to 10.0.0.1\n")
    began = time.monotonic()
    result = host.install("--timeout", "5")
    assert result.returncode == 1, result.stdout
    assert time.monotonic() - began < 60
    assert "Not healthy within 5 s" in result.stderr
    assert "FATAL: no route to 10.0.0.1" in result.stderr
    assert "web" in result.stderr
    assert "setup" not in result.stderr.replace("setup is", "")
    assert "failed\tstart" in (host.root / "state/journal").read_text()
    Path(f"{host.docker}.sick").unlink()
    assert host.install().returncode == 0


@pytest.mark.parametrize(
    ("says", "remedy"),
    [
        ("Bind for 0.0.0.0:80 failed: port is already allocated", "ss -ltnup"),
        ('Conflict. The container name "/x" is already in use by container "1"', "docker ps -a"),
        ("network shared declared as external, but could not be found", "docker network create"),
        ('external volume "data" not found', "docker volume create"),
        ("pull access denied for web, repository does not exist", "install of this release again"),
        ("something else", "kioskctl start"),
    ],
)
def test_compose_fails(says: str, remedy: str, host: Host) -> None:
    host.steer("up-fails", f"Container web-1 Creating\n\nError response from daemon: {says}\n")
    result = host.install()
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    first = next(number for number, line in enumerate(lines) if "could not start the services" in line)
    assert lines[first + 1] == f"    Error response from daemon: {says}", "without lines of progress"
    assert any(remedy in line for line in lines[first + 2 :]), result.stderr
    assert "no such service" not in result.stderr


def test_secrets_in_a_failing_services_lines(host: Host) -> None:
    assert host.install("--set", "TOKEN=s3cret-of-the-site").returncode == 0
    host.steer("sick", "web\n")
    host.steer("logs", "connecting with password s3cret-of-the-site\n")
    result = host.install("--timeout", "1")
    assert result.returncode == 1
    assert "connecting with password ******" in result.stderr
    shown = result.stderr + result.stdout + "".join(p.read_text() for p in (host.root / "log").iterdir())
    assert "s3cret-of-the-site" not in shown
    assert "s3cret-of-the-site" not in host.run("logs", "--root", host.root).stdout


def test_loading_fails(host: Host) -> None:
    host.steer("load-fails", "write /var/lib/docker/tmp/layer: no space left on device\n")
    result = host.install()
    assert result.returncode == 1
    assert "no space left on device" in result.stderr
    assert not (host.root / "current").exists()
    Path(f"{host.docker}.load-fails").unlink()
    again = host.install()
    assert again.returncode == 0, again.stderr


def test_two_runs_at_once(host: Host) -> None:
    """The second run names the process that holds the lock; a killed run's lock is not an obstacle."""
    host.steer("sick", "web\n")
    first = start(host)
    try:
        second = host.install()
        assert second.returncode == 1, second.stdout
        assert f"process {first.pid}" in second.stderr
        assert (host.root / "state/lock").is_symlink()
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert (host.root / "state/lock").is_symlink()
    Path(f"{host.docker}.sick").unlink()
    third = host.install()
    assert third.returncode == 0, third.stderr
    assert not (host.root / "state/lock").is_symlink()


def test_an_interrupted_installation_cleans_up(host: Host) -> None:
    host.steer("sick", "web\n")
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)):
        run = start(host)
        run.send_signal(number)
        assert run.wait(timeout=60) == code
        assert not (host.root / "state/lock").is_symlink()
        assert list(host.folder.glob("bundle.*")) == []


def test_no_engine(host: Host) -> None:
    host.steer("down")
    result = host.install()
    assert result.returncode == 3
    assert "systemctl start docker" in result.stdout
    assert not host.root.exists()


def test_paths_with_blanks_and_chinese_characters(host: Host) -> None:
    folder = host.folder / "安装 介质 $x"
    folder.mkdir()
    moved = host.unpacked.rename(folder / host.unpacked.name)
    there = Host(host.shell, host.folder, moved, host.key)
    root = host.folder / "应用 root & co"
    result = there.run("--root", root, "--key", host.key, "--yes", "--set", "GREETING=x")
    assert result.returncode == 0, result.stdout + result.stderr
    assert there.run("status", "--root", root).returncode == 0
    assert f"root = {root}" in (root / "current/config/site/kiosk.conf").read_text()
    removed = there.run("uninstall", "--root", root, "--purge", "all", "--yes")
    assert removed.returncode == 0, removed.stderr
    assert not root.exists()
