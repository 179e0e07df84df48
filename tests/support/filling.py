"""Fill templates with the installer's functions, in each shell with a different awk."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.installer import call
from tests.support.programs import need_program

AWKS = {"dash": "mawk", "bash": "gawk" if shutil.which("gawk") else "mawk", "busybox": "busybox"}
"""A different awk for each shell where this machine has one, so that three runs cover all of them."""
PIECES = [
    "'", "'", '"', '"', "\\", "\\", "$", "$$", "${", "}", "$HOME", "#", " #", " ", "  ", "\t", "\r", "=",
    ":", ": ", "-", "--", "- ", "`", "`id`", "$(id)", "%s", "%", "!", "~", "*", "?", "[", "]", "{", "(",
    ")", "<", ">", "&", "&amp;", "|", ";", ",", "@@V1@@", "\\n", "\\t", "\\'", '\\"', "\\u0041", "\\x41",
    "\\0123", "${V1}", "${V1:-x}", "export ", "n", "0", "7", "a", "b", "ab", "Z", "x.y", "/etc", "null",
    "true", "'''", '"""', "]]>", "-->", "END", "é", "你好", "\u00a0", "\u0085", "\u2028", "\u202e", "\ufeff",
    "\ufffe", "\U0001f600", "\x01", "\x07", "\x0b", "\x0c", "\x1b", "\x1f", "\x7f", "\x81", "\x9f",
]  # fmt: skip
KNOWN = [
    "", "a", "-", "- a", "a:", ":a", "a: b", " a", "a ", "\t", "it's", "\\", "a\\", "'", '"', "''", "#",
    "a #b", "true", "null", "0", "-1", "1.5", "1e3", "007", "1_000", "0x1f", "12:30", "2026-01-01", "yes",
    "~", "!x", "&a", "*a", "%a", "@a", "|", ">", "[a]", "{a}", "a,b", "a;b", "$(id)", "`id`", "${HOME}",
    "$", "a$", "!!", "\\'", "\\\\", "\\\\'", "END", "EOT", "\r", "a\r", "\\u", "\\u12",
    "http://a.b:80/c?d=e&f", "::1", "10.0.0.1", "Zhang San", "你好 世界", "x" * 3000, "'" * 99, "case", "if",
]  # fmt: skip


def generate(seed: str, count: int) -> list[str]:
    """Return values that a site may enter: some with a meaning in file formats, and random combinations."""
    source = random.Random(seed)  # noqa: S311 the same values in each run
    return KNOWN + ["".join(source.choices(PIECES, k=source.randrange(1, 7))) for _ in range(count)]


@dataclass(frozen=True)
class Filled:
    """The result of filling a template.

    Attributes:
        content: the file, empty where a value was refused.
        refused: variable -> reason, for each refused value.
    """

    content: bytes
    refused: dict[str, str]


def fill(shell: str, form: str, template: str, values: Sequence[str], folder: Path) -> Filled:
    """Fill in `@@V0@@` and the following placeholders."""
    folder.mkdir()
    need_program(AWKS[shell], "busybox-static" if shell == "busybox" else None)
    (folder / "bin").mkdir()
    target = need_program(AWKS[shell])
    (folder / "bin/awk").write_text(f'#!/bin/sh\nexec {target}{" awk" if shell == "busybox" else ""} "$@"\n')
    (folder / "bin/awk").chmod(0o755)
    (folder / "template").write_bytes(template.encode())
    (folder / "values").write_bytes(b"".join(f"V{n}={v}\n".encode() for n, v in enumerate(values)))
    script = f"""
    PATH={folder}/bin:$PATH LC_ALL=C
    export PATH LC_ALL
    cp {folder}/values "$SCRATCH/template-values"
    : >"$SCRATCH/refused"
    fill_template {folder}/template config/x {form} {folder}/filled || {{
        cat "$SCRATCH/template-error" >&2
        exit 1
    }}
    cp "$SCRATCH/refused" {folder}/refused
    """
    result = call(shell, script, folder)
    assert result.returncode == 0, result.stderr
    rows = [line.split("\t") for line in (folder / "refused").read_text().splitlines()]
    return Filled((folder / "filled").read_bytes(), {row[3]: row[4] for row in rows})
