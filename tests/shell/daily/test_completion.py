"""The completion and the manual page of `<name>ctl`, in the programs that read them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bundler_installer.commands import COMMANDS, OPTIONS
from tests.support.installer import call
from tests.support.programs import need_program

SITE = "NAME=my-shop VERSION=1 TITLE='A \\shop'\n"


@pytest.fixture(scope="module")
def completion(tmp_path_factory: pytest.TempPathFactory) -> str:
    done = call("dash", f"{SITE}WORDS=bash; run_completion", tmp_path_factory.mktemp("completion"))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", [command.name for command in COMMANDS]),
        ("re", ["restart", "restore"]),
        ("--root /tmp resta", ["restart"]),
        ("logs --s", ["--since"]),
        ("logs -f w", ["web", "worker"]),
        ("exec w", ["web", "worker"]),
        ("exec web w", []),
        ("help upg", []),
        ("help un", ["uninstall"]),
        ("status --", ["--watch", "--kubeconfig", "--context", "--json", "--root", "--lang", "--help"]),
        ("uninstall --purge s", ["secrets"]),
        ("completion ", ["bash", "zsh"]),
        ("install --lang ", ["zh", "en", "zh.UTF-8"]),
    ],
)
def test_what_bash_offers(completion: str, typed: str, offered: list[str]) -> None:
    words = typed.split(" ")
    script = f"""{completion}
my-shopctl() {{ [ "$*" != "ps --services" ] || printf '%s\\n' web worker db; }}
COMP_WORDS=(my-shopctl {" ".join(repr(word) for word in words)}) COMP_CWORD={len(words)}
_my_shopctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    shown = subprocess.run([need_program("bash"), "-c", script], capture_output=True, text=True, check=True)
    assert shown.stderr == ""
    assert shown.stdout.split() == offered


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_manual_page(tmp_path: Path, language: str) -> None:
    page = call("dash", f"{SITE}show print_manual", tmp_path, language=language)
    assert (page.returncode, page.stderr) == (0, "")
    groff = need_program("groff")
    shown = subprocess.run(
        [groff, "-K", "utf8", "-T", "utf8", "-P", "-cbou", "-w", "mac", "-W", "break", "-man"],
        input=page.stdout, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stderr == ""
    assert "A \\shop" in shown.stdout
    for option in OPTIONS:
        assert f"--{option.name}" in shown.stdout
