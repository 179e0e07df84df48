"""The base of all parts of a profile."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler

LocalPath = Annotated[Path, Field(strict=False)]
"""A path relative to the folder of the file that contains it."""


class ProfileModel(BaseModel):
    """Base of all parts of a profile, and of the settings models of applications.

    The docstring of an attribute is its description in the schema. It is read from the source only when a
    schema
    is requested: pydantic's `use_attribute_docstrings` would read it for every model, in every run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls,
        core_schema: Any,  # noqa: ANN401 pydantic's union of some fifty dictionaries
        handler: GetJsonSchemaHandler,
    ) -> dict[str, Any]:
        """Return pydantic's schema with descriptions."""
        schema = handler(core_schema)
        described = handler.resolve_ref_schema(schema)
        texts = _attribute_texts(cls)
        for name, field in cls.model_fields.items():
            shown = described.get("properties", {}).get(field.alias or name)
            if shown is not None and name in texts:
                shown.setdefault("description", texts[name])
        return schema


def _attribute_texts(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings of attributes, of the model and its base classes."""
    import ast  # noqa: PLC0415 needed only for a schema
    import inspect  # noqa: PLC0415 likewise
    import textwrap  # noqa: PLC0415 likewise

    texts: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if not issubclass(each, BaseModel) or each is BaseModel:
            continue
        try:
            source = inspect.getsource(each)
        except OSError:  # made by create_model from other models, which are read as well
            continue
        (body,) = ast.parse(textwrap.dedent(source)).body
        lines = body.body if isinstance(body, ast.ClassDef) else []
        for line, below in itertools.pairwise(lines):
            match line, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    texts[name] = inspect.cleandoc(text)
    return texts
