"""The shell reads tables by column name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bundler_installer import readers
from bundler_installer.assemble import KUBERNETES_SOURCES, SOURCES, join_sources
from bundler_installer.site_tables import SITE_TABLES
from bundler_installer.tables import BUNDLE_TABLES
from tests.support.shell_code import parse

GENERIC = {"cut_column", "look_up_in"}


def test_a_reader_takes_the_columns_that_are_named() -> None:
    text = readers.shell_readers("while read_service expect service <&4; do :; done\nread_service service\n")
    assert "'expect service') IFS=\"$TAB\" read -r service _ expect _ ;;" in text
    assert "'service') IFS=\"$TAB\" read -r service _ ;;" in text
    assert "read_port" not in text


def test_numbers_of_columns_for_awk() -> None:
    text = readers.shell_readers("""awk "$AWK_FILE_MODE"'$FILE_MODE["mode"] == "0644"' file""")
    assert """AWK_FILE_MODE='BEGIN { FILE_MODE["path"] = 1; FILE_MODE["mode"] = 2; }""" in text


def test_numbers_of_columns_for_cut() -> None:
    text = readers.shell_readers("list_column dumps.tsv service")
    assert "dumps.tsv:service) column=2 ;;" in text
    assert "images.tsv" not in text


@pytest.mark.parametrize(
    "code",
    [
        "read_service servcie",
        "cut_column images.tsv digest",
        "list_column image.tsv reference",
        "look_up variables.tsv nam x kind",
        """awk "$AWK_IMAG"'{ print }'""",
        """awk "$AWK_IMAGE"'{ print $IMAGE["digest"] }'""",
    ],
)
def test_a_table_or_column_that_does_not_exist_ends_the_build(code: str) -> None:
    with pytest.raises(ValueError, match=r"no (table|column)|has no column"):
        readers.shell_readers(code)


def test_rows_and_columns_have_names_of_their_own() -> None:
    tables = (*BUNDLE_TABLES, *SITE_TABLES)
    assert len({table.row for table in tables}) == len(tables)
    for table in tables:
        assert len(set(table.names)) == len(table.names)
        assert all(re.fullmatch("[a-z][a-z_]*", name) for name in (table.row, *table.names))
        assert all(column.what for column in table.columns)


def test_the_format_s_page_has_the_columns_of_each_table() -> None:
    page = (Path(__file__).parents[4] / "docs/reference/bundle-format.md").read_text("utf-8")
    heads = {table.name: f"`{table.name}`: `#{' '.join(table.names)}`" for table in BUNDLE_TABLES}
    assert {name: head for name, head in heads.items() if head not in page} == {}


def test_no_table_is_read_by_column_number() -> None:
    """Not with `cut -f`, not with `$1` in an awk that splits at tabs, and not with positions of `read`."""
    source = join_sources(SOURCES, nested=False).decode()
    of_compose = parse(join_sources(name for name in SOURCES if name not in KUBERNETES_SOURCES).decode())
    found = []
    for function in (*parse(source).values(), *of_compose.values()):
        for event in function.events:
            if event.kind != "call" or function.name in GENERIC:
                continue
            words = " ".join(event.words)
            by_field = event.name == "cut" and re.match(r"-f ", words)
            program = re.sub(r'"\$[1-9]"', "", words)  # arguments from the shell
            by_number = event.name == "awk" and '-F "$TAB"' in words and re.search(r"\$[1-9(]", program)
            if by_field or by_number:
                found.append(f"{function.name}: {event.name} {words[:80]}")
    assert found == [], "\n".join(found)
    positional = re.findall(r"^.*IFS=\"?\$TAB\"? read .*$", source, flags=re.MULTILINE)
    assert [line for line in positional if not re.match(r" +'[a-z_ ]+'\) IFS=", line)] == []
