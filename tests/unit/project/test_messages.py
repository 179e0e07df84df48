"""The catalogue is complete, and no text for people escapes it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from tests.support.escapes import escaped
from tools import messages
from tools.messages import PO, as_tuple, read, sources, to_mo, to_po, updated

ROOT = Path(__file__).parents[3]
AT_THE_SITE = "plugins/bundler_dify/site/"
"""Programs that the bundle carries into containers, where no catalogue is."""
SETTING = re.compile(r"`settings: [^`]+`")


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


def test_settings_in_a_hint_are_the_same_in_every_language() -> None:
    """`bundle init` reads them."""
    for message in read(PO):
        for text in as_tuple(message.string):
            assert SETTING.findall(str(text)) == SETTING.findall(str(as_tuple(message.id)[-1])), message.id


ESCAPING = {
    "an error": 'raise BundleError("is wrong")',
    "an error of a module": 'raise x.FetchError(f"{where}: is wrong")',
    "a hint with a condition": 'raise UsageError(tr("wrong"), hint="do this" if a else None)',
    "a hint that has a default": 'f(hint=known or "do this")',
    "a line": 'echo("done " + name)',
    "a warning": 'reporter.warn("careful")',
    "the head of several errors": 'combine(errors, f"{count} images")',
    "a heading": 'echo_table(("name", tr("size")), rows)',
    "a problem": 'Problem(where, "is a secret", "carry", path)',
    "a problem's choices": 'Problem(where, tr("is odd"), "carry", path, {"carry": "it travels"})',
    "a decision": 'yield Decision(reason, "remove the key", settings)',
    "a failure": 'raise StepFailure(f"containers are left: {names}")',
    "a variable": """
def check(path):
    message = "is mounted twice"
    message += tr("; remove it")
    raise BundleError(f"{path}: {message}")
""",
    "a variable of two": """
def check(words):
    words, plain = "stands in plain text", True
    return Problem(place, f"{name} {words}", "secrets", name)
""",
    "a table of the module": """
CHOICES = {ASK: "the installer asks for it"}
def check(): return Problem(where, tr("is odd"), "secrets", name, dict(CHOICES))
""",
    "a row of a loop": """
def check():
    problems = ((wrong, "hardening requires TLS", "tls"), (odd, tr("is odd"), "odd"))
    for is_so, message, at in problems:
        raise HintedValueError(message, hint=tr("remove it"), at=at)
""",
    "a condition in an f-string": """raise BundleError(f"{where}: {'has no image' if a else b}")""",
    "code beside a word": """raise BundleError(f"{where}: {'no `image:`' if a else b}")""",
    "a value of a translated text": 'tr("{names} are there", names=", ".join(names) or "none")',
    "a part of a translated text": """
def check(rest):
    more = f", and {len(rest)} more" if rest else ""
    raise BundleError(tr("{name}{more}", name=rest[0], more=more))
""",
    "a parameter": """
def check(): raise wrong(path, "is not a file name")
def wrong(path, what): return BundleError(f"{path}: {what}")
""",
    "a result": """
def check(): raise BundleError(tr("{name}: {why}", name=name, why=why(errors)))
def why(errors): return errors[-1] if errors else "the program failed"
""",
    "a list": """
def check():
    parts = []
    parts.append("write the name instead")
    raise BundleError(tr("wrong"), hint="; ".join(parts))
""",
    "notes": """
def make(): return InitResult(profile, (), tuple(notes()))
def notes(): yield f"{name}: the installer asks for it"
""",
    "a class of errors": """
class OddError(BundleError):
    def __init__(self): super().__init__(said(self), hint=None)
def said(problems): return "the profile must decide"
""",
}
TRANSLATED = {
    "a text": 'raise BundleError(tr("is wrong"), hint=tr(REMEDY))',
    "a place": 'raise BundleError(f"{where}: {path}: {message}")',
    "names": 'raise BundleError(tr("{name} is off", name="MySQL" if a else "PostgreSQL"))',
    "a setting": 'tr("{hint}, or {ask}", hint=hint, ask=f"`settings: secrets: {{{name}: ask}}`")',
    "a command": 'echo(f"  bundle build --profile {name}")',
    "both languages": 'refuse("mysql", "不接管 MySQL 的数据")',
    "a table": """
WORDS = {"a": tr_later("a list"), "b": tr_later("a mapping")}
def check(kind): raise BundleError(tr("must be {what}", what=tr(WORDS[kind])))
""",
    "a variable of another function": """
def other(): message = "of no one"
def check(message): raise BundleError(message)
""",
    "an error of the program": 'raise AssertionError("cannot be")',
}


@pytest.mark.parametrize("code", ESCAPING.values(), ids=ESCAPING)
def test_a_text_that_escapes_is_found(code: str) -> None:
    assert len(escaped(ast.parse(code))) == 1


@pytest.mark.parametrize("code", TRANSLATED.values(), ids=TRANSLATED)
def test_other_texts_are_not(code: str) -> None:
    assert escaped(ast.parse(code)) == []


def test_no_text_for_people_escapes_the_catalogue() -> None:
    found = {
        str(path.relative_to(ROOT)): texts
        for path in sources()
        if not str(path.relative_to(ROOT)).startswith(AT_THE_SITE)
        and (texts := escaped(ast.parse(path.read_text())))
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
