"""Makes the site variables of a project from the uses that the reading for the site left in its documents.

A value of `.env` is the default. Without one, a variable is optional: the documents say what applies, and the
operator is not asked. Only `${NAME:?text}` and `${NAME?text}` require an answer;
the second takes an empty one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bundler.api.text import Text
from bundler.api.variable import SiteVariable, VariableKind
from bundler_compose.reading.environment import Environment, is_reserved
from bundler_compose.site_text import Marks, Use

GENERATOR: Final = "random:32"
"""Generator of secrets: 190 bits, with characters that require no quoting anywhere."""

_ADDRESS_PORT: Final = r"(([0-9]+(\.[0-9]+)+|\[[0-9A-Fa-f:]+\]):)?[0-9]+(-[0-9]+)?"
"""What a variable can hold that is the host's part of a port in the short form."""
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_ASSIGNMENT: Final = re.compile(r"(export )?[A-Za-z_][A-Za-z0-9_.-]*\s*[=:]")
_WORDY: Final = re.compile(r"\w")
_SPACES: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_LONGEST_PROMPT: Final = 300
"""Maximum length of a prompt from the project, in characters."""
_EMPTY_DIFFERS: Final = frozenset({"-", "+", "?"})


@dataclass
class _Found:
    """What the documents say about one variable.

    Attributes:
        operators: of its uses.
        defaults: texts that apply without a value, in the order of the documents.
        reason: text of `${NAME:?text}`.
        required: operators of the uses outside of words that require it, `:?` and `?`.
        is_port: whether it is a published port.
        is_binding: whether it is the host's part of a port in the short form.
    """

    operators: set[str] = field(default_factory=set)
    defaults: dict[str, None] = field(default_factory=dict)
    reason: str = ""
    required: set[str] = field(default_factory=set)
    is_port: bool = False
    is_binding: bool = False


def find_site_variables(
    document: Mapping[str, Any],
    marks: Marks,
    environment: Environment,
    secrets: Collection[str],
) -> dict[str, SiteVariable]:
    """Return the variables that the site may set, in the order in which they are used.

    Args:
        document: canonical document of the reading for the site.
        marks: those of this reading.
        environment: variables of the project.
        secrets: names of those that are secrets.
    """
    found: dict[str, _Found] = {}
    for text in _strings(document):
        for use in marks.split(text):
            if isinstance(use, Use):
                _note(found, use, marks, is_word=False)
    for name in _passed(document):
        found.setdefault(name, _Found()).operators.add("?")
    for name in _of_top_level(document):
        found.setdefault(name, _Found())
    _note_ports(found, document, marks)
    return {
        name: _variable(name, what, environment, is_secret=name in secrets)
        for name, what in found.items()
        if not is_reserved(name)
    }


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401 a document
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _note(found: dict[str, _Found], use: Use, marks: Marks, *, is_word: bool) -> None:
    what = found.setdefault(use.name, _Found())
    what.operators.add(use.operator)
    if use.operator.endswith("-"):
        what.defaults[_as_line(marks.render(use.word))] = None
    elif not use.operator:
        what.defaults[""] = None
    elif use.operator.endswith("?") and not is_word:
        what.required.add(use.operator)
        what.reason = what.reason or _as_line(marks.bind(use.word, {}))
    for inner in marks.split(use.word):
        if isinstance(inner, Use):
            _note(found, inner, marks, is_word=True)


def _passed(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that services pass on without a value, which is not passed if there is none."""
    for service in (document.get("services") or {}).values():
        environment = service.get("environment")
        if isinstance(environment, Mapping):
            yield from (name for name, value in environment.items() if value is None)


def _of_top_level(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of variables that are a config or a secret."""
    for kind in ("configs", "secrets"):
        for entry in (document.get(kind) or {}).values():
            if isinstance(entry, Mapping) and isinstance(entry.get("environment"), str):
                yield entry["environment"]


def _note_ports(found: dict[str, _Found], document: Mapping[str, Any], marks: Marks) -> None:
    for service in (document.get("services") or {}).values():
        for port in service.get("ports") or ():
            is_long = isinstance(port, Mapping)
            text = str(port.get("published") or "") if is_long else str(port)
            pieces = list(marks.split(text))
            if is_long and len(pieces) == 1 and isinstance(pieces[0], Use):
                found[pieces[0].name].is_port = True
            elif not is_long and pieces and isinstance(pieces[0], Use) and text.count(":") == 1:
                found[pieces[0].name].is_binding = True


def _variable(name: str, what: _Found, environment: Environment, *, is_secret: bool) -> SiteVariable:
    default = environment.today(name)
    prompt = _prompt(name, what, environment)
    applies = tuple(text for text in what.defaults if text)
    unset = default is None and bool(what.operators & _EMPTY_DIFFERS)
    required = bool(what.required) and (default is None or (not default and ":?" in what.required))
    if is_secret:
        has_value = bool(default or applies or required)
        return SiteVariable(
            name=name,
            kind="secret",
            prompt=prompt,
            generator=GENERATOR if has_value else None,
            unset=unset,
        )
    kind, pattern = _kind(what, tuple(filter(None, (default, *applies))))
    return SiteVariable(
        name=name,
        kind=kind,
        prompt=prompt,
        default=default,
        default_is=" | ".join(text or "-" for text in what.defaults) if default is None and applies else None,
        required=required,
        unset=unset,
        pattern=pattern,
    )


def _kind(what: _Found, values: Collection[str]) -> tuple[VariableKind, str | None]:
    """Return the kind of a variable, and its pattern. `values` are those that it has without an answer."""
    if what.is_port and all(_PORT.fullmatch(value) for value in values):
        return "port", None
    if what.is_binding and all(re.fullmatch(_ADDRESS_PORT, value) for value in values):
        return "string", _ADDRESS_PORT
    return "string", None


def _prompt(name: str, what: _Found, environment: Environment) -> Text | None:
    """Return the text of `${NAME:?text}`, or the comment above the variable in `.env`."""
    if what.reason:
        return Text(en=what.reason)
    comments = [entry.comment for entry in environment.entries if entry.name == name and entry.comment]
    if not comments:
        return None
    lines = [line for line in comments[-1].split("\n") if _WORDY.search(line) and not _ASSIGNMENT.match(line)]
    text = _as_line(" ".join(lines).strip("#=-* "))
    return Text(en=text) if text else None


def _as_line(text: str) -> str:
    """Return a text on one line, without characters that a table cannot hold."""
    line = _SPACES.sub(" ", text).strip()
    return line if len(line) <= _LONGEST_PROMPT else line[: _LONGEST_PROMPT - 1] + "…"
