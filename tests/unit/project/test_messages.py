"""The catalogue is complete, and no text for people escapes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from tools import messages
from tools.messages import PO, as_tuple, read, sources, to_mo, to_po, updated

ROOT = Path(__file__).parents[3]
UNTRANSLATED = ("plugins/bundler_dify/", "plugins/bundler_installer/")
"""Packages whose errors are not yet in the catalogue. It only ever gets shorter."""
OTHER_ERRORS = {"AssertionError", "AttributeError", "KeyError", "OSError", "ProcessLookupError", "TypeError"}
"""Errors of the program itself."""
SINKS = {
    "echo": 0,
    "step": 0,
    "warn": 0,
    "info": 0,
    "transfer": 0,
    "combine": 1,
    "did_you_mean": 2,
    "refuse": 1,
    "_refuse": 1,
}
"""Functions that show a text -> its position among the arguments."""
WORD = re.compile(r"[A-Za-z]{2}")
COMMAND = re.compile(r" *(bundle|mkdir -p|sha256)\b")
"""How a line begins that is a command, or what a command prints: it is the same in every language."""


def placeholders(template: str) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Return the values that a template needs, as `str.format` and as logging write them."""
    try:
        parts = [part for part in Formatter().parse(template) if part[1]]
    except ValueError:  # a text without values, in which braces are braces
        parts = []
    named = sorted((name or "", how or "", form or "") for _, name, form, how in parts)
    return named, sorted(re.findall(r"%(?:\(\w+\))?[.\d]*[sdf]", template))


def test_the_catalogue_is_up_to_date() -> None:
    po = to_po(updated(read(PO)))
    assert PO.read_bytes() == po, "run python tools/messages.py"
    assert PO.with_suffix(".mo").read_bytes() == to_mo(po), "run python tools/messages.py"


def test_every_text_is_translated_with_the_same_values() -> None:
    found = [message for message in read(PO) if message.id]
    assert len(found) > 500
    assert [message.id for message in found if "" in as_tuple(message.string)] == []
    for message in found:
        for text in as_tuple(message.string):
            assert placeholders(str(text)) == placeholders(str(as_tuple(message.id)[-1])), message.id


def literals(node: ast.AST) -> Iterator[str]:
    """Yield the words of a text that stand in the code."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
        case ast.IfExp(body=body, orelse=other):
            yield from (*literals(body), *literals(other))
        case ast.BoolOp(values=parts):
            yield from (text for part in parts for text in literals(part))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from (*literals(left), *literals(right))


def shown(call: ast.Call) -> Iterator[ast.AST]:
    """Yield the arguments of a call that people read."""
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name.endswith("Error") and name not in OTHER_ERRORS:
        yield from call.args
    elif name in SINKS:
        yield from call.args[SINKS[name] : SINKS[name] + 1]
    elif name == "echo_table" and isinstance(call.args[0], ast.Tuple):
        yield from call.args[0].elts
    yield from (word.value for word in call.keywords if word.arg == "hint")


def escaped(tree: ast.AST) -> Iterator[str]:
    """Yield the texts for people that no catalogue knows."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (
                text
                for each in shown(node)
                for text in literals(each)
                if WORD.search(text) and not COMMAND.match(text)
            )


@pytest.mark.parametrize(
    "code",
    [
        'raise BundleError("is wrong")',
        'raise x.FetchError(f"{where}: is wrong")',
        'raise UsageError(tr("wrong"), hint="do this" if a else None)',
        'f(hint=known or "do this")',
        'echo("done " + name)',
        'reporter.warn("careful")',
        'combine(errors, f"{count} images")',
        'echo_table(("name", tr("size")), rows)',
    ],
)
def test_a_text_that_escapes_is_found(code: str) -> None:
    assert list(escaped(ast.parse(code)))


def test_no_text_for_people_escapes_the_catalogue() -> None:
    found = {
        str(path.relative_to(ROOT)): texts
        for path in sources()
        if not str(path.relative_to(ROOT)).startswith(UNTRANSLATED)
        and (texts := list(escaped(ast.parse(path.read_text()))))
    }
    assert found == {}


def test_texts_are_not_translated_while_modules_are_imported() -> None:
    """The language is not known then: tables use `tr_later`."""
    found = []
    for path in sources():
        tree = ast.parse(path.read_text())
        inside = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.Lambda)
            for part in (function.body if isinstance(function.body, list) else [function.body])
            for node in ast.walk(part)
        }
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        found += [
            f"{path}:{node.lineno}"
            for node in calls
            if getattr(node.func, "id", "") == "tr" and id(node) not in inside
        ]
    assert found == []


def test_click_has_texts() -> None:
    assert len(list(messages.in_click())) > 50
    assert "Missing option" in {message.text for message in messages.in_click()}
