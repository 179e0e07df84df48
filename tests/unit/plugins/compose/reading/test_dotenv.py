"""`.env` and `env_file`: the forms that Compose reads, with their places, comments and references."""

from __future__ import annotations

import pytest

from bundler.errors import BundleError
from bundler_compose.reading.dotenv import Entry, read_dotenv, read_raw
from bundler_compose.reading.interpolation import Interpolation, Site
from bundler_compose.site_text import Marks
from tests.support.env_forms import READ, REFUSED

TODAY = Interpolation({"SHELL_1": "of the shell"}.get, Marks())


def values(text: str) -> dict[str, str | None]:
    return {entry.name: entry.value for entry in read_dotenv(text.encode(), ".env", TODAY)}


@pytest.mark.parametrize("text", READ)
def test_forms_that_compose_accepts_are_read(text: str) -> None:
    found = values(text)
    assert {name: found[name] for name in ("A", "B") if found.get(name) is not None} == READ[text]


@pytest.mark.parametrize("text", [*REFUSED, "A=1\nB", "=x", "A B=1"])
def test_forms_that_compose_refuses_are_refused(text: str) -> None:
    with pytest.raises(BundleError, match=r"^\.env:\d+: "):
        values(text)


def test_entries_have_their_lines_comments_and_references() -> None:
    text = (
        "\ufeff# head of the file\n\n# The address\n#  of the shop.\nexport HOST = shop.example # inline\n"
        'URL="https://${HOST}:${PORT:-${SHELL_1}}/\n#x"\n# not for this one\n\nLAST: a\nNAME_ONLY\n'
    )
    host, url, last, named = read_dotenv(text.encode(), ".env", TODAY)
    assert host == Entry("HOST", "shop.example", "shop.example", ".env:5", "The address\nof the shop.")
    assert (url.value, url.where, url.comment) == ("https://shop.example:of the shell/\n#x", ".env:6", "")
    assert url.references == ("HOST", "PORT", "SHELL_1")
    assert (last.where, last.comment, last.value) == (".env:10", "", "a")
    assert (named.name, named.value) == ("NAME_ONLY", None)


def test_names_have_dashes_and_dots_and_a_name_without_a_value_asks_the_environment() -> None:
    assert values("a-b.c=1\nSHELL_1\n") == {"a-b.c": "1", "SHELL_1": "of the shell"}


def test_later_files_see_the_values_of_earlier_ones() -> None:
    known = {"A": "1"}
    read_dotenv(b"B=${A}2\n", "b.env", TODAY, known)
    assert known == {"A": "1", "B": "12"}


def test_what_the_site_may_set_stays_a_mark() -> None:
    marks = Marks()
    lookup = {"HOST": Site.SITE}.get
    (_, found) = read_dotenv(b"PORT=80\nURL=http://${HOST:-x}:$PORT$$\n", "e", Interpolation(lookup, marks))
    assert found.value is not None
    assert marks.render(found.value) == "http://${HOST:-x}:80$$"
    (only,) = read_dotenv(b"HOST\n", "e", Interpolation(lookup, marks))
    assert only.value is None


def test_raw_files_are_taken_as_they_are() -> None:
    text = b'\xef\xbb\xbf  A="x" # ${B} $ \r\n\n# c\nSHELL_1\nNONE\nB=\n'
    entries = read_raw(text, "e", TODAY)
    assert [(entry.name, entry.value) for entry in entries] == [
        ("A", '"x" # ${B} $ '),
        ("SHELL_1", "of the shell"),
        ("NONE", None),
        ("B", ""),
    ]
    for bad in ("=x", "A B=1", "A =1", "x" * 70000):
        with pytest.raises(BundleError, match=r"^e:1: "):
            read_raw(bad.encode(), "e", TODAY)


def test_bytes_that_are_no_text_are_an_error_with_their_line() -> None:
    with pytest.raises(BundleError, match=r"^\.env:2: not UTF-8"):
        read_dotenv(b"A=1\nB=\xff\n", ".env", TODAY)
    with pytest.raises(BundleError, match="U\\+E000"):
        read_dotenv("A=\ue000".encode(), ".env", TODAY)
