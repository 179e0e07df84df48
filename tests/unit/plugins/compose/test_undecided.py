"""What must be decided becomes commented keys of a profile, which are a profile once the comment is gone."""

from __future__ import annotations

from typing import Any

import yaml

from bundler.errors import BundleError
from bundler_compose.secrets.decisions import UndecidedError
from bundler_compose.secrets.project import Problem
from bundler_compose.undecided import Decision, add_setting, comment, decisions_of


def uncommented(text: str) -> dict[str, Any]:
    lines = [line.removeprefix("  # ") for line in text.splitlines()[1:]]
    return yaml.safe_load("\n".join(lines)) or {}


def test_an_error_with_a_setting_in_its_hint_is_a_decision() -> None:
    error = BundleError(
        "compose.yaml:3: /etc/x is outside", hint='if the server has it: `settings: host_paths: ["/etc/x"]`'
    )
    (decision,) = decisions_of(error, "shop")
    assert decision.settings == {"host_paths": ["/etc/x"]}
    assert uncommented(comment([decision])) == {"host_paths": ["/etc/x"]}
    assert "compose.yaml:3: /etc/x is outside" in comment([decision])


def test_a_setting_with_a_gap_is_only_words() -> None:
    error = BundleError("a", hint="enable it: `settings: profiles: [...]`")
    (decision,) = decisions_of(error, "shop")
    assert decision.settings == {}
    assert "enable it" in comment([decision])
    assert uncommented(comment([decision])) == {}


def test_images_that_a_project_builds_have_the_names_that_compose_gives_them() -> None:
    error = BundleError("a", hint="name it: `settings: images: {web: NAME}`")
    assert next(decisions_of(error, "shop")).settings == {"images": {"web": "shop-web"}}


def test_choices_stand_beside_the_key() -> None:
    problems = [
        Problem(
            "a.yaml:1", "A has a hash", "secrets", "A", {"ask": "it is asked for", "carry": "it travels"}
        ),
        Problem("a.yaml:2", "B", "secrets", "B", {"generate": "y", "ask": "x"}),
        Problem("tls.key:1", "has a private key", "carry", "tls.key", {"configuration": "it travels"}),
        Problem("a.txt", "has @@NAME@@", "site_templates", "a.txt", {}),
    ]
    error = UndecidedError(problems)
    text = comment(decisions_of(error, "shop"))
    assert uncommented(text) == {
        "secrets": {"A": "ask", "B": "generate"}, "carry": {"tls.key": "configuration"},
        "site_templates": ["a.txt"],
    }  # fmt: skip
    assert "carry: it travels" in text
    assert "a.yaml:1: A has a hash" in error.message
    assert "`settings: secrets: {A: ask | carry, B: generate | ask}`" in (error.hint or "")
    assert "`settings: carry: {tls.key: configuration}`" in (error.hint or "")


def test_settings_grow_and_say_whether_they_did() -> None:
    settings: dict[str, Any] = {}
    assert add_setting(settings, "carry", {"a": "data"})
    assert add_setting(settings, "carry", {"b": "data"})
    assert not add_setting(settings, "carry", {"b": "data"})
    assert add_setting(settings, "host_paths", ["/a"])
    assert not add_setting(settings, "host_paths", ["/a"])
    assert add_setting(settings, "root", "..")
    assert settings == {"carry": {"a": "data", "b": "data"}, "host_paths": ["/a"], "root": ".."}


def test_nothing_to_decide_is_no_comment() -> None:
    assert comment([]) == ""
    assert comment([Decision("why", "what")]).startswith("  # To be decided")
