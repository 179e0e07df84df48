"""The pages as people see them: in a real browser, at three widths, in the dark, on paper, in both languages.

Pictures of each page are kept in build/pictures, or in $BUNDLE_TEST_PICTURES.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bundler_installer.checks import CHECKS
from examples.demo.sample_registry import SampleRegistry
from tests.support.browser import PAPER, Shown, open_browser, show
from tests.support.fabricated import Server, preflight_file, run_preflight
from tests.support.preflight_worlds import df, remove
from tests.support.programs import need_program
from tests.support.reported import AGENT, Shop, add_images, build_shop, write_project

LANGUAGES = ("en", "zh")
REPORTS = ("report", "plan", "diff")
PREFLIGHTS = ("preflight", "preflight-failed")
VIEWS = {
    "en": ((360, "light"), (768, "dark"), (1280, "light")),
    "zh": ((360, "dark"), (768, "light"), (1280, "dark")),
}
"""Widths of a phone, a tablet and a desk, with each scheme of colours in one of the languages."""
DIFFERING = ("color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable")
"""Rules of axe whose results depend on the view; the others find the same elements in all of them."""
pages = pytest.mark.parametrize(
    "name", [f"{name}-{tag}" for name in (*REPORTS, *PREFLIGHTS) for tag in LANGUAGES]
)
preflights = pytest.mark.parametrize("name", [f"{name}-{tag}" for name in PREFLIGHTS for tag in LANGUAGES])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """Return the pages by name and language, as the commands write them."""
    need_program("chromium")
    folder = tmp_path_factory.mktemp("pages")
    shop = build_shop(folder / "shop")
    with SampleRegistry() as registry, ThreadPoolExecutor(2) as pool:
        add_images(registry, ("linux/amd64", "linux/arm64"))
        profile = write_project(folder / "shop", "2.0", AGENT, registry.host)
        commands = {
            "report": ("report", shop.new, "--key", shop.key),
            "plan": ("report", "-p", profile, "--platform", "linux/amd64", "--platform", "linux/arm64"),
            "diff": ("diff", shop.old, shop.new, "--key", shop.key),
        }
        found = {
            f"{name}-{tag}": pool.submit(write_page, shop, *words, "--lang", tag)
            for name, words in commands.items()
            for tag in LANGUAGES
        } | {
            f"{name}-{tag}": pool.submit(
                check_server, folder / f"{name}-{tag}", tag, failing=name != "preflight"
            )
            for name in PREFLIGHTS
            for tag in LANGUAGES
        }
        return {name: page.result() for name, page in found.items()}


def write_page(shop: Shop, *words: str | Path) -> bytes:
    return shop.builder.check(*words, "-o", "-").encode()


def check_server(folder: Path, tag: str, *, failing: bool) -> bytes:
    """Return the report of the preflight about a server that has everything, or lacks much."""
    server = Server(folder)
    if failing:
        server.remove("bin/docker")
        df(blocks=1000, inodes=10)(server)
        remove("run/systemd/timesync/synchronized", "proc/net/route")(server)
        server.write("proc/meminfo", "MemTotal: 9000000 kB\nSwapTotal: 1500000 kB\nSwapFree: 100000 kB\n")
    asked = {"platform": "amd64", "memory": "8000000000", "cpu": "4", "docker": "20.10"}
    rows = [
        [check.id, check.group, asked.get(check.id, check.required or "-"), check.recommended or "-", "-"]
        for check in CHECKS
        if check.id not in {"sysctl", "certificate"}
    ]
    page = folder / "page.html"
    done = run_preflight(server, preflight_file(folder, rows), "--report", str(page), "--lang", tag)
    assert done.returncode == (3 if failing else 0), done.stdout + done.stderr
    return page.read_bytes()


@pages
def test_a_page_in_every_view(browser: Browser, made: Mapping[str, bytes], name: str) -> None:
    with show(browser, made[name]) as shown:
        for width, scheme in VIEWS[name.rpartition("-")[2]]:
            shown.resize(width, scheme)
            shown.picture(f"{name}-{width}-{scheme}")
            assert shown.ask(TOO_WIDE) == [], f"{width} {scheme}"
            open_all(shown, is_open=True)
            assert shown.ask(TOO_WIDE) == [], f"{width} {scheme}, with all details"
            if width != 768:  # where hardening may have no room for its ten columns
                assert shown.ask(SCROLLED_TABLES) == [], f"{width}: nobody scrolls a table sideways"
            if width < 400:
                assert shown.violations() == []
            else:
                assert shown.violations(DIFFERING) == [], f"{width} {scheme}"
            open_all(shown, is_open=False)
        shown.print()
        assert shown.ask("innerWidth") == PAPER
        assert shown.ask(TOO_WIDE) == []
        assert shown.ask(HIDDEN_ON_PAPER) == []
        pdf = shown.paper(name)
        assert pdf.startswith(b"%PDF-")
        assert (shown.requests, shown.said) == ([], [])


@preflights
def test_all_tables_of_the_preflight_have_one_width(
    browser: Browser, made: Mapping[str, bytes], name: str
) -> None:
    with show(browser, made[name]) as shown:
        open_all(shown, is_open=True)
        for width in (768, 1280):
            shown.resize(width, "light")
            tables = shown.ask(COLUMNS)
            assert len(tables) > 3
            assert len({tuple(columns) for columns in tables}) == 1, tables


def open_all(shown: Shown, *, is_open: bool) -> None:
    shown.ask(
        f"document.querySelectorAll('details').forEach(each => {{ each.open = {str(is_open).lower()} }})"
    )


TOO_WIDE = """
[...document.querySelectorAll('body *')]
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1
        && (matchMedia('print').matches || !each.closest('.scroll > *')) && !each.closest('.hidden'))
    .map(each => each.outerHTML.slice(0, 200))
    .concat(document.documentElement.scrollWidth > innerWidth ? ['the page'] : [])
"""
"""What reaches beyond the page; on a screen, what is in a part that scrolls does not count."""
SCROLLED_TABLES = """
[...document.querySelectorAll('.scroll:has(table)')]
    .filter(each => each.scrollWidth > each.clientWidth).map(each => each.outerHTML.slice(0, 200))
"""
HIDDEN_ON_PAPER = """
[...document.querySelectorAll(document.querySelector('.cards') ? '.paper tr' : 'tr')]
    .filter(each => !each.checkVisibility({contentVisibilityAuto: true}))
    .map(each => each.outerHTML.slice(0, 200))
"""
"""Rows that are folded on paper too. In a report, only the packages of an image may be."""
COLUMNS = """
[...document.querySelectorAll('table')].map(each =>
    [...each.querySelectorAll('thead th')].map(cell => Math.round(cell.getBoundingClientRect().width)))
"""
