"""The pages: well-formed, self-contained, accessible, always the same, and safe with hostile names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bundler.report.catalogue import TAGS, load_words
from bundler.report.difference import Difference
from bundler.report.model import Checked, Contained, Package, Report
from bundler.report.page import MOST_PACKAGES, render_difference, render_report
from tests.support.pages import Page, read_page
from tests.support.report_samples import KEY, sample

HOSTILE = (
    "</title><script>alert(1)</script><img src=x onerror='a'>\"' {{ 7 * 7 }} &amp; \u202etxt\x1b[2J%s{x}"
)
NOT_DOCUMENTED = replace(sample(), documented=False, services=(), networks=(), volumes=())
BARE = replace(NOT_DOCUMENTED, images=(), contained=None, provenance=None, notes=(), ports=(), variables=())
REPORTS = {
    "signed": sample(),
    "unsigned": replace(sample(), checked=Checked(9, (), ())),
    "unchecked": replace(sample(), checked=Checked(9, (), (KEY,))),
    "plan": replace(sample(), checked=None, file=None, created=None, contained=None, provenance=None),
    "bare": BARE,
    "hostile": sample(HOSTILE),
}


def render(report: Report, language: str) -> bytes:
    return render_report([report], language)


def render_platforms(report: Report, language: str) -> bytes:
    """Render a page for two platforms, between which sizes and checks differ."""
    other = replace(
        report, platform="linux/arm64", packed=7, images=report.images[:1], checks=report.checks[:1]
    )
    return render_report([report, other], language)


def render_both(report: Report, language: str) -> bytes:
    return render_difference(Difference(report, replace(sample(), version="2.0")), language)


PAGES = [
    pytest.param(make, report, language, id=f"{make.__name__}-{name}-{language}")
    for make in (render, render_both, render_platforms)
    for name, report in REPORTS.items()
    if (make, name) != (render_both, "plan") and (make != render_platforms or name in {"plan", "hostile"})
    for language in TAGS
]


def texts(page: Page) -> str:
    return "\n".join(text for _, text in page.texts)


@pytest.mark.parametrize(("make", "report", "language"), PAGES)
def test_pages_are_well_formed_and_load_nothing(make: object, report: Report, language: str) -> None:
    page = read_page(make(report, language))  # type: ignore[operator]
    assert page.all("html") == [{"lang": TAGS[language]}]
    policy = page.all("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"] == (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )
    assert {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "form"} == set()
    names = {name for _, attributes in page.elements for name in attributes}
    assert {name for name in names if name.startswith("on") or name in {"src", "srcset", "data"}} == set()
    assert all(each["href"].startswith("#") for each in page.all("a"))
    (style,) = page.said("style")
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize(("make", "report", "language"), PAGES)
def test_pages_can_be_read_by_a_screen_reader(make: object, report: Report, language: str) -> None:
    page = read_page(make(report, language))  # type: ignore[operator]
    tags = [tag for tag, _ in page.elements]
    assert tags.count("h1") == tags.count("main") == tags.count("header") == tags.count("nav") == 1
    assert tags.index("h1") < tags.index("h2")
    assert not {"h4", "h5", "h6"} & {*tags}
    assert ("h3" in tags) == (make is render_platforms)
    assert tags.count("caption") == tags.count("table")
    assert {each.get("scope") for each in page.all("th")} == {"col", "row"}
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    linked = {each["href"].removeprefix("#") for each in page.all("a")}
    assert linked == {each["id"] for each in page.all("h2")}
    for name in ("aria-labelledby", "aria-describedby"):
        named = [attributes[name].split() for _, attributes in page.elements if name in attributes]
        assert {each for one in named for each in one} <= set(ids)
    for picture in page.all("svg"):
        assert picture["role"] == "img"
        assert picture["aria-labelledby"] == "topology-title topology-text"


@pytest.mark.parametrize("make", [render, render_both, render_platforms])
@pytest.mark.parametrize("language", TAGS)
def test_the_same_data_gives_the_same_bytes(make: object, language: str) -> None:
    assert make(sample(), language) == make(sample(), language)  # type: ignore[operator]


@pytest.mark.parametrize("make", [render, render_both, render_platforms])
def test_hostile_names_stay_text(make: object) -> None:
    raw = make(sample(HOSTILE), "en")  # type: ignore[operator]
    page = read_page(raw)
    assert b"<script" not in raw
    assert b"\x1b" not in raw
    assert "\u202e" not in raw.decode()
    shown = HOSTILE.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b")
    assert shown in texts(page)


def test_a_page_says_what_was_verified() -> None:
    words = load_words("en")
    signed, unsigned, unchecked, plan = (
        texts(read_page(render(REPORTS[name], "en"))) for name in ("signed", "unsigned", "unchecked", "plan")
    )
    assert words["trusted"] in signed
    assert words["unsigned"] in unsigned
    assert words["unchecked"] in unchecked
    assert words["planned"] in plan
    assert KEY in signed
    assert KEY in unchecked
    assert words["trusted"] not in unsigned + unchecked + plan


def test_a_page_shows_what_is_in_the_bundle() -> None:
    said = texts(read_page(render(sample(), "en")))
    for text in ("shop/web:1.0", "10.1.0.0/24", "${PORT}", "PASSWORD", "random:32", "uploads", "privileged"):
        assert text.lower() in said.lower()
    assert "2023-11-14 22:13 UTC" in said


def test_what_is_the_same_on_all_platforms_is_said_once() -> None:
    plan = REPORTS["plan"]
    page = read_page(render_platforms(plan, "en"))
    assert page.said("h1") == ["shop 1.0"]
    assert page.said("h3") == ["linux/amd64", "linux/arm64"] * 4, "sizes, images, shared layers, checks"
    heads = [text for text in page.said("th") if text.startswith("linux/")]
    assert heads == ["linux/amd64", "linux/arm64"]
    assert len(page.all("svg")) == 1
    assert page.said("caption").count("Values that the site gives") == 1
    assert page.said("caption").count("Checks of the preflight") == 2
    alike = read_page(render_report([plan, replace(plan, platform="linux/arm64")], "en"))
    assert alike.said("h3") == []


def test_the_checks_of_the_preflight_are_listed() -> None:
    page = read_page(render(sample(), "en"))
    assert "All checks of the preflight (2)" in page.said("summary")
    said = page.said("th") + page.said("td") + page.said("code")
    assert {"CPU cores", "cpu", "Hardware", "3.10"} <= {*said}
    assert "All checks" not in texts(read_page(render(replace(sample(), checks=()), "en")))


def test_long_lists_of_packages_end_with_their_number() -> None:
    packages = tuple(Package(f"package-{number}", "1", "MIT") for number in range(MOST_PACKAGES + 7))
    report = replace(sample(), contained=(Contained("part", "1", "CONTAINER", packages),))
    said = texts(read_page(render(report, "en")))
    assert f"package-{MOST_PACKAGES - 1}" in said
    assert f"package-{MOST_PACKAGES}" not in said
    assert "and 7 more, in attestations/sbom.spdx.json of the bundle" in said


def test_a_difference_says_what_is_new_for_the_site() -> None:
    found = Difference(sample(), sample(version="2.0"))
    said = texts(read_page(render_difference(found, "en")))
    assert f"{found.new_bytes / 1000:.1f} kB of image data is new" in said
    assert "Changes: Image" in said
    packed = Difference(sample(), replace(sample(), compression="compact"))
    assert load_words("zh")["not_comparable"] in texts(read_page(render_difference(packed, "zh")))
    assert load_words("en")["changes_none"] in texts(
        read_page(render_difference(Difference(sample(), sample()), "en"))
    )
