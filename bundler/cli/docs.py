"""`bundle docs`."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from bundler.errors import UsageError, did_you_mean
from bundler.language import language, tr
from bundler.terminal.console import echo, is_terminal
from bundler.terminal.table import echo_table

START = "index"
CHINESE = ".zh"


@dataclass(frozen=True)
class Page:
    """A page in one language.

    Attributes:
        name: its path without suffix and language, `how-to/build`.
        text: the file with its Markdown.
        shown: the file of the site; None where the program came without it.
    """

    name: str
    text: Path
    shown: Path | None

    @property
    def title(self) -> str:
        """The text of its first heading."""
        found = re.search(r"^# (.*)$", self.text.read_text("utf-8"), re.MULTILINE)
        return found[1] if found else self.name


@click.command("docs")
@click.argument("page", required=False)
@click.option("--print", "printed", is_flag=True, help="Print the page here instead of opening a browser.")
@click.option("--path", "as_path", is_flag=True, help="Print the path of the page's file.")
def docs_command(page: str | None, printed: bool, as_path: bool) -> None:
    """Open the documentation of this version; it is part of the program and needs no network.

    PAGE is a name like `how-to/build`, or its last part. Without it, the start page is opened, and --print
    lists all pages. Where there is no browser, or the program came without the site, the page is printed.
    """
    chinese = language() == "zh"
    if page is None and printed and not as_path:
        echo_table((tr("page"), tr("title")), [(each.name, each.title) for each in _pages(chinese=chinese)])
        return
    found = _find(page or START, chinese=chinese)
    if as_path:
        echo(str(found.shown or found.text))
    elif printed or found.shown is None or not _open(found.shown):
        _print(found.text)


def _folders() -> tuple[Path, Path]:
    """Return the folders of the Markdown and of the site: in the wheel, or in a checkout."""
    package = Path(__file__).resolve().parents[1]
    if (package / "pages").is_dir():
        return package / "pages", package / "site"
    return package.parent / "docs", package.parent / "build/site"


def _pages(*, chinese: bool) -> list[Page]:
    """Return all pages by name, in Chinese where there is a translation."""
    folder, site = _folders()
    pages = []
    for text in sorted(folder.rglob("*.md")):
        if text.stem.endswith(CHINESE):
            continue
        translated = text.with_name(f"{text.stem}{CHINESE}.md")
        name = text.relative_to(folder).with_suffix("").as_posix()
        shown = site / ("zh" if chinese else "") / f"{name}.html"
        own = translated if chinese and translated.exists() else text
        pages.append(Page(name, own, shown if shown.is_file() else None))
    return pages


def _find(name: str, *, chinese: bool) -> Page:
    """Return the page of this name.

    Raises:
        UsageError: there is none, or several.
    """
    pages = _pages(chinese=chinese)
    wanted = name.removesuffix(".md").removesuffix(".html")
    for page in pages:
        if page.name == wanted:
            return page
    same = [page for page in pages if page.name.rpartition("/")[2] == wanted]
    if len(same) == 1:
        return same[0]
    if same:
        raise UsageError(
            tr("{count} pages are named {name!r}", count=len(same), name=name),
            hint=", ".join(page.name for page in same),
        )
    names = [form for page in pages for form in (page.name, page.name.rpartition("/")[2])]
    hint = did_you_mean(wanted, names) or tr("`bundle docs --print` lists the pages")
    raise UsageError(tr("there is no page {name!r}", name=name), hint=hint)


def _open(path: Path) -> bool:
    """Open a file in the browser; return whether there is one."""
    import webbrowser

    try:
        opened = webbrowser.open(path.as_uri())
    except webbrowser.Error:
        return False
    if opened:
        echo(tr("opened {path}", path=path))
    return opened


def _print(text: Path) -> None:
    """Print a page: formatted on a terminal, as it is written elsewhere."""
    if is_terminal(sys.stdout):
        from bundler.terminal.live import print_markdown

        print_markdown(text.read_text("utf-8"))
    else:
        echo(text.read_text("utf-8"), lines=True, end="")
