"""Texts for people, in any language."""

from __future__ import annotations

import re
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bundler.errors import HintedValueError
from bundler.language import tr

_TAG: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
"""BCP 47 (RFC 5646): language, script and region, in their conventional letter case."""
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Text(BaseModel):
    """A text for people, on one line: language -> text. Keys are BCP 47 tags: `en`, `zh`, `pt-BR`.

    The installer supports English and Chinese. If the site's language is missing here, it shows the English
    text.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    __pydantic_extra__: dict[str, Line] = Field(init=False)

    en: Line = Field(description="In English.")

    def get(self, language: str) -> str | None:
        """Return the text in a language, or None if it is missing."""
        return self.en if language == "en" else self.__pydantic_extra__.get(language)

    @model_validator(mode="after")
    def _check_languages(self) -> Self:
        for language in self.__pydantic_extra__:
            if _TAG.fullmatch(language) is None:
                raise HintedValueError(
                    tr("is not a language"), hint=tr("write its BCP 47 tag: en, zh, pt-BR"), at=(language,)
                )
        return self
