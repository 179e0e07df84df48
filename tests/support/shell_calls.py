"""Find which functions of a shell program call which, with shfmt's parser.

Comments, quoted texts and here-documents contain no calls, except in command substitutions. A function that
is passed to another one and run by it (`step release prepare_release`), or named in a trap, counts as called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.support.shell_tree import Node, parse_tree, walk

_RUNNERS = frozenset({"command", "env", "eval", "exec", "trap", "xargs"})
"""Shell commands and programs that run their arguments."""


@dataclass(frozen=True)
class Command:
    """A simple command: its first word, and the other words that are plain text; `@` for the arguments."""

    function: str
    """The function that contains it; empty at the top level of a file."""
    words: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A call in a function of one file to another function."""

    file: str
    function: str
    callee: str


def calls(files: Mapping[str, str]) -> tuple[dict[str, str], set[Call]]:
    """Return the file of each function, and all calls between functions of these files."""
    trees = {file: parse_tree(text) for file, text in files.items()}
    where = {name: file for file, tree in trees.items() for name in _functions(tree)}
    commands = [(file, command) for file, tree in trees.items() for command in _commands(tree, "")]
    runners = _find_runners([command for _, command in commands], where)
    found = set()
    for file, command in commands:
        for callee in _callees(command, where, runners):
            found.add(Call(file, command.function, callee))
    return where, found


def function_lengths(text: str) -> dict[str, int]:
    """Map functions to their number of lines."""
    return {
        node["Name"]["Value"]: node["End"]["Line"] - node["Pos"]["Line"] + 1
        for node in walk(parse_tree(text))
        if node.get("Type") == "FuncDecl"
    }


def quoted_texts(text: str) -> list[str]:
    """Return all single-quoted texts."""
    return [str(node.get("Value", "")) for node in walk(parse_tree(text)) if node.get("Type") == "SglQuoted"]


def _functions(tree: Node) -> list[str]:
    return [node["Name"]["Value"] for node in walk(tree) if node.get("Type") == "FuncDecl"]


def _commands(node: object, function: str) -> Iterator[Command]:
    if isinstance(node, list):
        for each in node:
            yield from _commands(each, function)
        return
    if not isinstance(node, dict):
        return
    if node.get("Type") == "FuncDecl":
        function = node["Name"]["Value"]
    if node.get("Type") == "CallExpr" and node.get("Args"):
        words = tuple(_text(word) for word in node["Args"])
        yield Command(function, words)
        if words[0] in {"trap", "eval"} and len(words) > 1 and words[1] not in {"", "-", "@"}:
            yield from _commands(parse_tree(words[1]), function)
    for each in node.values():
        yield from _commands(each, function)


def _text(word: Node) -> str:
    """Return the plain text of a word, `@` for "$@" and "$1", or nothing if it is known only at run time."""
    parts = word["Parts"]
    if len(parts) == 1 and parts[0]["Type"] in {"Lit", "SglQuoted"}:
        return str(parts[0].get("Value", ""))
    if len(parts) == 1 and parts[0]["Type"] == "DblQuoted":
        (inner, *more) = parts[0].get("Parts") or [{"Type": ""}]
        if not more and inner["Type"] == "ParamExp" and inner["Param"]["Value"] in {*"@123456789"}:
            return "@"
    return ""


def _find_runners(commands: list[Command], where: Mapping[str, str]) -> set[str]:
    """Return the functions that run their arguments."""
    runners: set[str] = set()
    while True:
        more = {
            command.function
            for command in commands
            if command.function
            and "@" in command.words
            and (command.words[0] == "@" or command.words[0] in runners or command.words[0] in _RUNNERS)
        }
        if more <= runners:
            return runners & where.keys()
        runners |= more


def _callees(command: Command, where: Mapping[str, str], runners: set[str]) -> Iterator[str]:
    name, *arguments = command.words
    if name in where:
        yield name
    if name in runners or name in _RUNNERS:
        yield from [word for word in arguments if word in where][:1]
