"""Transcripts of what operators see, in both languages; `BUNDLE_TESTS_REWRITE_GOLDEN=1` rewrites them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.golden import compare
from tests.support.kiosk import Host, Kiosk, build_kiosk
from tests.support.screens import Screen


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Kiosk:
    return build_kiosk(tmp_path_factory.mktemp("kiosk"))


def transcript(screen: Screen) -> Iterator[str]:
    """Type what an operator types in the life of an installation."""
    root, key = ("--root", screen.host.root), ("--key", screen.host.key)
    yield screen.type("--help")
    yield screen.type("help", "uninstall")
    yield screen.type("instal")
    yield screen.type("preflight", *root, *key, "--set", "GREETING=hello")
    yield screen.type("plan", *root, *key, "--set", "GREETING=hello")
    wrong = ("--set", "WEB_PORT=70000", "--set", "LEVEL=none", "--set", "GRETING=x")
    yield screen.type("install", *root, *key, "--yes", *wrong)
    yield screen.type("install", *root, *key, "--yes", "--set", "GREETING=hello", "--set", "VAULT=open")
    yield screen.type("install", *root, *key, "--yes")
    yield screen.type("plan", *root, *key)
    yield screen.type("ctl", "status")
    yield screen.type("ctl", "ps")
    yield screen.type("ctl", "restart", "wbe")
    yield screen.type("ctl", "rollback")
    yield screen.type("ctl", "stop")
    yield screen.type("ctl", "status")
    yield screen.type("ctl", "start")
    yield screen.type("ctl", "backup")
    yield screen.type("ctl", "trust")
    yield screen.type("ctl", "uninstall", "--yes")
    yield screen.type("uninstall", *root, "--yes", "--purge", "all")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_an_operator_sees(kiosk: Kiosk, tmp_path: Path, language: str) -> None:
    shown = {}
    for width in (80, 120, None):
        folder = tmp_path / str(width)
        folder.mkdir()
        screen = Screen(Host("dash", folder, kiosk.unpack(folder), kiosk.key), language, width)
        screen.prepare()
        shown[width] = "\n".join(transcript(screen))
        if width != 120:
            compare(f"screens/{language}-{'terminal' if width else 'pipe'}", shown[width])
    assert shown[120] == shown[80], "texts are wrapped at 80 columns on wider terminals too"
