"""Every difference between bundles' variables and upstream's is decided: tests/oracles/dify/README.md."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase

import pytest

from tests.support import dify
from tests.support.dify_variables import ENV_FILES, FILE, NONE, UNKNOWN

READERS = {
    # reader: the services that run it
    "api": ("api", "api_websocket", "worker", "worker_beat", "migrate"),
    **{reader: (reader,) for reader in ENV_FILES if reader != "api"},
}
NOTHING = {NONE, "", "0", "false", "null"}
"""Values that a program treats like an unset variable if it has no default."""
KINDS = ("unread", "unset", "other", "renamed")


Ours = dict[tuple[str, str, str], set[str]]
"""Reader, service and variable -> the values that bundles set."""


@dataclass(frozen=True)
class Known:
    """A row of the list."""

    default: str
    deployed: str
    alias_of: str


def known() -> dict[tuple[str, str], Known]:
    """Map reader and variable to upstream's values."""
    rows = [line.split("\t") for line in FILE.read_text(encoding="utf-8").splitlines()[1:]]
    return {(reader, name): Known(*more) for reader, name, *more in rows}


def told() -> Ours:
    """Map reader, service and variable to the values that bundles set."""
    found: Ours = {}
    models = [dify.model(values) for values in dify.MATRIX.values()]
    for application in (*models, *map(dify.profile_model, dify.NAMES)):
        for reader, services in READERS.items():
            for service in services:
                for name, value in dify.environment(application, service).items():
                    found.setdefault((reader, service, name), set()).add(value)
    return found


def plain(value: str) -> str:
    """Normalise a value for comparison: `600.0` is `600`, `""` is empty."""
    value = value.strip('"').lower()
    with suppress(InvalidOperation):
        return str(Decimal(value).normalize())
    return value


def differences(ours: Ours | None = None) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, reader and variable of each difference."""
    upstream, ours = known(), told() if ours is None else ours
    for (reader, _, name), values in ours.items():
        row = upstream.get((reader, name))
        if row is None:
            yield "unread", reader, name
            continue
        if row.alias_of != NONE:
            yield "renamed", reader, name
        ready = {plain(value) for value in values if "${" not in value}
        if row.deployed != NONE and ready - {plain(row.deployed)}:
            yield "other", reader, name
    for (reader, name), row in upstream.items():
        if row.deployed == NONE or row.default == UNKNOWN or plain(row.default) == plain(row.deployed):
            continue
        if row.default == NONE and plain(row.deployed) in NOTHING:
            continue
        if all((reader, service, name) in ours for service in READERS[reader]):
            continue
        yield "unset", reader, name


def decisions() -> list[tuple[str, ...]]:
    """Return kind, reader, pattern, decision and reason of each decision."""
    lines = FILE.with_name("decisions.tsv").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines[1:]]


def decides(row: tuple[str, ...], difference: tuple[str, ...]) -> bool:
    """Return whether a decision applies to a difference."""
    return all(fnmatchcase(word, pattern) for word, pattern in zip(difference, row[:3], strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_every_difference_is_decided(kind: str) -> None:
    rows = decisions()
    found = sorted({one for one in differences() if one[0] == kind})
    assert [one for one in found if not any(decides(row, one) for row in rows)] == []


def test_every_decision_is_about_something_and_gives_a_reason() -> None:
    found = set(differences())
    for row in decisions():
        kind, _, _, decision, reason = row
        assert kind in KINDS
        assert decision == {"unread": "keep", "unset": "leave", "other": "set", "renamed": "keep"}[kind]
        assert len(reason) > 6, row
        assert any(decides(row, one) for one in found), row


def test_the_list_knows_what_the_real_programs_contradicted() -> None:
    """Otherwise the list could not have predicted them."""
    rows = known()
    assert rows["api", "SWAGGER_UI_ENABLED"] == Known("true", "false", NONE)
    assert rows["api", "ENABLE_OAUTH_BEARER"] == Known("true", "false", NONE)
    assert rows["api", "REDIS_KEEPALIVE"] == Known("false", "true", NONE)
    assert rows["api", "ANNOTATION_IMPORT_MAX_CONCURRENT"] == Known("2", "5", NONE)
    assert rows["sandbox", "ENABLE_NETWORK"].deployed == "true"
    assert rows["agent_backend", "DIFY_AGENT_SHELLCTL_AUTH_TOKEN"].alias_of != NONE
    assert len(rows) > 1000
    assert {reader for reader, _ in rows} == READERS.keys()


def test_an_undecided_difference_is_noticed() -> None:
    ours = told() | {("api", "api", "SANDBOX_TYPO"): {"1"}, ("api", "api", "LOG_LEVEL"): {"SHOUT"}}
    gone = {key: value for key, value in ours.items() if key[2] != "SWAGGER_UI_ENABLED"}
    new = {one for one in differences(gone) if not any(decides(row, one) for row in decisions())}
    assert new == {
        ("unread", "api", "SANDBOX_TYPO"),
        ("other", "api", "LOG_LEVEL"),
        ("unset", "api", "SWAGGER_UI_ENABLED"),
    }
