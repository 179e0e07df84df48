"""Forms of the flat tables' fields: checked here before they are written, at the site before one is used.

Each form is one regular expression in the part that Python and POSIX `awk` (mawk, busybox) read alike: no
repetition counts, no look-ahead, no classes by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import get_args

from bundler.api.templates.formats import TemplateFormat
from bundler.errors import BundleError

_START = r"([^/.\\-][^/\\]*|\.[^/.\\][^/\\]*|\.\.[^/\\]+)"
"""A part of a path: no backslash, no dash first, neither `.` nor `..`."""

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
"""By name. `mode` is of files: neither set-user-ID nor writable by others. `place` may be absolute."""
OPTIONAL = "?"
"""After a form's name: `-` stands for nothing."""
TABLES = {
    "images.tsv": "reference:reference manifest:digest config:digest bytes:number unpacked:number",
    "image-oci.tsv": "reference:reference descriptor:text",
    "image-archive.tsv": "reference:reference entry:text",
    "blobs.tsv": "manifest:digest blob:digest bytes:number kind:word",
    "services.tsv": "service:word reference:reference expect:word",
    "ports.tsv": "service:word address:text port:text protocol:word",
    "networks.tsv": "name:text subnet:text",
    "checks.tsv": "id:check group:check required:text recommended:text parameter:text",
    "variables.tsv": "name:name kind:word required:yesno default:text generator:text pattern:text "
    "choices:text prompt_en:text prompt_zh:text",
    "templates.tsv": "path:path mode:mode format:format",
    "modes.tsv": "path:path mode:mode",
    "data.tsv": "path:path mode:foldermode uid:number? gid:number?",
    "certificates.tsv": "host:name certificate:name key:name self_signed:name certificate_path:path "
    "key_path:path",
    "dumps.tsv": "id:word service:word backup:text restore:text",
    "lifecycle.tsv": "what:word name:path",
    "probes.tsv": "id:word service:word limit:number script:path? when:name? title_en:text title_zh:text "
    "remedy_en:text remedy_zh:text",
    "probe-words.tsv": "probe:word word:text",
    "adopt.tsv": "what:word service:word? from:text to:path? how:text zh:text",
    "engine.tsv": "kind:word value:place name:path?",
}
"""Table -> its columns in order, each with its form."""
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and marks that make text read in another order than it stands."""
LONGEST = 65536
"""Characters of a field."""


@cache
def columns(table: str) -> tuple[tuple[str, str], ...]:
    """Name and form of each column of a table."""
    found = []
    for column in TABLES[table].split():
        name, _, form = column.partition(":")
        found.append((name, form))
    return tuple(found)


def header(table: str) -> str:
    """The first line of a table."""
    return "#" + "\t".join(name for name, _ in columns(table)) + "\n"


def row(table: str, fields: Iterable[object]) -> str:
    """A line of a table.

    Raises:
        BundleError: a field has another form than the site accepts.
    """
    texts = [field(value) for value in fields]
    for (name, form), text in zip(columns(table), texts, strict=True):
        if not has_form(form, text):
            raise BundleError(
                f"{table}: {name}: {text!r} is not a {form.rstrip(OPTIONAL)} that the installer accepts",
                hint=f"its form is {FORMS[form.rstrip(OPTIONAL)]}",
            )
    return "\t".join(texts) + "\n"


def has_form(form: str, text: str) -> bool:
    """Whether a field's text has a form; the site's `check_forms` decides the same."""
    if len(text) > LONGEST or _HIDDEN.search(text):
        return False
    if form.endswith(OPTIONAL) and text == "-":
        return True
    return re.fullmatch(FORMS[form.rstrip(OPTIONAL)], text) is not None


def field(value: object) -> str:
    """A value as a table or `bundle.env` has it.

    Raises:
        BundleError: it holds a control character or a mark of text direction.
    """
    text = "" if value is None else str(value)
    if _HIDDEN.search(text):
        raise BundleError(
            f"{text!r}: a line break, tab, control character or mark of text direction where the installer "
            "reads one line",
            hint="write it on one line, without such characters",
        )
    return text or "-"


def shell_forms() -> str:
    """The function `list_forms` of the installer: lines `table<TAB>column<TAB>optional<TAB>expression`."""
    lines = []
    for table in TABLES:
        for number, (_, form) in enumerate(columns(table), 1):
            optional = "yes" if form.endswith(OPTIONAL) else "no"
            lines.append(f"{table}\t{number}\t{optional}\t^({FORMS[form.rstrip(OPTIONAL)]})$")
    return "list_forms() {\n    cat <<'END_OF_FORMS'\n" + "\n".join(lines) + "\nEND_OF_FORMS\n}"


def shell_folds() -> str:
    """The function `list_folds` of the installer: lines `upper lower`, letters of two bytes in UTF-8.

    Together with ASCII they are the letters with a case of Latin, Greek, Cyrillic and Armenian.
    """
    lines = []
    for number in range(0x80, 0x800):
        upper = chr(number)
        lower = upper.lower()
        if lower != upper and len(lower) == 1 and len(lower.encode()) == len(upper.encode()):
            lines.append(f"{upper} {lower}")
    return "list_folds() {\n    cat <<'END_OF_FOLDS'\n" + "\n".join(lines) + "\nEND_OF_FOLDS\n}"
