"""Documentation site: links work, nothing loads from another host, and search covers both languages."""

from __future__ import annotations

import json
import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.programs import need_module, run

ROOT = Path(__file__).parents[2]
LOADING = {"src", "srcset", "data", "poster", "action", "background"}
"""Attributes whose address a browser loads automatically; `href` only counts on `link`."""


class Loaded(HTMLParser):
    """Collects the addresses that a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [
            value or "" for name, value in attrs if name in LOADING or (tag, name) == ("link", "href")
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site in strict mode: a broken link or anchor is an error."""
    need_module("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    run(  # --quiet would hide warnings from --strict
        sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder, cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    return folder


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text()
        parser = Loaded()
        parser.feed(text)
        assert parser.addresses
        assert [one for one in parser.addresses if re.match(r"(https?:)?//", one)] == [], page
        assert not re.search(r"class=\"[^\"]*mermaid", text), f"{page}: Material loads it from another host"
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", style.read_text()), style


def test_both_languages_are_in_the_index_of_the_search(site: Path) -> None:
    """Chinese text is segmented into words, separated by zero-width spaces."""
    script = (site / "search/search_index.js").read_text()
    index = json.loads(script.removeprefix("var __index = "))
    separator = re.compile(index["config"]["separator"])
    found = {
        word: {entry["location"] for entry in index["docs"] if word in separator.split(entry["text"])}
        for word in ("预检", "引擎", "preflight")
    }
    assert any(location.startswith("zh/how-to/install.html") for location in found["预检"])
    assert any(location.startswith("zh/how-to/install.html") for location in found["引擎"])
    assert any(location.startswith("how-to/install.html") for location in found["preflight"])


def test_the_search_needs_no_server(site: Path) -> None:
    for page in ("index.html", "zh/index.html"):
        assert re.search(r'<script src="[./]*assets/iframe-worker.js"', (site / page).read_text())
    assert (site / "assets/iframe-worker.js").read_text().count("IFrameWorker")
