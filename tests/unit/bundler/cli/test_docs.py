"""`bundle docs`: the pages of this version, in a browser or here."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import pytest

from bundler.cli import docs
from bundler.errors import ExitCode
from tests.support.console import Console, make_console

ROOT = Path(__file__).parents[4]


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return make_console(capsys)


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the browser was asked to open; it can be told to fail."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    found: list[str] = []

    def open_(url: str) -> bool:
        found.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_)
    return found


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a site, as a release has it, of the pages `index`, `how-to/keys`, `a/same` and `b/same`."""
    for name in ("index", "how-to/keys", "a/same", "b/same"):
        for folder, language in (("", ""), ("zh/", ".zh")):
            text, shown = tmp_path / f"pages/{name}{language}.md", tmp_path / f"site/{folder}{name}.html"
            for path in (text, shown):
                path.parent.mkdir(parents=True, exist_ok=True)
            text.write_text(f"# {name}{language}\n\x1b[31mtext\n")
            shown.touch()
    (tmp_path / "pages/b/same.zh.md").unlink()
    monkeypatch.setattr(docs, "_folders", lambda: (tmp_path / "pages", tmp_path / "site"))
    return tmp_path / "site"


def test_pages_open_in_the_browser(console: Console, site: Path, opened: list[str]) -> None:
    assert console("docs").code == 0
    assert console("docs", "keys").out == f"opened {site / 'how-to/keys.html'}\n"
    assert console("docs", "how-to/keys.md", "--lang", "zh").code == 0
    assert opened == [
        (site / name).as_uri() for name in ("index.html", "how-to/keys.html", "zh/how-to/keys.html")
    ]


@pytest.mark.parametrize("variable", ["LC_ALL", "LC_MESSAGES", "LANG"])
def test_the_locale_chooses_the_language(
    console: Console, site: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "zh_CN.UTF-8")
    assert console("docs", "--path").out == f"{site / 'zh/index.html'}\n"
    assert console("docs", "--path", "--lang", "en").out == f"{site / 'index.html'}\n"
    monkeypatch.setenv("LC_ALL", "C")
    assert console("docs", "--path").out == f"{site / 'index.html'}\n"


def test_pages_are_printed_on_request_and_cannot_control_the_terminal(
    console: Console, site: Path, opened: list[str]
) -> None:
    assert console("docs", "keys", "--print").out == "# how-to/keys\n\\x1b[31mtext\n"
    assert console("docs", "a/same", "--print", "--lang", "zh").out.startswith("# a/same.zh\n")
    assert console("docs", "b/same", "--print", "--lang", "zh").out.startswith("# b/same\n"), "not translated"
    assert console("docs", "--print").out.splitlines()[1:] == [
        "a/same       a/same", "b/same       b/same", "how-to/keys  how-to/keys", "index        index",
    ]  # fmt: skip
    assert opened == []


@pytest.mark.parametrize("lack", ["browser", "display", "site"])
def test_what_cannot_be_opened_is_printed(
    console: Console, site: Path, monkeypatch: pytest.MonkeyPatch, lack: str
) -> None:
    def fail(_: str) -> bool:
        if lack == "browser":
            raise webbrowser.Error
        return False

    if lack == "site":
        (site / "how-to/keys.html").unlink()
    else:
        monkeypatch.setattr(webbrowser, "open", fail)
    assert console("docs", "keys").out.startswith("# how-to/keys\n")


def test_a_terminal_gets_it_formatted(console: Console, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "is_terminal", lambda stream: stream is sys.stdout)
    out = console("docs", "keys", "--print").out
    assert "how-to/keys" in out
    assert "# how-to/keys" not in out


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("kesy", "did you mean keys?"),
        ("how-to/kesy", "did you mean how-to/keys?"),
        ("same", "a/same, b/same"),
        ("qqq", "`bundle docs --print` lists the pages"),
    ],
)
def test_a_page_that_is_not_there(console: Console, site: Path, name: str, says: str) -> None:
    done = console("docs", name)
    assert done.code == ExitCode.USAGE
    assert says in done.err


def test_a_checkout_has_its_own_pages(console: Console) -> None:
    listed = console("docs", "--print").out
    assert "how-to/set-up" in listed
    assert "set-up.zh" not in listed
    assert console("docs", "set-up", "--print").out == (ROOT / "docs/how-to/set-up.md").read_text()
