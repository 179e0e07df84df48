"""Flat tables in the installer, checked before use: it accepts only tables that the builder could write."""

from __future__ import annotations

import shutil
from pathlib import Path

from bundler_installer import forms
from bundler_installer.tables import BUNDLE_TABLES, OPTIONAL, TABLES
from tests.fuzz.mutations import NAMES, Random, damage_lines, is_plain
from tests.support.installer import call

SHELL = "dash" if shutil.which("dash") else "bash"
CUT = b"#### "
"""Precedes the name of each table."""
SCRIPT = """
FACTS=$SCRATCH/bundle
mkdir "$FACTS"
for each in "$HERE"/*; do take_small "${each##*/}"; done
check_forms
"""
ENV = b"format=1\nname=tiny\nversion=1.0\nprofile=demo\nproject=tiny\ntitle=Tiny\n"
FIELDS = {
    "word": "web",
    "check": "cpu",
    "name": "PORT",
    "reference": "docker.io/library/web:1",
    "digest": "sha256:00",
    "number": "7",
    "yesno": "yes",
    "mode": "0644",
    "foldermode": "0750",
    "format": forms.FORMS["format"].strip("()").partition("|")[0],
    "path": "config/a.conf",
    "place": "/var/lib/docker",
    "text": "${PORT} {\"a\": 1} 'b'",
}
"""A valid field for each form; a new form requires an entry here."""
BUNDLE = {table.name for table in BUNDLE_TABLES}


def make(random: Random) -> bytes:
    """Return some tables, with one or two hostile fields or with damaged text."""
    parts = [b"bundle.env\n" + (ENV if random.randrange(8) else damage_lines(random, ENV))]
    for table in random.sample(sorted(BUNDLE), 3):
        rows = [[FIELDS[column.form.rstrip(OPTIONAL)] for column in TABLES[table].columns] for _ in range(2)]
        if table == "variables.tsv":
            rows[1][0] = "OTHER"
        for _ in range(random.randrange(3)):
            row = random.choice(rows)
            row[random.randrange(len(row))] = random.choice(("-", "-1", "9" * 20, "4755", "a/../b", *NAMES))
        text = forms.header(table) + "".join("\t".join(row) + "\n" for row in rows)
        raw = text.encode("utf-8", "surrogatepass")
        parts.append(table.encode() + b"\n" + (raw if random.randrange(3) else damage_lines(random, raw)))
    return CUT + CUT.join(parts)


def check(data: bytes, folder: Path) -> bool:
    """Return whether the site accepts them; raise AssertionError if it should not."""
    facts = folder / "here"
    shutil.rmtree(facts, ignore_errors=True)
    facts.mkdir()
    for part in data.split(CUT)[1:]:
        name, _, text = part.partition(b"\n")
        table = name.decode("ascii", "replace")
        if table in BUNDLE or table == "bundle.env":
            (facts / table).write_bytes(text)
    result = call(SHELL, SCRIPT, folder)
    if result.returncode not in {0, 4} or not is_plain(result.stdout + result.stderr):
        raise AssertionError(f"exit code {result.returncode}: {result.stderr[:200]!r}")
    if result.returncode:
        return False
    for path in facts.glob("*.tsv"):
        for row in path.read_bytes().decode("utf-8", "surrogateescape").split("\n"):
            if row and not row.startswith("#"):
                _compare(path.name, row)
    return True


def _compare(table: str, row: str) -> None:
    fields = row.split("\t")
    columns = TABLES[table].columns
    if len(fields) != len(columns):
        raise AssertionError(f"{table}: {len(fields)} fields")
    for column, text in zip(columns, fields, strict=True):
        if not forms.has_form(column.form, text):
            raise AssertionError(f"{table}: {column.name}: the site takes {text!r}")
