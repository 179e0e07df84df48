"""Probes of the neutral model: what the builder writes for them, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bundler.api.application import LONGEST_PROBE, ApplicationModel, ConfigFile, Probe
from bundler.api.text import Text
from bundler.api.variable import SiteVariable
from bundler.errors import BundleError
from bundler_installer import forms
from bundler_installer.assemble import assemble_installer
from bundler_installer.probes import MOST, check_probes

QUEUE, RESTART = Text(en="Queue", zh="队列"), Text(en="Restart it", zh="重启")
PROBE = Probe(
    "queue",
    "web",
    ("python3", "-"),
    Text(en="Queue", zh="队列"),
    Text(en="Restart it", zh="重启"),
    script="probes/q.py",
)
COMPOSE = {
    "services": {
        "web": {"image": "web:1"},
        "migrate": {"image": "web:1", "x-bundle-expect": "completed"},
        "away": {"image": "web:1", "deploy": {"replicas": 0}},
    }
}


def model(*probes: Probe) -> ApplicationModel:
    return ApplicationModel(
        "shop", "1", "Shop", COMPOSE,
        variables=(SiteVariable(name="MAIL"),), carried=(ConfigFile("probes/q.py", b"pass"),), probes=probes,
    )  # fmt: skip


def test_valid_probes_are_accepted() -> None:
    check_probes(model())
    check_probes(model(PROBE, replace(PROBE, id="b", when="MAIL", limit=LONGEST_PROBE, script=None)))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"service": "worker"}, "'worker' is not a service that runs"),
        ({"service": "migrate"}, "'migrate' is not a service that runs"),
        ({"service": "away"}, "'away' is not a service that runs"),
        ({"script": "probes/other.py"}, "'probes/other.py' is not a carried file"),
        ({"when": "SMTP"}, "'SMTP' is not a site variable"),
        ({"command": ()}, "an empty command"),
        ({"command": ("a", "")}, "an empty command"),
        ({"limit": 0}, "0 s is not a valid time limit"),
        ({"limit": LONGEST_PROBE + 1}, "10 s is not a valid time limit"),
        ({"id": "Queue"}, "not a valid id"),
        ({"id": "-x"}, "not a valid id"),
    ],
)
def test_impossible_probes_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=message) as caught:
        check_probes(model(replace(PROBE, **changed)))
    assert caught.value.hint


def test_ids_and_their_number() -> None:
    with pytest.raises(BundleError, match="a duplicate"):
        check_probes(model(PROBE, PROBE))
    many = [replace(PROBE, id=f"q{number}") for number in range(MOST + 1)]
    check_probes(model(*many[:-1]))
    with pytest.raises(BundleError, match="too many"):
        check_probes(model(*many))


@pytest.mark.parametrize("word", ["a\tb", "a\nb", "\x1b[m", "\u202ea"])
def test_a_word_that_no_table_can_hold_is_refused(word: str) -> None:
    with pytest.raises(BundleError):
        forms.row("probe-words.tsv", {"probe": "queue", "word": word})


def test_rows() -> None:
    assert forms.row("probe-words.tsv", {"probe": "queue", "word": "-"}) == "queue\t-\n"
    assert forms.header("probes.tsv").startswith("#id\tservice\tlimit\tscript\twhen\t")
    with pytest.raises(BundleError, match="is not a path"):
        forms.row("probes.tsv", replace(PROBE, script="../x"))


def test_builder_and_site_have_the_same_limit() -> None:
    assert f"\nPROBE_LONGEST={LONGEST_PROBE} ".encode() in assemble_installer()
