"""The pages match their translations, the installer and the Makefile."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bundler_installer.assemble import SOURCES, join_sources
from bundler_installer.commands import COMMANDS, OPTIONS

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PAIRS = {"README.md": "README.zh-CN.md"} | {
    str(page.with_name(page.name.replace(".zh", "")).relative_to(ROOT)): str(page.relative_to(ROOT))
    for page in PAGES
    if page.name.endswith(".zh.md")
}


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def blocks(text: str) -> list[str]:
    """Return the code blocks with commands, without comments, languages and placeholders."""
    found = re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    lines = [
        [
            re.sub("[\u4e00-\u9fff]+", "NAME", re.sub(r"\s*#.*| --lang zh", "", line))
            for line in block.splitlines()
        ]
        for block in found
    ]
    return ["\n".join(filter(None, block)) for block in lines]


def headings(text: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", without_code(text), flags=re.MULTILINE)]


def anchor(heading: str) -> str:
    """Return the anchor of a heading as common Markdown renderers do."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)|[`*]", r"\1", heading).strip().lower()
    kept = [c for c in text if c in "-_ " or unicodedata.category(c)[0] in "LN"]
    return "".join(kept).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_anchors_are_valid(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", without_code(page.read_text())):
        path, _, fragment = target.partition("#")
        other = page if not path else page.parent / path
        assert other.exists(), target
        if fragment:
            known = re.findall(r"^#+ (.*)$", without_code(other.read_text()), flags=re.MULTILINE)
            assert fragment in {anchor(one) for one in known}, target


NAMED = re.compile(r"\b(docs/[\w./-]+\.md)\b(?:(?:, | 中的) ?[\"\u201c]([^\"\u201d]+)[\"\u201d])?")
"""A page, optionally with one of its headings: `docs/how-to/install.md, "Podman"`."""


def test_pages_that_code_and_messages_name_exist() -> None:
    """English messages name a page in English, Chinese messages one in Chinese."""
    folders = ("benchmarks", "bundler", "docs", "examples", "plugins", "profiles", "tests", "tools")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    found = {
        (path, *named)
        for path in [*files, *ROOT.glob("*.*"), ROOT / "Makefile"]
        if path.suffix in {".py", ".sh", ".tsv", ".md", ".yml", ".yaml", ".toml", ""} and path.is_file()
        for named in NAMED.findall(path.read_text(errors="replace"))
    }
    assert len(found) > 50
    assert {(path.name, name) for path, name, _ in found if not (ROOT / name).exists()} == set()
    quoted = [(name, heading) for _, name, heading in found if heading]
    assert quoted
    for name, heading in quoted:
        assert re.search(rf"^#+ {re.escape(heading)}$", (ROOT / name).read_text(), re.MULTILINE), heading
    catalogue = [name for path, name, _ in found if path.parent.name == "zh" and path.parent != ROOT]
    assert catalogue
    for name in catalogue:
        assert name.endswith(".zh.md") or not (ROOT / name).with_suffix(".zh.md").exists(), name


@pytest.mark.parametrize(("english", "chinese"), PAIRS.items())
def test_both_languages_have_the_same_shape(english: str, chinese: str) -> None:
    one, two = ((ROOT / page).read_text() for page in (english, chinese))
    assert headings(one) == headings(two)
    assert blocks(one) == blocks(two)
    assert sorted(re.findall(r"^\| `([^`]+)`", re.sub("<[^>]*>", "<>", one), re.MULTILINE)) == sorted(
        re.findall(r"^\| `([^`]+)`", re.sub("<[^>]*>", "<>", two), re.MULTILINE)
    )


@pytest.mark.parametrize("page", ["docs/reference/installer.md", "docs/reference/installer.zh.md"])
def test_the_installers_page_has_every_command_option_and_exit_code(page: str) -> None:
    text = (ROOT / page).read_text()
    source = join_sources(SOURCES).decode()
    commands = [command.name for command in COMMANDS]
    assert [name for name in commands if not re.search(rf"`{name}[ `]", text)] == [], f"add them to {page}"
    options = [f"--{option.name}" for option in OPTIONS]
    assert [name for name in options if not re.search(rf"`(?:-[a-z], )?{name}[ `]", text)] == [], (
        f"add them to {page}"
    )
    for code in re.findall(r"^EXIT_[A-Z_]+=(\d)$", source, re.MULTILINE):
        assert f"\n| {code} |" in text


def test_make_targets_that_pages_name_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", makefile, flags=re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == targets
    for page in PAGES:
        named = re.findall(r"(?:^|`)make ([a-z0-9-]+)", page.read_text(), flags=re.MULTILINE)
        assert set(named) <= targets, page.name


def test_the_navigation_says_which_pages_are_in_english_only() -> None:
    text = re.sub(r"!!python/\S+", "", (ROOT / "mkdocs.yml").read_text())
    config = yaml.safe_load(text)
    (translations,) = [
        language["nav_translations"]
        for plugin in config["plugins"]
        if isinstance(plugin, dict) and "i18n" in plugin
        for language in plugin["i18n"]["languages"]
        if "nav_translations" in language
    ]
    shown = dict(pages_of(config["nav"]))
    assert len(shown) > 10
    for title, page in shown.items():
        translated = (ROOT / "docs" / page).with_suffix(".zh.md").exists()
        assert ("英文" in translations[title]) != translated, title


def pages_of(nav: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield title and file of every page of a navigation."""
    for entry in nav:
        for title, below in entry.items():
            if isinstance(below, str):
                yield title, below
            else:
                yield from pages_of(below)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_tests_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(r"\btests/[\w./-]*\w", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "docs/dependencies.md").read_text().lower()
    project = (ROOT / "pyproject.toml").read_text()
    lists = re.findall(r"^(?:dependencies|dev) = \[(.*?)^\]", project, flags=re.DOTALL | re.MULTILINE)
    assert len(lists) == 2
    names = [name for one in lists for name in re.findall(r'"([a-z][a-z0-9-]*)', one)]
    assert [name for name in names if name not in page] == []
    ci = (ROOT / ".ci/install-packages").read_text()
    packages = re.search(r"^packages=\((.*?)^\)", ci, flags=re.DOTALL | re.MULTILINE)
    assert packages
    assert [name for name in packages[1].split() if name not in page] == []


def test_the_architecture_names_every_part() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    modules = [path.name for path in (ROOT / "bundler").glob("*.py") if path.name != "__init__.py"]
    plugins = [path.name for path in (ROOT / "plugins").glob("bundler_*")]
    assert [name for name in [*modules, *plugins] if name not in page] == []


def test_the_architecture_names_every_file_of_the_installer() -> None:
    """Each file is in the row of its folder."""
    page = (ROOT / "docs/architecture.md").read_text()
    shell = ROOT / "plugins/bundler_installer/shell"
    rows = dict(re.findall(r"^\| (?:`([a-z/]+)/` )?\|(.*)$", page, re.MULTILINE))
    found = {path.relative_to(shell) for path in shell.rglob("*.sh")}
    assert {str(path) for path in found if f"`{path.stem}`" not in rows[str(path.parent).strip(".")]} == set()


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs/decisions"
    rows = re.findall(r"^\| \[(\d{4})\]\((.+)\) \| (.+) \|$", (folder / "index.md").read_text(), re.MULTILINE)
    assert [path for _, path, _ in rows] == sorted(path.name for path in folder.glob("[0-9]*.md"))
    for number, path, title in rows:
        text = (folder / path).read_text()
        assert text.startswith(f"# {number}. {title}\n")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
