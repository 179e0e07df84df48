"""Transcripts of what people see who build: English and Chinese, terminals of two widths, and pipes.

`BUNDLE_TESTS_REWRITE_GOLDEN=1` rewrites them. Of the wider terminal, only the screens are kept that differ.
"""

from __future__ import annotations

import json
import os
import pty
import random
import re
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.golden import compare
from tests.support.terminal_text import Screen

ROOT = Path(__file__).parents[4]
LIMIT = 120
"""Seconds for a transcript."""
HOME = "/home/me/shops"
"""What stands for the working folder: both have the same length, so that lines break in the same places."""
SHOP = """\
services:
  web:
    image: registry.example/shop/web:1.4
    ports: ["${WEB_PORT:-8080}:80"]
    environment:
      DATABASE_URL: postgres://shop:Tr0ub4dor3x@db:5432/shop
      MAIL_PASSWORD: ${MAIL_PASSWORD:-}
    volumes: ["./site.conf:/etc/site.conf:ro", "uploads:/srv/uploads"]
    depends_on: [db]
    healthcheck: {test: [CMD, "true"]}
  db:
    image: registry.example/shop/db:16.3
    environment: {POSTGRES_PASSWORD: Tr0ub4dor3x}
    volumes: ["./data/db:/var/lib/postgresql/data"]
  setup:
    image: registry.example/shop/web:1.4
    command: [setup]
    restart: "no"
volumes: {uploads: {}}
"""
KIOSK = """\
services:
  kiosk:
    image: registry.example/kiosk:2.0
    environment:
      SMTP_PASSWORD: ${SMTP_PASSWORD:-hunter2-hunter2}
    volumes: ["/etc/localtime:/etc/localtime:ro"]
"""
CONFIGURATION = """\
[tool.bundle.registries.mirrors]
"registry.example" = "{mirror}"
"""
OLD = "dist/shop-1.0-shop-linux-amd64.tar"
NEW = "dist/shop-1.1-shop-linux-amd64.tar"
COMMANDS = (
    "--help",
    "plan --help",
    "init --from shop/compose.yaml",
    "init --from kiosk/compose.yaml",
    "cat profiles/kiosk.yaml",
    "profiles",
    "plugins",
    "config -p shop",
    "keygen",
    "keygen",
    "plan -p shop",
    "plan -p kiosk",
    "lock -p shop",
    "build -p shop --locked",
    f"verify {OLD}",
    f"verify {OLD} --key other.pub",
    f"inspect {OLD}",
    "cache",
    "build -p shop --set version=1.1 --set settings.images.web=registry.example/shop/web:1.5 --unsigned",
    f"diff {OLD} {NEW} --allow-unsigned",
    f"report {OLD}",
    "build -p shop --offline --set settings.images.web=registry.example/a:1 --set settings.images.db=b:2",
    "plan -p shop --set pack.compression=small --set platfrom=linux/arm64",
    "plan -p shpo",
    "verify noise.tar",
    "biuld",
)
VARIES = (
    (r"\b[0-9a-f]{64}\b", "<digest>"),
    (r"\b[0-9a-f]{12}\b", "0123456789ab"),
    (r"127\.0\.0\.1:\d{5}", "127.0.0.1:50000"),
    (r"(?<=\.tar  )[\d.]+ [kM]B|(?<=\.preflight\.sh  )[\d.]+ [kM]B", "<size>"),
    (r"(?m)(?<=^size         ).+|(?<=^大小         ).+", "<size>"),
    (r"\b[\d.]+ [kMG]?B( at |\uff0c)[\d.]+ [kMG]?B/s", r"<size>\1<rate>"),
    (r"(?m)\b\d+\.\d (s|秒)$", r"<time> \1"),
    (r"(?<=, )\d+(?= files)|(?<=\uff0c)\d+(?= 个文件)", "<number>"),
    (r"(?m)(?<=^files        )\d+|(?<=^文件数       )\d+", "<number>"),
)
"""What is different in each run or with each installer, and what stands in its place."""
MOVING = re.compile(r"  .*/s(  .*)?")
"""A line about a transfer that is not at its end: there are more of them on a slow machine."""


@contextmanager
def shops() -> Iterator[Path]:
    """Yield a folder with two projects, whose images a registry in this process has."""
    source = random.Random(1)  # noqa: S311 the same in each run
    with tempfile.TemporaryDirectory(prefix="b", dir="/tmp") as name, SampleRegistry() as registry:
        folder = Path(name)
        for image, tag, size in (("web", "1.4", 50), ("web", "1.5", 70), ("db", "16.3", 90)):
            files = {"bin/sh": b"\x7fELF" + source.randbytes(size * 1000)}
            registry.add_image(f"shop/{image}", tag, make_image(files))
        for path, text in (
            ("shop/compose.yaml", SHOP),
            ("shop/site.conf", "colour = blue\n"),
            ("kiosk/compose.yaml", KIOSK),
            ("pyproject.toml", CONFIGURATION.format(mirror=registry.host)),
            ("noise.tar", "noise" * 1000),
        ):
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text)
        yield folder


def variables(folder: Path, language: str) -> dict[str, str]:
    """Return the environment of a person who has configured nothing, without programs of this machine."""
    return {
        "PATH": str(folder / "bin"), "HOME": str(folder), "BUNDLE_CACHE": "cache", "PYTHONUTF8": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "SOURCE_DATE_EPOCH": "1700000000",
        "LANG": {"en": "C.UTF-8", "zh": "zh_CN.UTF-8"}[language], "TERM": "xterm",
    }  # fmt: skip


def on_terminal(command: list[str], folder: Path, environment: dict[str, str], width: int) -> str:
    """Run a command on a terminal; return what was written there."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, width))
    with subprocess.Popen(
        command, cwd=folder, env=environment,
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        written = b""
        try:
            while read := os.read(ours, 65536):
                written += read
        except OSError:  # the process has closed the terminal
            pass
        os.close(ours)
        assert process.wait(LIMIT) == 0, written.decode()
    screen = Screen()
    screen.write(written.decode())
    return "\n".join(line.rstrip() for line in screen.lines)


def into_pipe(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a command whose output goes into a pipe."""
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=True, text=True, timeout=LIMIT,
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in done.stdout.splitlines())


def transcript(language: str, width: int | None) -> list[str]:
    """Type all commands; return what each shows, with its exit code."""
    typed = json.dumps([each.split() for each in COMMANDS])
    with shops() as folder:
        command = [sys.executable, "-m", "tests.support.typist", typed]
        environment = variables(folder, language)
        shown = (
            on_terminal(command, folder, environment, width)
            if width
            else into_pipe(command, folder, environment)
        )
        assert len(str(folder)) == len(HOME)
        shown = shown.replace(str(folder), HOME)
    for pattern, name in VARIES:
        shown = re.sub(pattern, name, shown)
    lines = [line for line in shown.splitlines() if not MOVING.fullmatch(line) or "<rate>" in line]
    screens = re.split(r"(?m)^(?=\$ )", "\n".join(lines))[1:]
    assert len(screens) == len(COMMANDS)
    return [f"{screen.rstrip()}\n" for screen in screens]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_a_builder_sees(language: str) -> None:
    with ThreadPoolExecutor() as pool:
        narrow, wide, piped = pool.map(lambda width: transcript(language, width), (80, 120, None))
    compare(f"builder/{language}-80", "\n".join(narrow))
    compare(
        f"builder/{language}-120",
        "\n".join(one for one, other in zip(wide, narrow, strict=True) if one != other),
    )
    compare(f"builder/{language}-pipe", "\n".join(piped))
