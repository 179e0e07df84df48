"""Values that the Compose specification does not allow."""

from __future__ import annotations

import pytest

from bundler.language import speaking
from bundler_compose.reading.schema import check_values
from bundler_compose.reading.tree import FormError


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("en", "must be a text or a mapping"),
        ("zh", "\u5fc5\u987b\u662f\u6587\u672c\u6216\u6620\u5c04"),
    ],
)
def test_all_forms_of_a_value_are_named(language: str, message: str) -> None:
    with speaking(language), pytest.raises(FormError) as error:
        check_values({"services": {"web": {"build": 5}}})
    assert error.value.message == message
