"""Variables in texts: Compose's rules with values of today, and marks for what the site may set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.errors import BundleError
from bundler_compose.reading.interpolation import Interpolation, Site
from bundler_compose.site_text import Marks
from tests.support.templates import VALUES, template_texts

READ = {
    "$A ${A} $$A": "a a $A",
    "$1 $(seq 3) $ $.": "$1 $(seq 3) $ $.",
    "a$": "a$",
    "${NONE}": "",
    "${NONE:-x}${EMPTY:-y}${EMPTY-z}": "xy",
    "${NONE-${EMPTY:-${A}}}": "a",
    "${A:+set}${EMPTY:+no}${EMPTY+yes}${NONE+no}": "setyes",
    "${A:?gone}": "a",
    "${EMPTY?gone}": "",
    '${NONE:-"x"}': '"x"',
    "${NONE:-a:b}-${NONE:-{}}": "a:b-{}",
    "${NONE:-{}} }": "{}} ",
    "${NONE:-$$}": "$",
    "${NONE:-a?b}": "a?b",
    "${NONE:--}": "-",
    "${NONE:-a}\n${NONE:-b}": "a\nb",
}
REFUSED = ["${}", "${1}", "${A.b}", "${A", "${A:-x", "${A:-a\nb}", "${ A}", "${NONE:-${}}", "${NONE:?gone}"]


@pytest.mark.parametrize("text", READ)
def test_texts_are_read_as_compose_does(text: str) -> None:
    assert Interpolation(VALUES.get, Marks()).text(text, "x:1") == READ[text]


@pytest.mark.parametrize("text", REFUSED)
def test_texts_that_compose_refuses_are_refused(text: str) -> None:
    with pytest.raises(BundleError, match=r"^x:1: "):
        Interpolation(VALUES.get, Marks()).text(text, "x:1")


def test_a_required_variable_without_a_value_has_its_text_in_the_error() -> None:
    with pytest.raises(BundleError, match=r"x:1: the required variable F has no value: say a"):
        Interpolation(VALUES.get, Marks()).text("${F:?say ${A}}", "x:1")
    given = Interpolation(VALUES.get, Marks(), lambda use: f"<{use.name} {use.word}>")
    assert given.text("${F:?say ${A}}", "x:1") == "<F say a>"


def nothing(name: str) -> None:
    """Stand for an environment without variables."""
    del name


def test_deep_nesting_is_an_error() -> None:
    with pytest.raises(BundleError, match="nested too deeply"):
        Interpolation(nothing, Marks()).text("${A:-" * 100 + "}" * 100, "x:1")


@given(template_texts(), st.dictionaries(st.sampled_from(sorted(VALUES)), st.sampled_from(["", "x", "$A"])))
def test_what_stays_for_the_site_means_the_same_there(text: str, values: dict[str, str]) -> None:
    marks = Marks()
    try:
        kept = Interpolation(lambda _: Site.SITE, marks).text(text, "x:1")
        today = Interpolation(values.get, Marks()).text(text, "x:1")
    except BundleError:
        return
    assert marks.bind(kept, values) == today


@pytest.mark.parametrize("value", ["${S}", "${S-v}", "${S-}", "http://${S}/", "${S:-v}"])
@pytest.mark.parametrize("operator", [":-", "-", ":+", "+", ":?"])
@pytest.mark.parametrize("site", [{}, {"S": ""}, {"S": "s"}])
def test_a_value_that_depends_on_the_site_keeps_its_meaning(
    value: str, operator: str, site: dict[str, str]
) -> None:
    marks = Marks()
    inner = Interpolation(lambda _: Site.SITE, marks).text(value, "x:1")
    text = f"${{V{operator}word}}"
    if (value, operator) == ("${S-v}", ":+"):
        with pytest.raises(BundleError, match="no text of Compose says so"):
            Interpolation({"V": inner}.get, marks).text(text, "x:1")
        return
    kept = Interpolation({"V": inner}.get, marks).text(text, "x:1")
    values = {"V": marks.bind(inner, site)}
    try:
        expected = Interpolation(values.get, Marks()).text(text, "x:1")
    except BundleError:
        with pytest.raises(BundleError):
            marks.bind(kept, site)
        return
    assert marks.bind(kept, site) == expected


def test_a_default_on_two_variables_is_refused() -> None:
    marks = Marks()
    inner = Interpolation(lambda _: Site.SITE, marks).text("${S}${T}", "x:1")
    with pytest.raises(BundleError, match=r"x:1: .*depends on whether"):
        Interpolation({"V": inner}.get, marks).text("${V:-word}", "x:1")
