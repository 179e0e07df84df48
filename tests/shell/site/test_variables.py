"""Answers and defaults: what is written, what a newer bundle changes, and how texts are expanded."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest

from bundler.api.text import Text
from bundler.api.variable import SiteVariable
from bundler_compose.reading.interpolation import Interpolation
from bundler_compose.site_text import Marks
from bundler_installer import forms
from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
VARIABLES: Final = (
    SiteVariable(name="PORT", kind="port", default="80"),
    SiteVariable(name="EMPTY"),
    SiteVariable(name="UNSET", unset=True, default_is="a | b"),
    SiteVariable(name="SET_EMPTY", default="", unset=True),
    SiteVariable(name="ODD", default="-"),
    SiteVariable(name="ID", generator="uuid"),
    SiteVariable(name="KEY", kind="secret", generator="hex:4"),
    SiteVariable(name="WORD", kind="secret", unset=True),
)
VARIED: Final = {"PORT", "EMPTY", "UNSET", "SET_EMPTY", "ODD", "WORD"}
WRITE: Final = """
RELEASE=1 draft=$SCRATCH/draft-files
collect_variables
end_at_mistakes
complete_variables
mkdir -p "$draft" && write_draft && mkdir -p "$ROOT/state" &&
    cp "$draft/site.env" "$draft/secrets.env" "$ROOT/" && cp "$draft/compose.env" "$ROOT/state/"
cp "$SCRATCH/template-values" "$ROOT/state/"
"""


def tables(folder: Path, *variables: SiteVariable) -> None:
    (folder / "root/state").mkdir(parents=True, exist_ok=True)
    (folder / "here").mkdir(exist_ok=True)
    rows = "".join(forms.row("variables.tsv", each) for each in variables)
    (folder / "here/variables.tsv").write_text(forms.header("variables.tsv") + rows)
    (folder / "here/templates.tsv").write_text(forms.header("templates.tsv"))


def run(shell: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    given = "".join(
        f"printf '%s\\n' '{each[6:]}' >>\"$SCRATCH/set\"\n" for each in options if each[:6] == "--set="
    )
    given += "".join(
        f"printf '%s\\n' '{each[8:]}' >>\"$SCRATCH/unset\"\n" for each in options if each[:8] == "--unset="
    )
    return call(shell, given + WRITE, folder)


def pairs(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


@shell
def test_only_answers_are_written_and_compose_gets_what_applies(shell: str, tmp_path: Path) -> None:
    tables(tmp_path, *VARIABLES)
    done = run(shell, tmp_path)
    assert done.returncode == 0, done.stderr
    assert pairs(tmp_path / "root/site.env").keys() == {"ID"}
    assert pairs(tmp_path / "root/secrets.env").keys() == {"KEY"}
    compose = pairs(tmp_path / "root/state/compose.env")
    assert {name: text for name, text in compose.items() if name in VARIED} == {
        "PORT": "'80'", "EMPTY": "''", "SET_EMPTY": "''", "ODD": "'-'",
    }  # fmt: skip
    comments = [line for line in (tmp_path / "root/site.env").read_text().splitlines() if line[0] == "#"]
    assert "--set NAME=VALUE" in comments[0]
    assert comments[1:] == ["# PORT=80", "# EMPTY=", "# UNSET=a | b", "# SET_EMPTY=", "# ODD=-"]
    assert pairs(tmp_path / "root/state/template-values")["UNSET"] == ""  # a template has no unset variables


@shell
def test_comments_are_never_values(shell: str, tmp_path: Path) -> None:
    tables(tmp_path, *VARIABLES)
    assert run(shell, tmp_path, "--set=UNSET=x").returncode == 0
    assert pairs(tmp_path / "root/site.env")["UNSET"] == "x"
    again = run(shell, tmp_path, "--unset=UNSET")
    assert again.returncode == 0, again.stderr
    assert "UNSET" not in pairs(tmp_path / "root/site.env")
    assert "UNSET" not in pairs(tmp_path / "root/state/compose.env")
    assert run(shell, tmp_path).returncode == 0
    assert "UNSET" not in pairs(tmp_path / "root/state/compose.env")


@shell
def test_an_empty_answer_is_an_answer(shell: str, tmp_path: Path) -> None:
    tables(tmp_path, *VARIABLES)
    assert run(shell, tmp_path, "--set=UNSET=", "--set=PORT=80").returncode == 0
    assert pairs(tmp_path / "root/site.env")["UNSET"] == ""
    assert pairs(tmp_path / "root/site.env")["PORT"] == "80"  # an answer, although it equals the default
    assert pairs(tmp_path / "root/state/compose.env")["UNSET"] == "''"


@shell
def test_a_new_default_arrives_unless_the_operator_answered(shell: str, tmp_path: Path) -> None:
    old = (SiteVariable(name="A", default="1"), SiteVariable(name="B", default="1"))
    tables(tmp_path, *old)
    assert run(shell, tmp_path, "--set=B=1").returncode == 0
    tables(tmp_path, *(each.model_copy(update={"default": "2"}) for each in old))
    assert run(shell, tmp_path).returncode == 0
    compose = pairs(tmp_path / "root/state/compose.env")
    assert (compose["A"], compose["B"]) == ("'2'", "'1'")


@shell
def test_only_variables_of_the_bundle_that_are_no_secrets_are_taken_back(shell: str, tmp_path: Path) -> None:
    tables(tmp_path, *VARIABLES)
    assert run(shell, tmp_path).returncode == 0
    unknown = run(shell, tmp_path, "--unset=NOBODY")
    assert unknown.returncode == 2
    assert "unknown variable NOBODY" in unknown.stderr
    kept = run(shell, tmp_path, "--unset=KEY")
    assert kept.returncode == 2
    assert "KEY already exists" in kept.stderr


@shell
def test_a_required_variable_has_its_text(shell: str, tmp_path: Path) -> None:
    tables(tmp_path, SiteVariable(name="F", required=True, unset=True, prompt=Text(en="say F")))
    done = run(shell, tmp_path)
    assert done.returncode == 2
    assert "say F" in done.stderr
    assert run(shell, tmp_path, "--set=F=1").returncode == 0


EXPANDED: Final = (
    "80", "${A}", "${A:-9}", "${EMPTY:-9}", "${EMPTY-9}", "${NONE}", "${NONE-9}", "${NONE:-${A}}", "${A:+x}",
    "${NONE:-${EMPTY:-${B:-c}}}:${A}", "${NONE:+x}", "${EMPTY+x}", "a${A}b${A:-x}c", "${NONE:-127.0.0.1:1}",
)  # fmt: skip


@shell
def test_texts_are_expanded_as_compose_does(shell: str, tmp_path: Path) -> None:
    tables(tmp_path)
    values = {"A": "8080", "EMPTY": ""}
    script = "".join(f"printf '%s' '{value}' >\"$VALUES/{name}\"\n" for name, value in values.items())
    done = call(shell, script + "".join(f"expand '{text}'\n" for text in EXPANDED), tmp_path)
    expected = [Interpolation(values.get, Marks()).text(text, "") for text in EXPANDED]
    assert done.stdout.split("\n")[:-1] == expected, done.stderr


@shell
@pytest.mark.parametrize(
    ("address", "port", "expected"),
    [
        ("-", "80", "- 80"),
        ("127.0.0.1", "${P:-80}", "127.0.0.1 80"),
        ("-", "${P:-127.0.0.1:13306}", "127.0.0.1 13306"),
        ("-", "${P:-[::1]:13306}", "::1 13306"),
    ],
)
def test_a_variable_can_hold_address_and_port(
    shell: str, tmp_path: Path, address: str, port: str, expected: str
) -> None:
    tables(tmp_path)
    script = f"printf '%s %s\\n' \"$(expand_address '{address}' '{port}')\" \"$(expand_port '{port}')\""
    assert call(shell, script, tmp_path).stdout == expected + "\n"
