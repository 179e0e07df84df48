"""Generates the shell functions that read tables by column names, for the code that calls them.

The sources contain

    while read_service service expect <&4; do ... done    a line of services.tsv into variables of these names
    rows images.tsv | cut_column images.tsv reference     a column
    awk "$AWK_BLOB"'$BLOB["kind"] == "layer" { ... }'     numbers of columns, for awk

and only the functions and constants that they use are generated. A wrong name fails the build.
"""

from __future__ import annotations

import re
from typing import Final

from bundler.language import tr
from bundler_installer.site_tables import SITE_TABLES
from bundler_installer.tables import BUNDLE_TABLES, Table

ALL: Final = (*BUNDLE_TABLES, *SITE_TABLES)
ROWS: Final = {table.row: table for table in ALL}
_NAMED: Final = {table.name: table for table in ALL}
_OTHER: Final = "        *) fail $EXIT_FAILED tools.failed ;;\n"
# Each pattern begins with letters, which Python finds fast; the character before them is checked afterwards.
_READ = re.compile(r"read_(?<![\w$-]read_)(?P<row>[a-z_]+)(?P<columns>(?: [a-z_]+)+)")
_CUT = tuple(
    re.compile(rf"{name}(?<![\w$-]{name}) (?P<table>[a-z.-]+) (?P<column>[a-z_]+)")
    for name in ("cut_column", "list_column")
)
_LOOK_UP = re.compile(
    r'look_up(?<![\w$-]look_up)(?:_in "[^"]+")? (?P<table>[a-z.-]+) (?P<key>[a-z_]+) \S+ (?P<column>[a-z_]+)'
)
_AWK = re.compile(r"\$AWK_([A-Z_]+)")
_IN_AWK = re.compile(r'\["([a-z_]+)"\]')
_ARRAY = re.compile(r"(?<!\w)[A-Z_]{2,}\Z")
_LONGEST_ARRAY: Final = 40
"""Characters of the longest name of an array, and a few more."""


def shell_readers(code: str) -> str:
    """Return the functions and constants that the code uses to read tables.

    Raises:
        ValueError: the code names a table or a column that does not exist.
    """
    code = "\n".join(line for line in code.split("\n") if not line.lstrip().startswith("#"))
    for found in _IN_AWK.finditer(code):
        array = _ARRAY.search(code, max(0, found.start() - _LONGEST_ARRAY), found.start())
        if array is not None:
            _number(_of_row(array[0].lower()), found[1])
    combinations: dict[str, set[tuple[str, ...]]] = {}
    for found in _READ.finditer(code):
        if found["row"] in ROWS:
            combinations.setdefault(found["row"], set()).add(tuple(found["columns"].split()))
    return "\n\n".join(
        [
            *(_awk_constant(_of_row(row.lower())) for row in sorted(set(_AWK.findall(code)))),
            *(_reader(_of_row(row), sorted(sets)) for row, sets in sorted(combinations.items())),
            _numbers(code),
        ]
    )


def _of_row(row: str) -> Table:
    if row not in ROWS:
        raise ValueError(tr("no table has rows {row!r}", row=row))
    return ROWS[row]


def _number(table: Table, column: str) -> int:
    if column not in table.names:
        raise ValueError(
            tr(
                "{table_name} has no column {column!r}: {names}",
                table_name=table.name,
                column=column,
                names=", ".join(table.names),
            )
        )
    return table.names.index(column) + 1


def _awk_constant(table: Table) -> str:
    name = table.row.upper()
    numbers = " ".join(f'{name}["{column}"] = {number};' for number, column in enumerate(table.names, 1))
    return f"# AWK_{name}: for awk: columns of {table.name}\nAWK_{name}='BEGIN {{ {numbers} }}\n'"


def _reader(table: Table, combinations: list[tuple[str, ...]]) -> str:
    cases = "".join(f"        '{' '.join(each)}') {_read(table, each)} ;;\n" for each in combinations)
    return (
        f"# read_{table.row} COLUMN...: the next line of {table.name} into variables of these names\n"
        f"read_{table.row}() {{\n    case $* in\n{cases}{_OTHER}    esac\n}}"
    )


def _read(table: Table, columns: tuple[str, ...]) -> str:
    last = max(_number(table, column) for column in columns)
    names = [name if name in columns else "_" for name in table.names[:last]]
    # the final `_` takes further columns, for example of a newer version; otherwise the last name would
    return f'IFS="$TAB" read -r {" ".join(names)} _'


def _numbers(code: str) -> str:
    cuts = [found for pattern in _CUT for found in pattern.finditer(code)]
    look_ups = list(_LOOK_UP.finditer(code))
    used = {found["table"] for found in (*cuts, *look_ups)}
    used |= {table.name for table in BUNDLE_TABLES if table.name in code}
    for name in used - set(_NAMED):
        raise ValueError(tr("no table is named {name!r}", name=name))
    for found in cuts:
        _number(_NAMED[found["table"]], found["column"])
    for found in look_ups:
        _number(_NAMED[found["table"]], found["key"])
        _number(_NAMED[found["table"]], found["column"])
    cases = "".join(
        f"        {name}:{column}) column={number} ;;\n"
        for name in sorted(used)
        for number, column in enumerate(_NAMED[name].names, 1)
    )
    return (
        "# number_column TABLE COLUMN: sets `column`, its number in the table\n"
        f"number_column() {{\n    case $1:$2 in\n{cases}{_OTHER}    esac\n}}"
    )
