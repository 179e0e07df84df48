"""TOML that records the position of each value, so that an error can begin with `config.toml:7`.

`tomllib` reads the text but tells no positions. Each statement of TOML is valid alone: the text is split
where `tomllib` accepts a statement, and its keys belong to its first line.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final, TypeAlias

from bundler.errors import ProfileError
from bundler.io.yaml import MAX_BYTES
from bundler.language import tr
from bundler.profile.marked_yaml import Mark, Node, decode

Keys: TypeAlias = tuple[str, ...]
_POSITION: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def read_file(path: Path, shown: str) -> Node | None:
    """Read a TOML file; None if it does not exist.

    Args:
        path: the file.
        shown: name of the file in messages.

    Raises:
        ProfileError: the file cannot be read, or is invalid; the message begins with `shown:line`.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProfileError(
            tr("{shown}: cannot be read: {strerror}", shown=shown, strerror=error.strerror)
        ) from error
    return read_text(decode(raw, shown, tr("is this the right file?")), shown, path.absolute().parent)


def read_text(text: str, shown: str, folder: Path) -> Node:
    """Parse a text like `read_file`."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.search(str(error))
        line = int(found[1]) if found and found[1] else len(text.splitlines())
        problem = _POSITION.sub("", str(error))
        raise ProfileError(
            tr("{shown}:{line}: not TOML: {problem}", shown=shown, line=line, problem=problem),
            hint=tr("texts stand in quotes"),
        ) from error
    except RecursionError as error:
        raise ProfileError(tr("{shown}: nested too deeply", shown=shown), hint=tr("flatten it")) from error
    lines = find_lines(text)
    return _mark(values, (), lines, Mark(f"{shown}:1", folder), shown)


def find_lines(text: str) -> dict[Keys, int]:
    """Return the line of each key of a valid TOML text; keys below lists have none of their own."""
    lines: dict[Keys, int] = {}
    table: Keys = ()
    statement, start = "", 1
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not statement:
            start = number
        statement += line
        try:
            values = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # its value goes on in the next line
        is_header = statement.lstrip().startswith("[")
        statement = ""
        if is_header:
            table = _header(values)
        for keys in _paths(values):
            lines.setdefault(keys if is_header else (*table, *keys), start)
    return lines


def _header(values: dict[str, Any]) -> Keys:
    """Return the keys of `[a.b]`, parsed."""
    keys: Keys = ()
    here: Any = values
    while isinstance(here, dict) and here:
        ((key, here),) = here.items()
        keys = (*keys, key)
    return keys


def _paths(values: dict[str, Any], above: Keys = ()) -> list[Keys]:
    found = []
    for key, value in values.items():
        found.append((*above, key))
        if isinstance(value, dict):
            found += _paths(value, (*above, key))
    return found


def _mark(value: Any, keys: Keys, lines: dict[Keys, int], above: Mark, shown: str) -> Node:  # noqa: ANN401 TOML
    mark = Mark(f"{shown}:{lines[keys]}", above.folder) if keys in lines else above
    if isinstance(value, dict):
        return Node(mark, {key: _mark(v, (*keys, key), lines, mark, shown) for key, v in value.items()})
    if isinstance(value, list):
        return Node(mark, [_mark(item, keys, {}, mark, shown) for item in value])
    if isinstance(value, datetime | date | time):
        return Node(mark, value.isoformat())
    return Node(mark, value)
