"""The script that waits: in each shell, with programs that answer as those of a cluster do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bundler_kubernetes.waiting import API, SCRIPT
from tests.support.installer import SHELLS, need_shell, shells

COMPLETE = '{"status":{"conditions":[{"type":"Complete","status":"True"}]}}'
FAILED = '{"status":{"conditions":[{"type":"Failed","status":"True"}]}}'
PENDING = '{"status":{"active":1}}'


def wait(
    folder: Path, shell: str, programs: dict[str, str], *conditions: str
) -> subprocess.CompletedProcess[str]:
    """Run the script with these programs alone, beside those that every image has."""
    need_shell(shell)
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for name, code in {"sleep": "exit 0", **programs}.items():
        (bin_folder / name).write_text(f"#!/bin/sh\n{code}\n")
        (bin_folder / name).chmod(0o755)
    for name in ("cat", "date", "sh"):
        if name not in programs:
            (bin_folder / name).symlink_to(Path("/bin") / name)
    api = folder / "api"
    api.mkdir()
    (api / "token").write_text("s3cret")
    (api / "namespace").write_text("shop")
    (folder / "resolv.conf").write_text(
        "nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local\n"
    )
    script = SCRIPT.replace(API, str(api)).replace("/etc/resolv.conf", str(folder / "resolv.conf"))
    path = folder / "wait.sh"
    path.write_text(script)
    return subprocess.run(
        [shutil.which(SHELLS[shell][0]) or shell, *SHELLS[shell][1:], str(path), *conditions],
        env={"PATH": str(bin_folder), "COUNT": str(folder / "count")},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


COUNTED = 'echo x >>"$COUNT"; n=0; while read -r _; do n=$((n + 1)); done <"$COUNT"; [ "$n" -ge 3 ] || exit 2'


@pytest.mark.parametrize("shell", shells())
def test_it_waits_until_the_name_resolves(shell: str, tmp_path: Path) -> None:
    getent = f'[ "$1 $2" = "hosts db-ready.shop.svc.cluster.local" ] || exit 9\n{COUNTED}'
    done = wait(tmp_path, shell, {"getent": getent}, "resolves", "db-ready")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "count").read_text().count("x") == 3


@pytest.mark.parametrize("shell", shells())
def test_it_asks_the_api_for_a_job(shell: str, tmp_path: Path) -> None:
    curl = f"""
read -r header || :
[ "$header" = "Authorization: Bearer s3cret" ] || exit 9
case "$*" in *s3cret*) exit 9 ;; *"/namespaces/shop/jobs/migrate-1-0?pretty=false") ;; *) exit 9 ;; esac
if ! ({COUNTED}); then echo '{PENDING}'; else echo '{COMPLETE}'; fi"""
    done = wait(tmp_path, shell, {"curl": curl}, "completed", "migrate-1-0")
    assert done.returncode == 0, done.stderr


def test_a_job_that_failed_ends_the_waiting(tmp_path: Path) -> None:
    done = wait(tmp_path, "dash", {"curl": f"echo '{FAILED}'"}, "completed", "migrate-1-0")
    assert done.returncode == 1
    assert "the Job migrate-1-0 has failed" in done.stderr


def test_python_asks_where_there_is_no_curl(tmp_path: Path) -> None:
    python = f'[ "$1" = -c ] || exit 9; [ "$4" ] || exit 9; echo \'{COMPLETE}\''
    done = wait(tmp_path, "dash", {"python3": python}, "completed", "migrate-1-0")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("condition", "lacks"), [("resolves", "getent nor nslookup"), ("completed", "curl nor python3")]
)
def test_a_lack_is_said(condition: str, lacks: str, tmp_path: Path) -> None:
    done = wait(tmp_path, "dash", {}, condition, "x")
    assert done.returncode != 0
    assert f"neither {lacks}" in done.stderr


def test_after_ten_minutes_it_ends(tmp_path: Path) -> None:
    date = 'echo x >>"$COUNT"; n=0; while read -r _; do n=$((n + 300)); done <"$COUNT"; echo "$n"'
    done = wait(tmp_path, "dash", {"getent": "exit 2", "date": date}, "resolves", "db")
    assert done.returncode == 1
    assert "after 10 minutes, not yet: resolves db" in done.stderr
