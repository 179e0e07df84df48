"""Texts in the language of the run."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

from bundler.language import Catalogue, language, speaking, tr, tr_later
from tools.messages import to_mo

PO = b"""\
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=1; plural=0;\\n"

msgid "{path} is full"
msgstr "{path} \xe5\xb7\xb2\xe6\xbb\xa1"

msgid "{number} file of {name}"
msgid_plural "{number} files of {name}"
msgstr[0] "{name} \xe7\x9a\x84 {number} \xe4\xb8\xaa\xe6\x96\x87\xe4\xbb\xb6"
"""


def test_english_is_what_stands_in_the_code() -> None:
    assert language() == "en"
    assert tr("{path} is full", path="a{b}") == "a{b} is full"
    assert tr("write {NAME} as it is") == "write {NAME} as it is"
    assert tr.plural("{number} file", "{number} files", 1) == "1 file"
    assert tr.plural("{number} file", "{number} files", 0) == "0 files"


def test_a_plugin_has_a_catalogue_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "zh/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "acme.mo").write_bytes(to_mo(PO))
    own = Catalogue("acme", tmp_path)
    with speaking("zh"):
        assert own("{path} is full", path="a{b}") == "a{b} \u5df2\u6ee1"
        assert own(tr_later("{path} is full"), path="c") == "c \u5df2\u6ee1"
        assert own.plural("{number} file of {name}", "{number} files of {name}", 2, name="x") == (
            "x \u7684 2 \u4e2a\u6587\u4ef6"
        )
        assert own("not translated") == "not translated"
        assert own("") == ""
        assert tr("{path} is full", path="a") == "a is full", "another catalogue"
    assert own("{path} is full", path="a") == "a is full"


def test_a_plugin_without_a_catalogue_speaks_english(tmp_path: Path) -> None:
    with speaking("zh"):
        assert Catalogue("acme", tmp_path)("text") == "text"


def test_nothing_of_a_language_is_left() -> None:
    before = gettext.textdomain(), dict(os.environ)
    with speaking("zh"):
        assert language() == "zh"
        with speaking("en"):
            assert language() == "en"
        assert language() == "zh"
    assert (gettext.textdomain(), dict(os.environ)) == before
    assert language() == "en"
