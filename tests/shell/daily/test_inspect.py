"""Daily inspection, on simulated facts."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from bundler_installer.assemble import catalogue
from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())


def inspect(shell: str, folder: Path, script: str) -> dict[str, str]:
    """Run the parts of the inspection that `script` names; return check -> result."""
    (folder / "here").mkdir(exist_ok=True)
    (folder / "here" / "bundle.env").touch()
    named = "NAME=shop VERSION=1 PROFILE=dev RELEASE=1-abc\n"
    done = call(shell, f'{named}: >"$SCRATCH/inspection"\n{script}\nprint_inspection_json', folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return {entry["what"]: entry["result"] for entry in json.loads(done.stdout)["inspection"]}


@shell
@pytest.mark.parametrize(("used", "result"), [("12%", "pass"), ("85%", "warn"), ("97%", "fail")])
def test_disk(shell: str, tmp_path: Path, used: str, result: str) -> None:
    fake = f'df() {{ printf "%s\\n" head "/dev/x 10 9 1 {used} / a"; }}\n'
    found = inspect(shell, tmp_path, fake + f"inspect_disk {tmp_path}")
    assert found == {f"disk {tmp_path}": result, f"inodes {tmp_path}": result}


@shell
@pytest.mark.parametrize(("available", "result"), [(5000, "pass"), (500, "warn")])
def test_memory(shell: str, tmp_path: Path, available: int, result: str) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text(f"MemTotal: 10000 kB\nMemAvailable: {available} kB\n")
    (tmp_path / "proc" / "loadavg").write_text("0.1 0.2 0.3 1/2 3\n")
    found = inspect(shell, tmp_path, f"PROBE_ROOT={tmp_path}; inspect_memory")
    assert found == {"memory": result, "load": "info"}


@shell
@pytest.mark.parametrize(("days", "result"), [(90, "pass"), (20, "warn"), (-1, "fail")])
def test_certificates(shell: str, tmp_path: Path, days: int, result: str) -> None:
    folder = tmp_path / "root" / "data" / "tls"
    folder.mkdir(parents=True)
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, end - dt.timedelta(days=100), end)
    (folder / "own.crt").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    assert inspect(shell, tmp_path, "inspect_certificates") == {"certificate tls/own.crt": result}


@shell
@pytest.mark.parametrize(
    ("hours", "schedule", "result"),
    [
        (1, "02:30", "pass"),
        (30, "02:30", "warn"),
        (30, "-", "pass"),
        (200, "-", "warn"),
        (None, "-", "warn"),
        (-5, "02:30", "warn"),  # in the future: a clock was wrong
    ],
)
def test_the_newest_backup(shell: str, tmp_path: Path, hours: int | None, schedule: str, result: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "bundle.env").write_text(f"backup_schedule={schedule}\n")
    script = f'printf "backup_schedule={schedule}\\n" >"$HERE/bundle.env"; inspect_backups'
    for age in [] if hours is None else [hours, hours + 900]:
        folder = tmp_path / "root" / "backups" / str(age)
        folder.mkdir(parents=True)
        made = dt.datetime.now(dt.UTC) - dt.timedelta(hours=age)
        (folder / "backup.env").write_text(f"created={made:%Y-%m-%dT%H:%M:%SZ}\n")
    assert inspect(shell, tmp_path, script) == {"backup": result}


@shell
def test_what_an_interrupted_run_left(shell: str, tmp_path: Path) -> None:
    script = ': >"$ROOT/state/restore"; : >"$ROOT/state/stopped"; inspect_state'
    assert inspect(shell, tmp_path, script) == {"restore": "fail", "backup": "fail"}
    script = 'ln -s "1 2 another-boot" "$ROOT/state/lock"; inspect_state'
    assert inspect(shell, tmp_path, script) == {"restore": "fail", "backup": "fail"}


@shell
def test_a_running_operation_is_not_an_interruption(shell: str, tmp_path: Path) -> None:
    script = ': >"$ROOT/state/restore"; : >"$ROOT/state/stopped"; COMMAND=backup; take_lock; inspect_state'
    assert inspect(shell, tmp_path, script) == {}


@shell
def test_a_container_that_disappears_while_inspected(shell: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin/docker"
    docker.write_text(
        f"""#!/bin/sh
case $1 in
    ps) echo a1 ;;
    inspect)
        echo x >>{tmp_path}/asked
        echo app running none 0 0 a1 no
        [ "$(wc -l <{tmp_path}/asked)" -eq "$GOOD" ] ;;
esac
"""
    )
    docker.chmod(0o755)
    script = f"PATH={tmp_path}/bin:$PATH PROJECT=shop; list_containers; echo code $?"
    seen = call(shell, "export GOOD=3; " + script, tmp_path).stdout
    assert seen == "app running none 0 0 a1 no\ncode 0\n"
    assert call(shell, "export GOOD=1; " + script, tmp_path).stdout == "code 1\n"


def test_every_inspected_thing_has_a_name() -> None:
    whats = {
        "engine",
        "service",
        "restarts",
        "memory",
        "use",
        "load",
        "disk",
        "inodes",
        "certificate",
        "backup",
    }
    for language in ("en", "zh"):
        assert {f"inspect.what.{what}" for what in whats | {"restore", "clock"}} <= set(catalogue(language))
