"""What all parts of a profile share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LocalPath = Annotated[Path, Field(strict=False)]
"""Relative to the folder of the file in which it is written."""


class ProfileModel(BaseModel):
    """What all parts of a profile share. A base for the settings models of applications, too."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, defer_build=True
    )
