"""A real browser, which shows a page as people see it: on a phone, in the dark, on paper."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

from tests.support.programs import need_program

PICTURES: Final = Path(os.environ.get("BUNDLE_TEST_PICTURES") or Path(__file__).parents[2] / "build/pictures")
"""Where pictures of the pages are kept."""
ADDRESS: Final = "http://page.invalid/"
"""The page's address; nothing listens there, and the browser gets the page from the test."""
PAPER: Final = 680
"""CSS pixels between the margins of an A4 page: 210 mm less twice 15 mm, at 96 for an inch."""
HEIGHT: Final = 900
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""Rules of axe: those of WCAG 2 up to AA, and good practice."""
AXE: Final = files("axe_playwright_python").joinpath("axe.min.js")


@dataclass
class Shown:
    """A page in the browser.

    Attributes:
        page: for questions of the test.
        requests: addresses that it asked for, besides its own.
        said: what the browser wrote to its console, and errors.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def resize(self, width: int, scheme: str) -> None:
        """Show the page in a window of this width, `light` or `dark`."""
        self.page.emulate_media(media="screen", color_scheme="dark" if scheme == "dark" else "light")
        self.page.set_viewport_size({"width": width, "height": HEIGHT})

    def print(self) -> None:
        """Show the page as on paper, with the width between the margins of A4."""
        self.page.emulate_media(media="print", color_scheme="light")
        self.page.set_viewport_size({"width": PAPER, "height": HEIGHT})

    def ask(self, script: str) -> Any:  # noqa: ANN401 what the script returns
        """Return what an expression of JavaScript is in the page."""
        return self.page.evaluate(script)

    def violations(self, rules: Sequence[str] | None = None) -> list[str]:
        """Return what axe finds: all `RULES`, or only those with these names."""
        chosen: Mapping[str, object] = (
            {"type": "tag", "values": RULES} if rules is None else {"type": "rule", "values": rules}
        )
        if not self.ask("'axe' in window"):
            self.ask(AXE.read_text("utf-8"))
        script = "chosen => axe.run(document, {runOnly: chosen, resultTypes: ['violations']})"
        found = self.page.evaluate(script, chosen)
        return [
            f"{each['id']}: {each['help']}: {node['html']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def paper(self, name: str) -> bytes:
        """Keep the page as printed, and return the PDF file."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        return self.page.pdf(path=PICTURES / f"{name}.pdf", prefer_css_page_size=True)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Debian's Chromium; skip if it is not installed."""
    program = need_program("chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--headless=new", *sandbox])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def show(browser: Browser, raw: bytes) -> Iterator[Shown]:
    """Load a page, which reaches nothing else; what it tries to reach is refused and noted."""
    context = browser.new_context()
    try:
        shown = Shown(context.new_page())

        def answer(route: Route, request: Request) -> None:
            if request.url == ADDRESS and request.is_navigation_request():
                route.fulfill(status=200, content_type="text/html; charset=utf-8", body=raw)
            else:
                shown.requests.append(request.url)
                route.abort()

        context.route("**/*", answer)
        shown.page.on("console", lambda message: shown.said.append(message.text))
        shown.page.on("pageerror", lambda error: shown.said.append(str(error)))
        shown.page.goto(ADDRESS)
        yield shown
    finally:
        context.close()
