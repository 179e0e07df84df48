from __future__ import annotations

import pytest
from pydantic import ValidationError

from bundler.api.text import Text


def test_a_text_has_a_form_for_each_language() -> None:
    text = Text.model_validate({"en": "Port", "zh": "端口", "pt-BR": "Porta", "zh-Hant": "連接埠"})
    assert [text.get(language) for language in ("en", "zh", "pt-BR", "zh-Hant", "de")] == [
        "Port",
        "端口",
        "Porta",
        "連接埠",
        None,
    ]


@pytest.mark.parametrize("language", ["english", "en_US", "ZH", "zh-cn", "x", ""])
def test_an_unknown_language_is_refused(language: str) -> None:
    with pytest.raises(ValidationError, match="is not a language") as caught:
        Text.model_validate({"en": "Port", language: "Port"})
    assert caught.value.errors()[0]["ctx"]["error"].at == (language,)


@pytest.mark.parametrize("given", [{"zh": "端口"}, {"en": ""}, {"en": "Port", "zh": ""}, {"en": "a\nb"}])
def test_english_is_required_on_one_line(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Text.model_validate(given)


def test_a_text_does_not_change() -> None:
    text = Text(en="Port", zh="端口")
    with pytest.raises(ValidationError):
        text.en = "Another"  # type: ignore[misc]
