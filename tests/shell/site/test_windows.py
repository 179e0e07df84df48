"""Answers that an editor of Windows saved, and host names as Windows has them."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from bundler.api.variable import SiteVariable
from tests.shell.site.test_variables import tables
from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
TEXT = "# 应答\r\nNAME=商店 😀\r\nOTHER=last"
FORMS = {
    "with CRLF": TEXT.encode(),
    "with a byte order mark": codecs.BOM_UTF8 + TEXT.encode(),
    "UTF-16, little end first": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "UTF-16, big end first": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
}
BROKEN = {
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "half a character": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le")[:-1],
    "half a pair": codecs.BOM_UTF16_LE + b"\x3d\xd8A\x00",
    "the other half of a pair": codecs.BOM_UTF16_LE + b"\x00\xde",
    "UTF-32": codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
}
NAMES = (SiteVariable(name="NAME"), SiteVariable(name="OTHER"))
SHOW = 'collect_variables\nend_at_mistakes\nprintf "%s|" "$(value NAME)" "$(value OTHER)"'


@shell
@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_every_form_is_read(shell: str, tmp_path: Path, content: bytes) -> None:
    tables(tmp_path, *NAMES)
    (tmp_path / "answers.txt").write_bytes(content)
    done = call(shell, f"ANSWERS={tmp_path}/answers.txt\n{SHOW}", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "商店 😀|last|", "")
    (tmp_path / "root/site.env").write_bytes(content)  # as an operator may have edited it
    done = call(shell, SHOW, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "商店 😀|last|", "")


@shell
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_is_no_text_is_refused_with_a_remedy(shell: str, tmp_path: Path, content: bytes) -> None:
    tables(tmp_path, *NAMES)
    for path, given in (("answers.txt", f"ANSWERS={tmp_path}/answers.txt\n"), ("root/site.env", "")):
        (tmp_path / path).write_bytes(content)
        done = call(shell, f"{given}{SHOW}", tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{path} is not a text file" in done.stderr
        assert "Save it as UTF-8" in done.stderr


@shell
def test_a_long_file_is_read_to_its_end(shell: str, tmp_path: Path) -> None:
    tables(tmp_path, *NAMES)
    text = "".join(f"# {number} 注释\r\n" for number in range(2000)) + "NAME=a\r\nOTHER=b\r\n"
    (tmp_path / "answers.txt").write_bytes(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
    done = call(shell, f"ANSWERS={tmp_path}/answers.txt\n{SHOW}", tmp_path)
    assert (done.returncode, done.stdout) == (0, "a|b|")


@shell
@pytest.mark.parametrize(
    ("pattern", "name", "code"),
    [
        (None, "shop_1.example", 2),
        ("[a-z0-9_.-]+", "shop_1.example", 0),
        ("[a-z0-9_.-]+", "shop.example", 0),
        ("[a-z0-9_.-]+", "SHOP_1", 2),
        ("[^_]+", "shop_1", 2),
        ("[a-z_]+", "shop_-", 2),
    ],
)
def test_underscores_where_the_pattern_names_them(
    shell: str, tmp_path: Path, pattern: str | None, name: str, code: int
) -> None:
    tables(tmp_path, SiteVariable(name="NAME", kind="host", pattern=pattern))
    done = call(shell, f"check_value NAME '{name}'", tmp_path)
    assert done.returncode == code, done.stderr
