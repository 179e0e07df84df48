"""What an operator types wrongly is reported at once, before the bundle is verified."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.kiosk import Host


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 # as the application would listen
        yield server.getsockname()[1]


def points(text: str) -> list[str]:
    return re.findall(r"^  - (.*)$", text, flags=re.MULTILINE)


def state(host: Host) -> list[Path]:
    return [path for path in sorted(host.folder.rglob("*")) if path.parent != host.docker.parent]


def test_all_mistakes_are_one_list(host: Host) -> None:
    before = state(host)
    with taken_port() as port:
        result = host.run(
            "--root", "/proc/kiosk", "--key", "no.pub", "--answers", "none.env", "--set", f"WEB_PORT={port}",
            "--set", "WORKERS=many", "--set", "GRETING=x", "--yes",
        )  # fmt: skip
        assert result.returncode == 2, result.stdout + result.stderr
        found = points(result.stderr)
        assert f"\n{len(found)} mistakes." in f"\n{result.stderr}"  # who is not root is told so before
        [choice] = re.findall(r"--set WEB_PORT=([0-9]+)", result.stderr)
        assert int(choice) != port
    remedies = {
        "no.pub": "--key",
        "/proc is not writable": "--root FOLDER",
        "none.env": "--answers",
        "GRETING": "Available:",
        "WORKERS": "a whole number",
        "GREETING is required": "--set GREETING=",
        f"{port}/tcp": "--set WEB_PORT=",
    }
    for what, remedy in remedies.items():
        assert any(what in point and remedy in point for point in found), (what, found)
    assert "Verifying" not in result.stdout
    assert state(host) == before


def test_a_wrong_key_alone_installs_nothing(host: Host) -> None:
    before = state(host)
    result = host.run(
        "--root", host.root, "--key", "no.pub", "--set", "GREETING=x", "--set", "VAULT=x", "--yes"
    )
    assert result.returncode == 2
    assert "\nThe public key no.pub does not exist" in f"\n{result.stderr}"
    assert state(host) == before


def test_every_bad_line_of_a_file_is_named(host: Host) -> None:
    (host.folder / "answers.env").write_text("GREETING=x\nLEVEL=middle\nnonsense\nSERVER=a b\nVAULT=x\n")
    result = host.run("plan", "--root", host.root, "--key", host.key, "--answers", "answers.env")
    assert result.returncode == 2
    [first, second, third] = points(result.stderr)
    assert first.startswith("LEVEL")
    assert second == "answers.env, line 3: expected NAME=VALUE."
    assert third.startswith("SERVER")


def test_a_file_of_a_passphrase_is_looked_for_first(host: Host) -> None:
    result = host.run("--root", host.root, "--key", host.key, "--passphrase-file", "none", "--yes")
    assert result.returncode == 2
    assert any("passphrase cannot be read from none" in point for point in points(result.stderr))


def test_a_failed_check_without_mistakes_keeps_its_exit_code(host: Host) -> None:
    with taken_port() as port:
        result = host.run(
            "--root", host.root, "--key", host.key, "--set", "GREETING=x", "--set", "VAULT=x",
            "--set", f"WEB_PORT={port}", "--yes",
        )  # fmt: skip
    assert result.returncode == 3, result.stderr
    assert re.search(r"choose another port: --set WEB_PORT=[0-9]+", result.stdout)


FAULTS = {
    "forgotten": "settle_engine() { printf '' >\"$SCRATCH/mistaken\"; }",
    "removed": 'settle_engine() { rm -f "$SCRATCH/mistakes" "$SCRATCH/mistaken"; }',
    "removed at once": 'name_release() { RELEASE=x RELEASE_DIR=$ROOT/x; rm -f "$SCRATCH/mistaken"; }',
    "no scratch folder": 'settle_engine() { rm -rf "$SCRATCH"; }',
    "unwritable": "gather_mistakes() { GATHERING=yes; "
    'mkdir "$SCRATCH/mistakes"; empty_file "$SCRATCH/mistaken"; }',
    "full disk": 'gather_mistakes() { GATHERING=yes; ln -s /dev/full "$SCRATCH/mistakes"; '
    'ln -s /dev/full "$SCRATCH/mistaken"; }',
    "grep fails": "settle_engine() { grep() { return 2; }; }",
    "wc fails": "settle_engine() { wc() { return 1; }; }",
}
"""What happens between a mistake and the end of the run, as a function that takes another's place."""


def tamper(host: Host, code: str) -> None:
    """Put `code` into the bundle's installer, and list the changed file: only the signature shows that."""
    install, sums = host.unpacked / "install", host.unpacked / "SHA256SUMS"
    old = hashlib.sha256(install.read_bytes()).hexdigest()
    head, call, tail = install.read_text().rpartition('main "$@"\n')
    install.write_text(head + code + "\n" + call + tail)
    text = sums.read_text()
    assert f"{old}  install\n" in text
    sums.write_text(text.replace(old, hashlib.sha256(install.read_bytes()).hexdigest()))


ANSWERS = ("--set", "GREETING=x", "--set", "VAULT=x", "--yes")
WORKS = re.compile(r"^(load|run|network create|tag|compose .*(create|up|down|start|stop))", re.MULTILINE)
"""Calls of `docker` that change something."""


@pytest.mark.parametrize("code", FAULTS.values(), ids=FAULTS.keys())
def test_lost_mistakes_install_nothing(host: Host, code: str) -> None:
    """A missing key file keeps the signature from being judged: whatever fails then, the run ends."""
    tamper(host, code)
    before = state(host)
    result = host.run("--root", host.root, "--key", "no.pub", *ANSWERS)
    assert result.returncode in {1, 2}, (result.returncode, result.stdout)
    assert result.stderr.strip()
    assert "Verifying" not in result.stdout
    assert not WORKS.search(host.calls())
    assert state(host) == before


def test_a_changed_bundle_does_not_enter_a_site(host: Host) -> None:
    """Where a site exists, the lock and what it resumes wait for the signature too."""
    (host.root / "state").mkdir(parents=True)
    tamper(host, FAULTS["removed at once"])
    before = state(host)
    result = host.run("--root", host.root, "--key", "no.pub", *ANSWERS)
    assert result.returncode in {1, 2}, (result.returncode, result.stdout)
    assert state(host) == before
    refused = host.run("--root", host.root, "--key", host.key, *ANSWERS)
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert state(host) == before
    assert not WORKS.search(host.calls())
