"""`<bundle>.preflight.sh`: a small file that checks a server before the bundle arrives."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bundler_installer.checks import CHECKS, PROBES
from tests.support.fabricated import ENV, preflight_file
from tests.support.installer import SHELLS
from tests.support.programs import need_program

ROWS = [[c.id, c.group, "-", "-", "vm.swappiness" if c.id == "sysctl" else "-"] for c in (*CHECKS, *PROBES)]


@pytest.fixture
def preflight(tmp_path: Path) -> Path:
    return preflight_file(tmp_path, ROWS)


def run(file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", file, *arguments], capture_output=True, text=True, check=False)


def test_it_checks_without_its_bundle(preflight: Path) -> None:
    result = run(preflight, "--json", "--root", str(preflight.parent / "root"))
    assert result.returncode in {0, 3}, result.stderr
    found = json.loads(result.stdout)
    assert found["name"] == "hello"
    assert {"platform", "cpu", "memory", "disk"} <= {check["id"] for check in found["checks"]}
    assert result.stderr.count("not found") == 0
    assert not (preflight.parent / "root").exists()


def test_other_commands_are_refused(preflight: Path) -> None:
    refused = run(preflight, "install", "--lang", "en")
    assert refused.returncode == 2
    assert "preflight help version" in refused.stderr
    assert "sh hello.preflight.sh" in run(preflight, "help", "--lang", "zh").stdout


def test_it_is_small_and_shellcheck_finds_nothing(preflight: Path) -> None:
    assert preflight.stat().st_size < 200_000
    need_program("shellcheck")
    result = subprocess.run(
        ["shellcheck", "-s", "sh", "-e", "SC2034,SC2317,SC2329,SC3043", preflight],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "shell", [("dash",), ("bash", "--posix"), ("busybox", "sh")], ids=["dash", "bash", "busybox"]
)
@pytest.mark.parametrize(("window", "result"), [(20, "pass"), (60, "fail")])
def test_compact_images_need_memory_for_their_window(
    tmp_path: Path, window: int, result: str, shell: tuple[str, ...]
) -> None:
    need_program(shell[0], "busybox-static" if shell[0] == "busybox" else None)
    facts = {**ENV, "compression": "compact", "window": str(window)}
    tables = {"bundle.env": "".join(f"{key}={value}\n" for key, value in facts.items())}
    file = preflight_file(tmp_path, ROWS, tables)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "zstd").symlink_to("/bin/true")
    found = subprocess.run(
        [*shell, file, "--json"],
        env={"PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "awk" not in found.stderr
    checks = {check["id"]: check for check in json.loads(found.stdout)["checks"]}
    assert checks["unpacker"]["result"] == result


@pytest.mark.parametrize("shell", SHELLS)
def test_answers_and_what_is_wrong_with_them(shell: str, preflight: Path) -> None:
    """The file must not call functions from other parts of the installer."""
    preflight = preflight_file(
        preflight.parent, ROWS, {"variables.tsv": "#name ...\nPORT\tport\tno\t80\t-\t-\t-\t-\t-\n"}
    )
    for arguments, code in (
        (["--set", "PORT=81"], {0, 3}),
        (["--set", "PORT=x"], {2}),
        (["--set", "X=1"], {2}),
    ):
        result = subprocess.run(
            [*SHELLS[shell], preflight, *arguments], capture_output=True, text=True, check=False
        )
        assert result.returncode in code, result.stderr
        assert "not found" not in result.stderr
