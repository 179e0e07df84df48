"""Errors of pydantic are reported in the user's terms: where, what is expected, what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from bundler.errors import ProfileError
from bundler.profile.marked_yaml import Mark, Node, read_text, read_value
from bundler.profile.validate import validate

HERE = Path("/project")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = ""
    """The part's name."""
    file: Path | None = None


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    size: int = Field(default=0, ge=0, le=9)
    level: Literal["low", "high", "1"] = "low"
    on: bool = False
    names: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    files: dict[str, Path] = {}
    either: int | str = 0
    only: Part | None = None


def read(text: str) -> Node:
    return read_text(text, "p.yaml", HERE)


def mistake(text: str) -> ProfileError:
    with pytest.raises(ProfileError) as error:
        validate(Shape, read(text), HERE)
    return error.value


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("size: big", "p.yaml:1: size: must be a whole number, not the string 'big'", None),
        ("size: '3'", "p.yaml:1: size: must be a whole number, not the string '3'", "write 3 without quotes"),
        ("size: 10", "p.yaml:1: size: must be less than or equal to 9", None),
        ("size: [3]", "p.yaml:1: size: must be a whole number, not a list", None),
        ("names: {a: b}", "p.yaml:1: names: must be a list, not a mapping", None),
        ("names: web", "p.yaml:1: names: must be a list, not the string 'web'", "write [web]"),
        ("names: 'web'", "p.yaml:1: names: must be a list, not the string 'web'", 'write ["web"]'),
        ("names: [1]", "p.yaml:1: names.0: must be a string, not the number 1", 'write "1" in quotes'),
        (
            "names: [yes]",
            "p.yaml:1: names.0: must be a string, not yes, which means true",
            'write "yes" in quotes',
        ),
        (
            "names: [1.50]",
            "names.0: must be a string, not 1.50, which is the number 1.5",
            'write "1.50" in quotes',
        ),
        ("level: 1", "p.yaml:1: level: must be a string, not the number 1", 'write "1" in quotes'),
        ("level: hihg", "level: must be one of low, high, 1, not the string 'hihg'", "did you mean high?"),
        ("only: {nmae: a}", "p.yaml:1: only.nmae: unknown key", "did you mean `name`?"),
        ("only: {x: a}", "p.yaml:1: only.x: unknown key", "keys here: name, file"),
        ("only: {x: null}", "p.yaml:1: only.x: unknown key", "keys here: name, file"),
        ("\nparts:\n  - name: a\n  - nam: b", "p.yaml:4: parts.1.nam: unknown key", "did you mean `name`?"),
        ("either: [a]", "p.yaml:1: either: must be a whole number or a string, not a list", None),
    ],
)
def test_a_mistake_is_reported_with_a_hint(text: str, message: str, hint: str | None) -> None:
    found = mistake(text)
    assert found.message.endswith(message)
    assert found.hint == hint


def test_all_mistakes_are_reported_in_the_order_of_the_file() -> None:
    found = mistake("on: 3\nsize: a\nlevel: x\n")
    assert [line.split(": ")[1] for line in found.message.splitlines()] == ["on", "size", "level"]


def test_a_null_under_a_known_key_is_ignored() -> None:
    assert validate(Shape, read("size: null\nonly: {name: null}\n"), HERE) == Shape(only=Part())


def override(key: str, text: str) -> Node:
    """Return the node of a `--set KEY=TEXT` option."""
    mark = Mark("--set", HERE, tuple(key.split(".")))
    node = read_value(text, mark)
    for name in reversed(key.split(".")):
        node = Node(mark, {name: node})
    return node


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("only.name", "12", Shape(only=Part(name="12"))),
        ("names", "[1, yes]", Shape(names=("1", "yes"))),
        ("parts", "[{name: 08}]", Shape(parts=(Part(name="08"),))),
        ("level", "1", Shape(level="1")),
    ],
)
def test_numbers_of_an_override_become_texts_where_a_text_is_wanted(
    key: str, text: str, expected: Shape
) -> None:
    assert validate(Shape, override(key, text), HERE) == expected


def test_paths_are_relative_to_the_file_that_contains_them() -> None:
    text = "files: {a: x, b: /y}\nparts: [{file: z}]\nonly: {file: ../w}\n"
    found = validate(Shape, read(text), Path("/elsewhere"))
    assert found.files == {"a": Path("../project/x"), "b": Path("/y")}
    assert found.parts[0].file == Path("../project/z")
    assert found.only
    assert found.only.file == Path("../w")
    assert validate(Shape, read(text), HERE).files["a"] == Path("x")
