"""Texts for people that no catalogue knows, found in the code of a module.

A text counts where it reaches people: an error, its hint, a line or a table that is printed, a problem to
decide, a value that a translated text is filled with. It is followed back from there: through conditions,
f-strings, lists, dicts of choices, loops over a literal, variables of the function and of the module, and the
parameters and results of the module's own functions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

OTHER_ERRORS: Final = {
    "UnreadableError",  # a reason that becomes part of an SBOM, which has one language
    "AssertionError", "AttributeError", "KeyError", "OSError", "ProcessLookupError", "TypeError",
}  # fmt: skip
"""Errors of the program itself."""
SINKS: Final[Mapping[str, Collection[int | str]]] = {
    "echo": (0,),
    "step": (0,),
    "warn": (0,),
    "info": (0,),
    "transfer": (0,),
    "combine": (1,),
    "did_you_mean": (2,),
    "echo_table": (0,),
    "Decision": (0, 1, 3),
    "Description": (0, 1),
    "Fault": (1,),
    "InitResult": (2,),
    "Problem": (1, 4, "choices"),
    "Rehearsal": (1, 2, "tables", "lines"),
    "RehearsalStep": (3,),
    "Step": (1,),
    "StepFailure": (0,),
}
"""Functions and classes that show texts -> which of their arguments do."""
TRANSLATORS: Final = {"tr", "plural"}
WRAPPERS: Final = {"tuple", "list", "sorted", "dict", "filter", "str"}
"""Functions whose result has the texts that their arguments have."""
_WORD: Final = re.compile(r"[A-Za-z]{2}")
_PROSE: Final = re.compile(r"[A-Za-z]{2,}[,;:.]? (?:0 )?[a-z]|^(?:none|nothing|empty|unknown)$")
"""Words that follow each other, or one that stands for the absence of a value."""
_QUOTED: Final = re.compile(r"`[^`]*`?")
_COMMAND: Final = re.compile(r" *(bundle|docker run|mkdir -p|sha256|tar|--key)\b")
"""How a line begins that is a command, or what a command prints: it is the same in every language."""
_CHINESE: Final = re.compile("[\u4e00-\u9fff]")
_MOST: Final = 12
"""Steps that a text is followed back at most."""


def escaped(tree: ast.Module) -> list[str]:
    """Return the texts for people that no catalogue knows, each once."""
    return list(dict.fromkeys(_Module(tree).escaped()))


def _is_text(text: str, *, direct: bool) -> bool:
    """Whether people read it as words; what is followed back may also be a name or a path."""
    if _COMMAND.match(text) or _CHINESE.search(text):
        return False
    return bool(_WORD.search(text) if direct else _PROSE.search(_QUOTED.sub("x", text)))


class _Module:
    """The code of a module, with what its names stand for."""

    def __init__(self, tree: ast.Module) -> None:
        self._functions: dict[str, ast.FunctionDef] = {}
        self._owner: dict[ast.AST, ast.FunctionDef | None] = {}
        self._bound: dict[tuple[ast.FunctionDef | None, str], list[tuple[ast.expr, tuple[int, ...]]]] = {}
        self._calls: dict[str, list[ast.Call]] = {}
        self._results: dict[str, list[ast.expr]] = {}
        self._seen: set[tuple[ast.AST, tuple[int, ...]]] = set()
        self._read(tree, None)

    def _read(self, node: ast.AST, owner: ast.FunctionDef | None) -> None:
        """Note whose each node is, and what is assigned, called and returned where."""
        self._owner[node] = owner
        self._note_value(node, owner)
        match node:
            case ast.FunctionDef(name=name):
                self._functions[name] = node
                owner = node
            case ast.Call():
                self._calls.setdefault(_name(node.func), []).append(node)
                self._note_call(node, owner)
            case ast.Return(value=value) | ast.Yield(value=value) | ast.YieldFrom(value=value):
                if value is not None and owner is not None:
                    self._results.setdefault(owner.name, []).append(value)
        for child in ast.iter_child_nodes(node):
            self._read(child, owner)

    def _note_value(self, node: ast.AST, owner: ast.FunctionDef | None) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._bind(target, value, (), owner)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self._bind(target, value, (), owner)
            case ast.AugAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
                self._bind(target, value, (), owner)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                self._bind(target, value, (-1,), owner)

    def _note_call(self, call: ast.Call, owner: ast.FunctionDef | None) -> None:
        """Note what a list gets, and what an error is made of by its class."""
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend"), args=[value]
            ):
                self._bound.setdefault((owner, name), []).append((value, ()))
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__")):
                self._calls.setdefault("SuperError", []).append(call)

    def _bind(
        self, target: ast.expr, value: ast.expr, path: tuple[int, ...], owner: ast.FunctionDef | None
    ) -> None:
        if isinstance(target, ast.Name):
            self._bound.setdefault((owner, target.id), []).append((value, path))
        elif isinstance(target, ast.Tuple):
            for index, part in enumerate(target.elts):
                self._bind(part, value, (*path, index), owner)

    def escaped(self) -> Iterator[str]:
        """Yield the texts that no catalogue knows."""
        for name, call in [(name, call) for name, calls in self._calls.items() for call in calls]:
            for argument in _shown(name, call):
                yield from self._texts(argument, (), direct=name != "SuperError")
            if name in TRANSLATORS:
                for word in call.keywords:
                    yield from self._texts(word.value, ())

    def _texts(
        self, node: ast.expr, path: tuple[int, ...], *, direct: bool = False, depth: int = 0
    ) -> Iterator[str]:
        """Yield the texts that an expression may have.

        Args:
            node: the expression.
            path: which item of a tuple is meant, and which of that one; -1: any.
            direct: whether people read what stands here.
            depth: steps from there.
        """
        if not direct and ((node, path) in self._seen or depth > _MOST):
            return
        self._seen.add((node, path))
        match node:
            case ast.Constant() | ast.JoinedStr():
                text = _literal(node)
                if _is_text(text, direct=direct):
                    yield text
                for value in _filled(node):
                    yield from self._texts(value, (), depth=depth + 1)
            case ast.Tuple(elts=parts) | ast.List(elts=parts) if path and 0 <= path[0] < len(parts):
                yield from self._texts(parts[path[0]], path[1:], direct=direct, depth=depth)
            case ast.Name(id=name):
                yield from self._named(node, name, path, depth + 1)
            case ast.Call():
                yield from self._called(node, path, depth + 1)
            case _:
                path = path[1:] if path[:1] == (-1,) and isinstance(node, ast.Tuple | ast.List) else path
                for part in _parts(node):
                    yield from self._texts(part, path, direct=direct, depth=depth)

    def _named(self, node: ast.Name, name: str, path: tuple[int, ...], depth: int) -> Iterator[str]:
        """Yield the texts of what a name stands for: in its function, as a parameter, or in the module."""
        owner = self._owner[node]
        found = self._bound.get((owner, name), [])
        if owner is not None:
            position = next((at for at, arg in enumerate(_parameters(owner)) if arg == name), None)
            if position is not None:
                for call in self._calls.get(owner.name, ()):
                    for argument in _argument(call, position, name, method=_is_method(owner)):
                        yield from self._texts(argument, path, depth=depth)
            elif not found:
                found = self._bound.get((None, name), [])
        if not found and name in self._functions:
            found = [(value, ()) for value in self._results.get(name, ())]
        for value, inner in found:
            yield from self._texts(value, (*inner, *path), depth=depth)

    def _called(self, call: ast.Call, path: tuple[int, ...], depth: int) -> Iterator[str]:
        """Yield the texts of a call's result."""
        name = _name(call.func)
        inside: list[ast.expr] = []
        if name in TRANSLATORS:
            inside = [word.value for word in call.keywords]
        elif name == "tr_later":
            return
        elif name in WRAPPERS or name == "join":
            inside = [*call.args, *(word.value for word in call.keywords)]
        elif name == "get" and len(call.args) > 1:
            inside = [call.args[1]]
        elif name in {"strip", "rstrip", "removesuffix", "removeprefix", "items", "values", "format"}:
            inside = [call.func.value] if isinstance(call.func, ast.Attribute) else []
        elif name in self._functions and not isinstance(call.func, ast.Attribute):
            inside = self._results.get(name, [])
        for part in inside:
            yield from self._texts(part, () if name == "join" else path, depth=depth)


def _literal(node: ast.Constant | ast.JoinedStr) -> str:
    """Return the text that stands in the code, with `0` for each value of an f-string."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "0" for part in node.values)


def _filled(node: ast.Constant | ast.JoinedStr) -> Iterator[ast.expr]:
    if isinstance(node, ast.JoinedStr):
        yield from (part.value for part in node.values if isinstance(part, ast.FormattedValue))


def _name(function: ast.expr) -> str:
    return str(getattr(function, "id", getattr(function, "attr", "")))


def _shown(name: str, call: ast.Call) -> Iterator[ast.expr]:
    """Yield the arguments of a call that people read."""
    if name.endswith("Error") and name not in OTHER_ERRORS:
        yield from call.args
    for place in SINKS.get(name, ()):
        if isinstance(place, int):
            yield from call.args[place : place + 1]
    wanted = SINKS.get(name, ())
    yield from (word.value for word in call.keywords if word.arg == "hint" or word.arg in wanted)


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the expressions one of which, or all of which, are the text of another."""
    match node:
        case ast.IfExp(body=body, orelse=other):
            yield from (body, other)
        case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            yield from parts
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from (left, right)
        case ast.Dict(values=parts):
            yield from parts
        case ast.Starred(value=part) | ast.Subscript(value=part) | ast.NamedExpr(value=part):
            yield part
        case ast.ListComp(elt=part) | ast.GeneratorExp(elt=part) | ast.DictComp(value=part):
            yield part


def _parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _is_method(function: ast.FunctionDef) -> bool:
    return _parameters(function)[:1] in (["self"], ["cls"])


def _argument(call: ast.Call, position: int, name: str, *, method: bool) -> Iterator[ast.expr]:
    """Yield the argument of a call that a parameter gets."""
    at = position - method
    if 0 <= at < len(call.args) and not any(isinstance(each, ast.Starred) for each in call.args[: at + 1]):
        yield call.args[at]
    yield from (word.value for word in call.keywords if word.arg == name)
