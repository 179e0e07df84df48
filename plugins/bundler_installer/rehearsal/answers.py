"""The answers of a rehearsal: those that were given, and one for every variable that the site must set."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundler.errors import UsageError, did_you_mean
from bundler.language import tr
from bundler_installer.rehearsal.patterns import matches, sample
from bundler_installer.rehearsal.tables import Row, read_table

HOST: Final = "rehearsal.example"
"""Name of the site's server: RFC 2606, section 3."""
FOLDER: Final = "/srv/rehearsal"
"""Folder of paths that are made up; the rehearsal makes each."""
FIRST_PORT: Final = 20000
SECRET: Final = 32
"""Characters of a secret."""
TEXTS: Final = (
    "rehearsal", "Rehearsal1", "rehearsal@rehearsal.example", "rehearsal.example", "https://rehearsal.example",
    "https://rehearsal.example/", "http://rehearsal.example", "192.0.2.10", "10.0.0.0/24", "1", "100", "1g",
    "512m", "10s", "5m", "UTC", "Europe/Berlin", "en", "zh", "true", "info", "/srv/rehearsal/text",
)  # fmt: skip
"""Texts that many patterns accept, tried in this order."""
TAKEN_CHARACTERS: Final = frozenset("\"'\\\t\n")
"""The installer refuses them in some kinds, or takes them off at the ends."""


@dataclass(frozen=True)
class Answers:
    """Answers for the installer.

    Attributes:
        given: by the user.
        made: generated here, because the site must answer.
        hidden: names whose values are secret.
        paths: folders that must exist for the answers.
    """

    given: Mapping[str, str]
    made: Mapping[str, str]
    hidden: frozenset[str]
    paths: tuple[str, ...]

    def lines(self) -> str:
        """Return the content of an answers file."""
        return "".join(f"{name}={value}\n" for name, value in {**self.given, **self.made}.items())

    def shown(self) -> dict[str, str]:
        """Return the generated values as they may be shown."""
        return {name: "***" if name in self.hidden else value for name, value in self.made.items()}


def make_answers(folder: Path, given: Mapping[str, str]) -> Answers:
    """Return answers with which the bundle in `folder` can be installed.

    Args:
        folder: the unpacked bundle.
        given: answers that the user gave.

    Raises:
        UsageError: a given name is not a site variable, or no value was found for one.
    """
    rows = {row["name"]: row for row in read_table(folder, "variables.tsv")}
    for name in given:
        if name not in rows:
            raise UsageError(
                tr("{name} is not a site variable of this bundle", name=name),
                hint=did_you_mean(name, sorted(rows), tr("there are")),
            )
    certificates = _certificates(folder, rows, given)
    made: dict[str, str] = {}
    ports = {row["default"] for row in rows.values() if row["kind"] == "port"} | {*given.values()}
    for name, row in rows.items():
        if name in given or name in certificates.skipped:
            continue
        if name in certificates.made:
            made[name] = certificates.made[name]
        elif row["required"] == "yes" and row["default"] == "-" and row["generator"] == "-":
            made[name] = _value(name, row, ports)
            ports.add(made[name])
    return Answers(
        given=dict(given),
        made=made,
        hidden=frozenset(name for name, row in rows.items() if row["kind"] == "secret"),
        paths=tuple(value for name, value in made.items() if rows[name]["kind"] == "path"),
    )


@dataclass(frozen=True)
class _Certificates:
    """Values for the variables of certificates, and those that stay without one."""

    made: Mapping[str, str]
    skipped: frozenset[str]


def _certificates(folder: Path, rows: Mapping[str, Row], given: Mapping[str, str]) -> _Certificates:
    """Have certificates self-signed by the installer, unless they are given."""
    made: dict[str, str] = {}
    skipped: set[str] = set()
    for row in read_table(folder, "certificates.tsv"):
        if row["certificate"] in given or row["key"] in given:
            continue
        skipped |= {row["certificate"], row["key"]}
        if row["self_signed"] not in given:
            made[row["self_signed"]] = "true"
        host = rows.get(row["host"])
        if host is not None and row["host"] not in given and host["default"] == "-":
            made[row["host"]] = HOST
    return _Certificates({name: value for name, value in made.items() if name in rows}, frozenset(skipped))


def _value(name: str, row: Row, taken: set[str]) -> str:
    """Return a value of the variable's kind that matches its pattern.

    Raises:
        UsageError: none was found.
    """
    pattern = row["pattern"]
    try:
        for text in _candidates(name, row, taken):
            if pattern == "-" or matches(pattern, text):
                return text
        if row["kind"] in {"string", "secret", "host", "path"}:
            text = sample(pattern)
            if text and not TAKEN_CHARACTERS & {*text}:
                return text
    except ValueError as error:
        reason = f": {error}"
    else:
        reason = ""
    raise UsageError(
        tr(
            "{name}: no value was found that matches {pattern}{reason}",
            name=name,
            pattern=pattern,
            reason=reason,
        ),
        hint=tr("give one: --set {name}=VALUE", name=name),
    )


def _candidates(name: str, row: Row, taken: set[str]) -> list[str]:
    kind = row["kind"]
    if kind == "choice":
        return row["choices"].split(",")
    if kind == "port":
        return [str(port) for port in range(FIRST_PORT, FIRST_PORT + 1000) if str(port) not in taken]
    if kind == "secret":
        return [secrets.token_hex(SECRET // 2), f"Rehearsal-{secrets.token_hex(4)}"]
    fixed = {
        "integer": ["1", "0", "10", "100", "1024"],
        "boolean": ["false", "true"],
        "host": [HOST, "192.0.2.10", "rehearsal"],
        "path": [f"{FOLDER}/{name.lower()}", FOLDER],
    }
    return fixed.get(kind, [*TEXTS])
