"""The JSON Schema of profile files, for editors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, create_model
from pydantic.json_schema import models_json_schema

from bundler.profile.model import ProfileFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def profile_schema(
    applications: Mapping[str, type[BaseModel]], packers: Iterable[type[BaseModel]]
) -> dict[str, Any]:
    """Return the schema of a file: every key may be null or inherited, every list also has a `key+`.

    Args:
        applications: name -> model of its settings, used if the file names the application.
        packers: profile models with each packer's own sections.
    """
    whole_file = file_model(packers)
    models = {name: applications[name] for name in sorted(applications)}
    every: list[type[BaseModel]] = [whole_file, *models.values()]
    references, whole = models_json_schema([(model, "validation") for model in every], by_alias=True)
    definitions: dict[str, Any] = whole["$defs"]
    for definition in definitions.values():
        _loosen(definition)
    top = references[whole_file, "validation"]["$ref"].rpartition("/")[2]
    schema = definitions.pop(top)
    if models:
        schema["properties"]["application"]["examples"] = list(models)
        schema["allOf"] = [
            {
                "if": {"properties": {"application": {"const": name}}, "required": ["application"]},
                "then": {"properties": {"settings": references[model, "validation"]}},
            }
            for name, model in models.items()
        ]
    return {"$schema": DIALECT, "title": "Profile", **schema, "$defs": definitions}


def file_model(packers: Iterable[type[BaseModel]]) -> type[BaseModel]:
    """Return the model of a file, with the sections of all packers."""
    return create_model("Profile", __base__=(*packers, ProfileFile), __doc__=ProfileFile.__doc__)


def _loosen(definition: dict[str, Any]) -> None:
    """Make all keys of a mapping optional, because they may be inherited."""
    properties = definition.get("properties")
    if not isinstance(properties, dict):
        return
    definition.pop("required", None)
    for name, field in list(properties.items()):
        kept = {key: field.pop(key) for key in ("description", "default") if key in field}
        field.pop("title", None)
        properties[name] = {"anyOf": [field, {"type": "null"}], **kept}
        if appended := _list_of(field):
            about = f"Appends to the inherited `{name}`."
            properties[f"{name}+"] = {**appended, "description": about}


def _list_of(field: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a field's schema that allows a list; empty if lists are not allowed."""
    if field.get("type") == "array":
        return {key: field[key] for key in ("type", "items") if key in field}
    return next(filter(None, map(_list_of, field.get("anyOf", ()))), {})
