"""Forms of the flat tables' fields: checked here before a table is written, and at the site before use.

Each form is one regular expression in the subset that Python and POSIX `awk` (mawk, busybox) interpret alike:
no repetition counts, no look-ahead, no named classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from bundler.api.templates.formats import TemplateFormat
from bundler.api.text import Text
from bundler.errors import BundleError
from bundler.language import tr
from bundler_installer.tables import BUNDLE_TABLES, LANGUAGES, OPTIONAL, TABLES

_START = r"([^/.\\-][^/\\]*|\.[^/.\\][^/\\]*|\.\.[^/\\]+)"
"""A path component: no backslash, no leading dash, neither `.` nor `..`."""

FORMS = {
    "word": r"[A-Za-z0-9_][A-Za-z0-9._-]*",
    "check": r"[a-z][a-z-]*",
    "name": r"[A-Za-z_][A-Za-z0-9_]*",
    "reference": r"[A-Za-z0-9][A-Za-z0-9._/:@-]*",
    "digest": r"sha256:[0-9a-f]+",
    "number": r"(0|[1-9][0-9]*)",
    "yesno": r"(yes|no)",
    "mode": r"0[0-7][0145][0145]",
    "foldermode": r"[01][0-7][0-7][0-7]",
    "path": rf"{_START}(/{_START})*",
    "place": rf"/?{_START}(/{_START})*",
    "format": "(" + "|".join(get_args(TemplateFormat)) + ")",
    "text": r".*",
}
"""Forms by name. `mode` is for files: not set-user-ID and not writable by others. `place` may be absolute."""
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and marks that change the direction in which text is displayed."""
_MODES = ("mode", "foldermode")
LONGEST = 65536
"""Maximum length of a field, in characters."""


def header(table: str) -> str:
    """Return the first line of a table, with its column names."""
    return "#" + "\t".join(TABLES[table].names) + "\n"


def row(table: str, record: object) -> str:
    """Return a line of a table.

    Args:
        table: name of the table.
        record: a mapping or an object with a value for each column, by the column's name.

    Raises:
        BundleError: the site does not accept the form of a field.
    """
    texts = []
    for column in TABLES[table].columns:
        value = _value(record, column.name)
        text = field(f"{value:04o}" if column.form in _MODES and isinstance(value, int) else value)
        if not has_form(column.form, text):
            form = column.form.rstrip(OPTIONAL)
            raise BundleError(
                tr(
                    "{table}: {column_name}: {text!r} is not a {form} as the installer accepts it",
                    table=table,
                    column_name=column.name,
                    text=text,
                    form=form,
                ),
                hint=tr("its form is {value}", value=FORMS[form]),
            )
        texts.append(text)
    return "\t".join(texts) + "\n"


def _value(record: object, column: str) -> object:
    """Return the value of a record for a column; `prompt_zh` is its text `prompt` in Chinese."""
    if isinstance(record, Mapping):
        return record[column]
    name, _, language = column.rpartition("_")
    if language not in LANGUAGES:
        return getattr(record, column)
    text: Text | None = getattr(record, name)
    return text and text.get(language)


def has_form(form: str, text: str) -> bool:
    """Return whether a field's text has a form. The shell function `check_forms` applies the same rules."""
    if len(text) > LONGEST or _HIDDEN.search(text):
        return False
    if form.endswith(OPTIONAL) and text == "-":
        return True
    return re.fullmatch(FORMS[form.rstrip(OPTIONAL)], text) is not None


def field(value: object) -> str:
    """Format a value for a table or `bundle.env`: `yes` or `no`, words separated by commas, `-` for nothing.

    Raises:
        BundleError: it contains a control character or a mark of text direction.
    """
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, tuple):
        value = ",".join(value)
    text = "" if value is None else str(value)
    if _HIDDEN.search(text):
        raise BundleError(
            tr(
                "{text!r}: a line break, tab, control character or text direction mark in a "
                "single-line value",
                text=text,
            ),
            hint=tr("write it on one line, without such characters"),
        )
    return text or "-"


def shell_forms() -> str:
    """Return the shell function `list_forms`: lines `table<TAB>column<TAB>optional<TAB>expression`."""
    lines = []
    for table in BUNDLE_TABLES:
        for number, column in enumerate(table.columns, 1):
            optional = "yes" if column.form.endswith(OPTIONAL) else "no"
            lines.append(f"{table.name}\t{number}\t{optional}\t^({FORMS[column.form.rstrip(OPTIONAL)]})$")
    return "list_forms() {\n    cat <<'END_OF_FORMS'\n" + "\n".join(lines) + "\nEND_OF_FORMS\n}"


def shell_folds() -> str:
    """Return the shell function `list_folds`: lines `upper lower` of letters that take two bytes in UTF-8.

    Together with ASCII, these are the letters with case of Latin, Greek, Cyrillic and Armenian.
    """
    lines = []
    for number in range(0x80, 0x800):
        upper = chr(number)
        lower = upper.lower()
        if lower != upper and len(lower) == 1 and len(lower.encode()) == len(upper.encode()):
            lines.append(f"{upper} {lower}")
    return "list_folds() {\n    cat <<'END_OF_FOLDS'\n" + "\n".join(lines) + "\nEND_OF_FOLDS\n}"
