"""What the preflight prints about its results: what is recommended is never called required."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
SCRIPT = """
NAME=shop VERSION=1 PROFILE=dev TITLE=Shop id=memory group=hardware
probe() { "$@"; }
empty_file "$SCRATCH/checks"
judge() { local required="$1" recommended="$2"; shift 2; "$@"; }
judge 8 16 check_amount 4 4 ''
judge 8 16 check_amount 12 12 ''
judge 8 16 check_amount 20 20 ''
judge - 16 check_amount 12 12 ''
judge 8 - check_amount 20 20 ''
judge 8000000000 16000000000 check_amount 12000000000 '12.0 GB' bytes
judge 1 - check warn unknown 1
judge - 2 check pass '1 s' '<= 2 s'
judge - - check warn none exists
judge - - check pass there exists
judge - - check pass -
"""
LINES = [
    "4 (required: 8)",
    "12 (recommended: 16)",
    "20 (required: 8)",
    "12 (recommended: 16)",
    "20 (required: 8)",
    "12.0 GB (recommended: 16.0 GB)",
    "unknown (required: 1)",
    "1 s (recommended: <= 2 s)",
    "none (recommended: exists)",
    "there (required: exists)",
]


@shell
def test_for_people(shell: str, tmp_path: Path) -> None:
    done = call(shell, f"{SCRIPT}print_checks all", tmp_path)
    assert done.stderr == ""
    found = [
        line.partition(": ")[2]
        for line in done.stdout.splitlines()
        if line.startswith("  ") and line[4] != " "
    ]
    assert found == LINES
    assert done.stdout.endswith("\n1 check does not apply to this application and server\n")


@shell
def test_in_the_report(shell: str, tmp_path: Path) -> None:
    page = call(shell, f"{SCRIPT}print_report", tmp_path).stdout
    tables, _, ticket = page.partition("<pre>")
    assert tables.count("recommended: 16") == 3
    assert "recommended: 8" not in page
    assert "recommended: 16" in ticket


FINDINGS = """
cat >"$SCRATCH/checks" <<EOT
cpu	hardware	pass	8	4	-	required
memory	hardware	fail	4 GB	8 GB	Add <memory>.	required
swap	hardware	accepted	0 B	1 GB	Add swap.	required
ssd	storage	warn	no	yes	Use an SSD.	recommended
EOT
TITLE=Shop VERSION=1 PROFILE=dev ROOT=/opt/shop LANGUAGE=en
"""


@shell
def test_the_report_begins_with_what_must_be_fixed(shell: str, tmp_path: Path) -> None:
    """The rest is folded, without a script; a summary in plain text is at the end."""
    page = call(shell, f"{FINDINGS}print_report", tmp_path).stdout
    heads = re.findall(r"<(?:h2|summary)>([^<]*)<", page)
    assert heads == ["Must be fixed first", "Warnings", "Hardware (2)", "For a ticket"]
    assert page.index("Add &lt;memory&gt;.") < page.index("Use an SSD.") < page.index("<details>")
    assert page.index("<details>") < page.index("<code>cpu</code>") < page.index("</details>")
    assert page.count("<details>") == page.count("</details>") == 1
    assert "<script" not in page
    assert "size:A4" in page
    ticket = page.partition("<pre>")[2].partition("</pre>")[0].splitlines()
    assert ticket[0] == "Preflight of Shop 1 (dev)"
    assert "/opt/shop" in ticket[1]
    assert ticket[2] == "Failed: 1 failure, 1 warning, 1 accepted"
    assert ticket[3].startswith("- fail memory: ")
    assert ticket[4] == "  Add &lt;memory&gt;."
    assert ticket[5].startswith("- warn ssd: ")
    assert ticket[7].startswith("- accepted swap: ")
    assert [line for line in ticket if "cpu" in line] == []
    assert page.count(ticket[1]) == 2, "the time is the same at the head and in the ticket"


@shell
def test_for_machines(shell: str, tmp_path: Path) -> None:
    checks = json.loads(call(shell, f"{SCRIPT}print_checks_json", tmp_path).stdout)["checks"]
    assert [(each["required"], each["recommended"]) for each in checks[:3]] == [
        ("8", None),
        (None, "16"),
        ("8", None),
    ]
