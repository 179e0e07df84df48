"""Generated answers, from the real table `variables.tsv`; the installer's own shell checks them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.errors import UsageError
from bundler_installer.rehearsal.answers import make_answers
from bundler_installer.tables import TABLES


def write_table(folder: Path, name: str, *rows: dict[str, str]) -> None:
    names = TABLES[name].names
    lines = ["#" + "\t".join(names), *("\t".join(row.get(column, "-") for column in names) for row in rows)]
    (folder / name).write_text("\n".join(lines) + "\n")


def variable(name: str, kind: str = "string", **fields: str) -> dict[str, str]:
    return {"name": name, "kind": kind, "required": "yes", **fields}


def test_every_required_variable_gets_a_value_of_its_kind(tmp_path: Path) -> None:
    write_table(
        tmp_path,
        "variables.tsv",
        variable("WEB_PORT", "port"),
        variable("OTHER_PORT", "port"),
        variable("KNOWN_PORT", "port", required="no", default="20000"),
        variable("SITE", "host"),
        variable("WORKERS", "integer"),
        variable("DEBUG", "boolean"),
        variable("UPLOADS", "path"),
        variable("SIZE", "choice", choices="small,large"),
        variable("TOKEN", "secret"),
        variable("MAIL", pattern="[a-z]+@[a-z.]+"),
        variable("ODD", pattern="(sk|pk)_[a-z]{3}_[0-9]{8}"),
    )
    made = make_answers(tmp_path, {}).made
    assert "KNOWN_PORT" not in made
    assert {made["WEB_PORT"], made["OTHER_PORT"]} == {"20001", "20002"}
    assert (made["SITE"], made["WORKERS"], made["DEBUG"]) == ("rehearsal.example", "1", "false")
    assert (made["UPLOADS"], made["SIZE"]) == ("/srv/rehearsal/uploads", "small")
    assert len(made["TOKEN"]) == 32
    assert made["MAIL"] == "rehearsal@rehearsal.example"
    assert made["ODD"] == "sk_rrr_11111111"


def test_what_the_site_may_leave_is_left(tmp_path: Path) -> None:
    write_table(
        tmp_path,
        "variables.tsv",
        variable("A", required="no"),
        variable("B", default="b"),
        variable("C", "secret", generator="random:32"),
    )
    assert make_answers(tmp_path, {}).made == {}


def test_given_answers_are_taken_and_secrets_are_not_shown(tmp_path: Path) -> None:
    write_table(tmp_path, "variables.tsv", variable("A"), variable("TOKEN", "secret"))
    answers = make_answers(tmp_path, {"A": "mine"})
    assert answers.lines().splitlines()[0] == "A=mine"
    assert answers.shown() == {"TOKEN": "***"}


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    write_table(tmp_path, "variables.tsv", variable("WEB_PORT", "port"))
    with pytest.raises(UsageError, match="WEB_PRT is not a site variable") as caught:
        make_answers(tmp_path, {"WEB_PRT": "1"})
    assert caught.value.hint == "did you mean WEB_PORT?"


def test_a_pattern_that_no_value_is_found_for_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path, "variables.tsv", variable("WORKERS", "integer", pattern="7[0-9]{3}"))
    with pytest.raises(UsageError, match="no value was found") as caught:
        make_answers(tmp_path, {})
    assert caught.value.hint == "give one: --set WORKERS=VALUE"


def test_certificates_are_self_signed_by_the_installer(tmp_path: Path) -> None:
    write_table(
        tmp_path,
        "variables.tsv",
        variable("HOST", "host"),
        variable("CERT", "path", required="no"),
        variable("KEY", "path", required="no"),
        variable("SELF", "boolean", required="no", default="false"),
    )
    row = {"host": "HOST", "certificate": "CERT", "key": "KEY", "self_signed": "SELF"}
    write_table(tmp_path, "certificates.tsv", row)
    assert make_answers(tmp_path, {}).made == {"HOST": "rehearsal.example", "SELF": "true"}
    given = {"CERT": "/a.crt", "KEY": "/a.key"}
    assert make_answers(tmp_path, given).made == {"HOST": "rehearsal.example"}
