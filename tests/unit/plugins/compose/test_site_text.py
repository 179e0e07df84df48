"""Marks: they stand for uses, become `${NAME}` at the end, and what cannot be written is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.errors import BundleError
from bundler_compose.reading.interpolation import Interpolation
from bundler_compose.site_text import Marks, Use, has_mark, refuse_marks

NAMES = st.sampled_from(["A", "B", "C"])
OPERATORS = st.sampled_from(["", ":-", "-", ":+", "+"])
LITERALS = st.text(st.sampled_from(list("ab:/$ {}-?+\n")), max_size=6)


def test_a_mark_is_opaque_and_knows_its_use() -> None:
    marks = Marks()
    use = Use("PORT", ":-", "80:81", "compose.yaml:3")
    text = f"127.0.0.1:{marks.mark(use)}:90/tcp"
    host, mark, rest = text.split(":")
    assert (host, rest) == ("127.0.0.1", "90/tcp")
    assert marks.use(mark) == use
    assert has_mark(text)
    assert not has_mark("127.0.0.1:80")
    with pytest.raises(ValueError, match="80"):
        marks.use("80")


def test_uses_that_differ_in_their_place_have_one_mark() -> None:
    marks = Marks()
    assert marks.mark(Use("A", where="a:1")) == marks.mark(Use("A", where="b:2"))
    assert marks.mark(Use("A")) != marks.mark(Use("A", ":-"))


def test_a_text_is_rendered_with_its_words_and_dollars() -> None:
    marks = Marks()
    inner = marks.mark(Use("B", "-", "$5"))
    text = f"$x {marks.mark(Use('A', ':-', f'http://{inner}/'))} $"
    assert marks.render(text) == "$$x ${A:-http://${B-$$5}/} $$"
    assert [use.name for use in marks.uses(text)] == ["A", "B"]
    assert marks.bind(text, {}) == "$x http://$5/ $"
    assert marks.bind(text, {"B": ""}) == "$x http:/// $"
    assert marks.bind(text, {"A": "1"}) == "$x 1 $"


def test_a_required_use_without_a_value_is_an_error_with_its_text() -> None:
    marks = Marks()
    text = marks.mark(Use("A", ":?", "say A", "compose.yaml:3"))
    with pytest.raises(BundleError, match=r"compose\.yaml:3: A has no value: say A"):
        marks.bind(text, {"A": ""})
    assert marks.render(text) == "${A:?say A}"


@pytest.mark.parametrize("word", ["a\nb", "}", "a}b"])
def test_a_word_that_compose_cannot_read_is_refused(word: str) -> None:
    marks = Marks()
    with pytest.raises(BundleError, match="cannot be written"):
        marks.render(marks.mark(Use("A", ":-", word, "x:1")) + "}")


def test_private_characters_from_outside_are_refused() -> None:
    refuse_marks("\ue0a0 is a branch", "x:1")
    for char in "\ue000\ue001\ue012":
        with pytest.raises(BundleError, match=f"x:1: .*U\\+{ord(char):04X}"):
            refuse_marks(f"a{char}", "x:1")


@given(st.data())
def test_what_is_rendered_means_the_same_or_is_refused(data: st.DataObject) -> None:
    marks = Marks()

    def draw(depth: int) -> str:
        pieces = [data.draw(LITERALS)]
        for _ in range(data.draw(st.integers(0, 2)) if depth < 3 else 0):
            operator = data.draw(OPERATORS)
            pieces.append(marks.mark(Use(data.draw(NAMES), operator, draw(depth + 1) if operator else "")))
            pieces.append(data.draw(LITERALS))
        return "".join(pieces)

    text = draw(0)
    values = data.draw(st.dictionaries(NAMES, st.sampled_from(["", "x", "$y"])))
    try:
        written = marks.render(text)
    except BundleError:
        assert has_mark(text)
        return
    assert Interpolation(values.get, Marks()).text(written, "") == marks.bind(text, values)
