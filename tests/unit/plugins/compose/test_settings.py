"""Contradictory settings are refused, and the error names the key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from bundler_compose.settings import ComposeSettings


def variable(**more: object) -> dict[str, Any]:
    return {"project": ".", "variables": [{"name": "LEVEL", **more}]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (variable(kind="secret", default="x"), "the default of a secret would be published"),
        (variable(kind="choice"), "`kind: choice` and `choices` must be set together"),
        (variable(choices=["a"]), "`kind: choice` and `choices` must be set together"),
        (variable(kind="choice", choices=["a", "b"], default="c"), "is not one of the choices"),
        ({"project": ".", "variables": [{"name": "A"}, {"name": "A"}]}, "'A' is listed twice"),
        *(
            ({"project": ".", "variables": [{"name": name}]}, "the installer, the shell or Docker reads")
            for name in (
                "BUNDLE_DATA",
                "PATH",
                "HOME",
                "PWD",
                "TMPDIR",
                "XDG_RUNTIME_DIR",
                "DOCKER_HOST",
                "COMPOSE_X",
            )
        ),
    ],
)
def test_contradictions_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ComposeSettings.model_validate_json(json.dumps(settings))


def test_a_choice_with_one_of_its_choices_is_valid() -> None:
    found = ComposeSettings.model_validate_json(
        json.dumps(variable(kind="choice", choices=["a", "b"], default="b"))
    )
    assert found.variables[0].choices == ("a", "b")
