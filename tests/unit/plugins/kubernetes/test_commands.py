"""Commands as words."""

from __future__ import annotations

import json

import pytest

from bundler.errors import BundleError
from bundler_kubernetes.text import SiteText
from tests.support.kube_objects import application, container, find, mapped, notes


def document(command: str) -> str:
    return json.dumps({"services": {"s": {"image": "i", "restart": "always", "command": command}}})


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (r'a "b\c" "d\ne" f\ g', ["a", "bc", "d\ne", "f g"]),
        ("a $$(b c) `d e` ''", ["a", "$$(b c)", "`d e`", ""]),
    ],
)
def test_a_text_is_split_as_compose_splits_it(command: str, words: list[str]) -> None:
    assert container(mapped(application(document(command))), "s")["args"] == words


@pytest.mark.parametrize("command", ["a; b", "a && b", "a 2>&1", "a (b)", "a `b", "a \\", "a $$(b (c))"])
def test_what_compose_ignores_or_refuses_is_refused(command: str) -> None:
    with pytest.raises(BundleError, match="service s: command: impossible") as error:
        mapped(application(document(command)))
    assert error.value.hint == "write the command as a list"


def test_values_of_the_site_are_one_word_and_reported_outside_of_quotes() -> None:
    found = mapped(application(document('a "${X} b" --c=${Y:-d}'), variables=["X", "Y"]))
    assert container(found, "s")["args"] == ["a", "$(BUNDLE_ARGS_1)", "$(BUNDLE_ARGS_2)"]
    values = find(found, "ConfigMap", "s-values")["data"]
    assert isinstance(values["BUNDLE_ARGS_1"], SiteText)
    assert [values[f"BUNDLE_ARGS_{number}"].expression for number in (1, 2)] == ["${X} b", "--c=${Y:-d}"]
    [line] = [line for line in notes(found) if ": command: " in line]
    assert line.startswith("service s: command: ${Y:-d}: one word each")
    with pytest.raises(BundleError, match="is not one word as it stands"):
        mapped(application(document("a ${X:-b c}"), variables=["X"]))
