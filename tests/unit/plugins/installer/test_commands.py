"""The table of commands and options: the parser, the messages and the pages know the same ones."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from bundler_installer.assemble import catalogue, join_sources
from bundler_installer.commands import COMMANDS, COMMON, OPTIONS, shell_commands
from bundler_installer.standalone import SOURCES as PREFLIGHT
from bundler_installer.tables import LANGUAGES

PARSER = files("bundler_installer").joinpath("shell/lib/options.sh").read_text("utf-8")
TARGETS = files("bundler_installer").joinpath("shell/lib/targets.sh").read_text("utf-8")
MAIN = files("bundler_installer").joinpath("shell/main.sh").read_text("utf-8")


def cases(function: str) -> set[str]:
    """Return the long options that a function of the parser has a case for."""
    text = PARSER if f"\n{function}() {{" in PARSER else TARGETS
    body = text[text.index(f"\n{function}() {{") :]
    body = body[: body.index("\n}\n")]
    return set(re.findall(r"^ {8}(?:--[a-z-]+ \| )*--([a-z-]+)\)", body, re.MULTILINE)) | set(
        re.findall(r"^ {8}--([a-z-]+) \|", body, re.MULTILINE)
    )


def test_the_parser_has_a_case_for_each_option() -> None:
    assert cases("parse_value") | cases("parse_target") == {option.name for option in OPTIONS if option.value}
    assert cases("parse_flag") == {option.name for option in OPTIONS if not option.value} | {"version"}


def test_main_has_a_case_for_each_command() -> None:
    found = set(re.findall(r"^        ([a-z-]+)\) ", MAIN, re.MULTILINE)) | {"help"}
    assert found == {command.name for command in COMMANDS}


def test_names_and_letters_are_unique_and_options_are_declared() -> None:
    names = [option.name for option in OPTIONS]
    letters = [option.letter for option in OPTIONS if option.letter]
    assert len(set(names)) == len(names)
    assert len(set(letters)) == len(letters)
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)
    used = {name for command in COMMANDS for name in command.options} | set(COMMON)
    assert used == set(names)
    for command in COMMANDS:
        assert len(set(command.options)) == len(command.options), command.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_has_a_text(language: str) -> None:
    known = {key for key in catalogue(language) if key.startswith("help.")}
    wanted = {f"help.command.{command.name}" for command in COMMANDS}
    wanted |= {f"help.option.{option.name}" for option in OPTIONS}
    wanted |= {f"help.value.{option.value}" for option in OPTIONS if option.value not in {"", "choice"}}
    wanted |= {f"help.words.{command.words}" for command in COMMANDS if command.words}
    families = ("help.command.", "help.option.", "help.value.", "help.words.")
    assert {key for key in known if key.startswith(families)} == wanted


def test_the_preflight_file_has_the_parsers_part_alone() -> None:
    source = join_sources(PREFLIGHT, part=True).decode()
    assert "takes_value() {" in source
    assert "describe_option" not in source
    assert "describe_command() { words='' own_options=''; }" in source
    assert "OPTIONS='--root" in shell_commands()
