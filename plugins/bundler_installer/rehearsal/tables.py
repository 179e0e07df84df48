"""Reads the flat tables of an unpacked bundle, by the names of their columns."""

from __future__ import annotations

from pathlib import Path

from bundler_installer.tables import TABLES

Row = dict[str, str]
"""A line of a table: column -> field; `-` stands for no value."""


def read_table(folder: Path, name: str) -> list[Row]:
    """Return the lines of a table; none if the bundle does not have it.

    Columns that the table has beyond the declared ones are ignored, so that bundles of later versions can be
    read.
    """
    path = folder / name
    if not path.is_file():
        return []
    lines = path.read_text().splitlines()
    head = lines[0].removeprefix("#").split("\t") if lines and lines[0].startswith("#") else []
    columns = head or list(TABLES[name].names)
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return [dict(zip(columns, row, strict=False)) for row in rows]
