"""The JSON Schema of profiles. tests/integration/test_wheel.py checks the built-in profiles against it."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from bundler.profile.schema import DIALECT, profile_schema


class Settings(BaseModel):
    size: int
    names: list[str] = []
    """Names of the customers."""
    either: str | list[str] = ""


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return profile_schema({"shop": Settings}, ())


def errors(schema: dict[str, Any], **profile: object) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema)
    return [error.message for error in validator.iter_errors(profile)]


def test_it_is_a_schema_and_names_the_applications(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert schema["properties"]["application"]["examples"] == ["shop"]


def test_settings_are_those_of_the_application(schema: dict[str, Any]) -> None:
    assert errors(schema, application="shop", settings={"size": 3}) == []
    assert errors(schema, application="shop", settings={"size": "three"}) != []
    assert errors(schema, application="other", settings={"size": "three"}) == []


def test_every_key_may_be_left_out_or_null(schema: dict[str, Any]) -> None:
    assert errors(schema) == []
    assert errors(schema, application="shop", settings={}) == []
    assert errors(schema, application="shop", settings={"size": None, "names": None}) == []


def test_a_list_can_be_appended_to(schema: dict[str, Any]) -> None:
    assert errors(schema, application="shop", settings={"names+": ["a"], "either+": ["b"]}) == []
    assert errors(schema, application="shop", settings={"names+": "a"}) != []
    properties = schema["$defs"]["Settings"]["properties"]
    assert "size+" not in properties
    assert properties["names+"]["description"] == "Appends to the inherited `names`."


def test_the_schema_is_valid_without_applications() -> None:
    schema = profile_schema({}, ())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "allOf" not in schema
    assert errors(schema, application=3) != []
