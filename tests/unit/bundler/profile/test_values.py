"""Sizes, days, modes, hosts, addresses: every accepted form, and the hint for others."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError

from bundler.errors import HintedValueError
from bundler.profile import values
from bundler.profile.values import check_member, parse_mode, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (0, 0), ("10", 10), ("10 B", 10), ("1kB", 1000), ("1KiB", 1024), ("1.5 GB", 1_500_000_000),
        ("8gib", 8 << 30), ("0.0001 kB", 1),
    ],
)  # fmt: skip
def test_sizes(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("8G", "write 8GiB (powers of 1024) or 8GB (powers of 1000)"),
        ("1.5m", "write 1.5MiB"),
        ("much", "write 8GiB"),
        ("8 apples", "write 8GiB"),
        (-1, "write 8GiB"),
    ],
)
def test_a_size_that_can_be_misread_is_refused(text: object, hint: str) -> None:
    with pytest.raises(HintedValueError, match="is not a size") as error:
        parse_size(text)
    assert error.value.hint.startswith(hint)


@pytest.mark.parametrize("text", ["0644", "644", "0o644", 644])
def test_modes(text: object) -> None:
    assert parse_mode(text) == 0o644


@pytest.mark.parametrize("text", ["0999", "rw-r--r--", "07777", ""])
def test_what_is_not_a_mode_is_refused(text: str) -> None:
    with pytest.raises(HintedValueError, match="is not a file mode"):
        parse_mode(text)


@pytest.mark.parametrize(
    ("path", "message"),
    [("../a", "a"), ("/a", "a"), ("a b", "is not a path inside a bundle"), ("a*", "is not a path inside")],
)
def test_a_path_inside_a_bundle_is_plain(path: str, message: str) -> None:
    assert check_member("config/a-b_c.1@x+y") == "config/a-b_c.1@x+y"
    with pytest.raises(HintedValueError, match=message):
        check_member(path)


def check(kind: Any, value: object) -> Any:  # noqa: ANN401 any type of a profile's value
    """Return a value of this type as a model parses it."""

    class Model(BaseModel):
        value: Annotated[kind, ...]

    return Model.model_validate({"value": value}).value


@pytest.mark.parametrize(
    ("kind", "good", "bad", "hint"),
    [
        (
            values.RegistryHost,
            "registry.bank.example:5000",
            "https://a.example/",
            "the scheme: a.example",
        ),
        (values.RegistryHost, "docker.io", "docker.io/library", "for example docker.io"),
        (values.Mirror, "a.example/hub", "http://a.example/hub/", "the scheme: a.example/hub"),
        (values.Url, "https://a.example/x?y", "ftp://a.example/", "it must start with https://"),
        (values.PlatformName, "linux/amd64", "amd64", "linux/amd64"),
    ],
)
def test_names_of_servers_and_platforms(kind: Any, good: str, bad: str, hint: str) -> None:  # noqa: ANN401 likewise
    assert check(kind, good) == good
    with pytest.raises(ValidationError) as error:
        check(kind, bad)
    assert hint in error.value.errors()[0]["ctx"]["error"].hint
