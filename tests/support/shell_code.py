"""Find what shell code assigns, reads and calls, by function. Code run by `eval` is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.support.shell_tree import Node, parse_tree

Kind = Literal["assign", "local", "read", "call", "prefix"]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = r"(?:`[a-z_]+`|[a-z]+_[a-z_]+|[A-Z_]{2,})"
_SETS = re.compile(rf"\b[sS]ets ({_VARIABLE}(?:(?:,|,? and) {_VARIABLE})*)")
_ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}


class ShellSyntaxError(Exception):
    """The code is not POSIX shell code, or has a form that the installer does not use."""


@dataclass(frozen=True)
class Event:
    """A use of a name.

    Attributes:
        kind: `assign`, `local` and `read` for variables, `call` for commands, `prefix` for
            `NAME=value command`.
        name: of the variable or command.
        words: the arguments of a call, unexpanded.
    """

    kind: Kind
    name: str
    words: tuple[str, ...] = ()


@dataclass
class Function:
    """A function, or, with an empty name, the code outside functions.

    Attributes:
        comment: the comment lines directly above it, without `# `.
    """

    name: str
    comment: str = ""
    events: list[Event] = field(default_factory=list)

    def names(self, *kinds: Kind) -> set[str]:
        """Return the names of the events of these kinds."""
        return {event.name for event in self.events if event.kind in kinds}


def parse(text: str) -> dict[str, Function]:
    """Map names to functions, with `""` for the code outside functions.

    Raises:
        ShellSyntaxError: the text is not POSIX shell code, or has backquotes or a function in a function.
    """
    try:
        tree = parse_tree(text)
    except AssertionError as error:
        raise ShellSyntaxError(str(error)) from error
    functions = {"": Function("")}
    _gather(tree, functions[""], functions, text.encode())
    return functions


def _gather(node: object, inside: Function, functions: dict[str, Function], source: bytes) -> None:
    if isinstance(node, list):
        for each in node:
            _gather(each, inside, functions, source)
    elif isinstance(node, dict):
        if node.get("Backquotes"):
            raise ShellSyntaxError(f"{inside.name}: backquotes")
        if node.get("Type") == "FuncDecl":
            if inside.name:
                raise ShellSyntaxError(f"{inside.name}: a function in a function")
            inside = functions[node["Name"]["Value"]] = Function(
                node["Name"]["Value"], _comment_above(source[: node["Pos"]["Offset"]].decode())
            )
        inside.events += _events(node, source)
        for each in node.values():
            _gather(each, inside, functions, source)


def _comment_above(before: str) -> str:
    lines = before.rstrip("\n").split("\n")
    found: list[str] = []
    while lines and lines[-1].startswith("# ") and not lines[-1].startswith("# ----"):
        found.insert(0, lines.pop()[2:])
    return "\n".join(line for line in found if not line.startswith("shellcheck"))


def _events(node: Node, source: bytes) -> Iterator[Event]:
    """Yield the uses of names in a node itself, without those in the nodes below it."""
    match node.get("Type"):
        case "CallExpr":
            words = [_source_of(word, source) for word in node.get("Args") or ()]
            for each in node.get("Assigns") or ():
                yield Event("prefix" if words else "assign", each["Name"]["Value"])
            if words:
                yield from _called(words)
        case "WordIter":
            yield Event("assign", node["Name"]["Value"])
        case "ParamExp":
            yield from _expanded(node)
        case "ArithmExp":
            yield from _calculated(node["X"])


def _source_of(word: Node, source: bytes) -> str:
    return source[word["Pos"]["Offset"] : word["End"]["Offset"]].decode()


def _called(words: list[str]) -> Iterator[Event]:
    while words[0] in ("command", "exec") and len(words) > 1 and not words[1].startswith("-"):
        words = words[1:]
    name, *arguments = words
    if _NAME.fullmatch(name) is None:
        return
    yield Event("call", name, tuple(arguments))
    if name in ("local", "export", "readonly", "unset"):
        for word in arguments:
            variable = _NAME.match(word)
            if variable is not None and (name != "export" or "=" in word):
                yield Event("local" if name == "local" else "assign", variable.group())
    elif name == "read":
        yield from (Event("assign", word) for word in arguments if _NAME.fullmatch(word) is not None)


def _expanded(node: Node) -> Iterator[Event]:
    name = node["Param"]["Value"]
    if _NAME.fullmatch(name) is not None:
        yield Event("read", name)
        if node.get("Exp", {}).get("Op") in {":=", "="}:
            yield Event("assign", name)


def _calculated(node: Node) -> Iterator[Event]:
    """Yield the variables of arithmetic that are named without `$`."""
    for part in node.get("Parts", ()):
        if part["Type"] == "Lit" and _NAME.fullmatch(part["Value"]) is not None:
            yield Event("read", part["Value"])
    if node.get("Type") == "BinaryArithm" and node["Op"] in _ASSIGNMENTS:
        yield Event("assign", node["X"]["Parts"][0]["Value"])
    for side in ("X", "Y"):
        if side in node:
            yield from _calculated(node[side])


def outputs(function: Function) -> set[str]:
    """Return what a function sets for its caller, from its comment: "sets `mark`, entry_mode and ROOT"."""
    found: set[str] = set()
    for sentence in _SETS.findall(function.comment.replace("\n", " ")):
        found |= set(re.findall(r"\w+", sentence)) - {"and"}
    return found
