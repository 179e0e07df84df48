"""The first installation on a terminal: one page of answers, a summary, and one question.

`BUNDLE_TESTS_REWRITE_GOLDEN=1` rewrites the transcripts, to review the diff.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.golden import compare
from tests.support.kiosk import Host

NEXT = {"en": "Enter for the summary: ", "zh": "直接按回车查看摘要"}
INSTALL = {"en": "Type yes or no: ", "zh": "现在安装吗"}
QUESTIONS = {
    "en": ("What the kiosk says: ", "Word of the vault: "),
    "zh": ("售货亭的问候语: ", "保险库口令: "),
}


@pytest.fixture
def root() -> Iterator[Path]:
    """Yield a folder with a short name of a fixed length, which decides how lines of a transcript wrap."""
    folder = Path(f"/tmp/kiosk-{os.getpid():010d}")  # noqa: S108 nothing is written there
    assert not folder.exists()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 # as the application would listen
        yield server.getsockname()[1]


def state(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if "docker." not in path.name]


def options(host: Host, *more: str | Path) -> list[str | Path]:
    return ["--root", host.root, "--key", host.key, *more]


def answers(language: str = "en") -> list[tuple[str, str]]:
    greeting, vault = QUESTIONS[language]
    return [(greeting, "it's here"), ("WEB_PORT [", ""), ("SERVER [", ""), (vault, "sesame")]


def lines(screen: str) -> list[str]:
    return screen.replace("\r", "").split("\n")


def settle(screen: str, host: Host) -> str:
    """Return what the page and the summary show, without what differs between servers."""
    text = "\n".join(lines(screen))
    found = re.search(r"(?:First installation|首次安装).*?^sh .*?VAULT$", text, re.MULTILINE | re.DOTALL)
    assert found, text
    text = found[0] + "\n"
    text = re.sub(r"(?<=/)kiosk-\d{10}", "kiosk-0123456789", text)
    for path, shown in ((host.unpacked, "BUNDLE"), (host.key, "../bundle.pub")):
        text = text.replace(str(path), shown)
    return re.sub(r"[0-9.]+ [kM]?B( for the release|$)", r"N kB\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("columns", [80, 120])
def test_the_page_and_the_summary(host: Host, root: Path, language: str, columns: int) -> None:
    before = state(host.folder)
    greeting, vault = QUESTIONS[language]
    code, screen = host.converse(
        ["--root", root, "--key", host.key, "--lang", language, "--set", "SERVER=kiosk.example"],
        [
            (greeting, ""),
            (greeting, "it's here"),
            ("WEB_PORT [8080]: ", "http"),
            ("WEB_PORT [8080]: ", "8081"),
            (vault, "No"),
            (vault, "sesame"),
            (NEXT[language], "13"),
            (NEXT[language], "9"),
            ("[low]: ", "middle"),
            ("[low]: ", "high"),
            (NEXT[language], ""),
            ("VAULT\r\n", "\x03"),  # the end of the summary
        ],
        columns=columns,
    )
    assert code == 130, screen
    assert "sesame" not in screen
    assert "\x1b" not in screen
    assert state(host.folder) == before
    assert not root.exists()
    compare(f"installer/first-{language}-{columns}", settle(screen, host))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_command_repeats_the_installation(host: Host, language: str) -> None:
    code, screen = host.converse(
        options(host, "--lang", language, "--set", "FOLDER=/a b"),
        [
            *answers(language),
            (NEXT[language], ""),
            (INSTALL[language], "perhaps"),
            (INSTALL[language], "no" if language == "en" else "否"),
        ],
    )
    assert code == 1, screen
    [command] = [line for line in lines(screen) if line.startswith("sh ")]
    assert "sesame" not in command
    (host.folder / "secrets.env").write_text("VAULT=sesame\n")
    words = shlex.split(command)
    result = host.run(*words[2:])
    assert result.returncode == 0, result.stdout + result.stderr
    site = (host.root / "site.env").read_text().splitlines()
    assert "GREETING=it's here" in site
    assert "FOLDER=/a b" in site
    assert "VAULT=sesame\n" in (host.root / "secrets.env").read_text()


@pytest.mark.parametrize(("typed", "expected"), [("\x03", 130), ("\x04", 1)], ids=["Ctrl-C", "end of file"])
@pytest.mark.parametrize("where", ["question", "secret", "number", "summary"])
def test_leaving_changes_nothing(host: Host, where: str, typed: str, expected: int) -> None:
    before = state(host.folder)
    steps = [*answers(), (NEXT["en"], ""), (INSTALL["en"], "yes")]
    at = {"question": 0, "secret": 3, "number": 4, "summary": 5}[where]
    code, screen = host.converse(options(host), [*steps[:at], (steps[at][0], typed)])
    assert code == expected, screen
    assert state(host.folder) == before
    assert " up " not in host.calls()


def test_another_folder_and_another_language(host: Host) -> None:
    other = host.folder / "other"
    (host.folder / "used/state").mkdir(parents=True)
    code, screen = host.converse(
        options(host),
        [
            *answers(),
            (NEXT["en"], "2"),
            (f"Folder [{host.root}]: ", "/"),
            (f"Folder [{host.root}]: ", str(host.folder / "used")),
            (f"Folder [{host.root}]: ", str(other)),
            (NEXT["en"], "1"),
            ("Language (en, zh) [en]: ", "fr"),
            ("Language (en, zh) [en]: ", "zh"),
            (NEXT["zh"], ""),
            (INSTALL["zh"], "是"),
        ],
    )
    assert code == 0, screen
    assert "--root / is not allowed" in screen
    assert "already contains an installation" in screen
    assert "Unknown language fr" in screen
    assert f"--root {other}" in screen
    assert "GREETING=it's here\n" in (other / "site.env").read_text()
    assert not host.root.exists()


def test_a_port_that_is_taken_is_refused_at_once(host: Host) -> None:
    with taken_port() as port, taken_port() as other:
        code, screen = host.converse(
            options(host, "--set", f"WEB_PORT={port}", "--set", "GREETING=x", "--set", "VAULT=x"),
            [
                ("WEB_PORT: ", ""),
                ("WEB_PORT: ", str(other)),
                ("WEB_PORT: ", "8099"),
                ("SERVER [", ""),
                (NEXT["en"], ""),
                (INSTALL["en"], "no"),
            ],
        )
    assert code == 1, screen
    assert f"Port {port}/tcp (web) is already in use" in screen
    assert f"Port {other}/tcp (web) is already in use" in screen
    assert "--set WEB_PORT=8099" in screen


def test_no_page_where_everything_is_answered(host: Host) -> None:
    given = [f"--set={pair}" for pair in ("GREETING=x", "VAULT=x", "WEB_PORT=8099", "SERVER=kiosk.example")]
    code, screen = host.converse(options(host, *given), [])
    assert code == 0, screen
    assert "First installation" not in screen
    code, screen = host.converse(options(host), [])
    assert code == 0, screen
    assert "First installation" not in screen


def test_mistakes_on_the_command_line_come_before_the_page(host: Host) -> None:
    code, screen = host.converse(options(host, "--set", "LEVEL=middle"), [])
    assert code == 2, screen
    assert "First installation" not in screen


def test_nothing_is_asked_without_a_terminal(host: Host) -> None:
    result = host.run(*options(host))
    assert result.returncode == 2
    assert "First installation" not in result.stdout + result.stderr
