"""Checks the values of a document against the schema of the Compose specification, as Compose does.

`compose-spec.json` beside this module is that of compose-go v2.16.1, which Docker Compose 5.6.0 uses
(Apache-2.0). Which keys there are, `bundler_compose.keys` checks: it knows their meaning, too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from bundler.language import tr, tr_later
from bundler_compose.reading.tree import FormError, Keys, go_text

_WORDS: Final = {
    "array": tr_later("a list"),
    "boolean": tr_later("true or false"),
    "integer": tr_later("a whole number"),
    "null": tr_later("empty"),
    "number": tr_later("a number"),
    "object": tr_later("a mapping"),
    "string": tr_later("a text"),
}

_MUST_BE: Final = tr_later("must be {what}")
"""Ends with what is allowed, in every language: see `_nearest`."""
_TYPES: Final = {"array": list, "boolean": bool, "null": type(None), "object": dict, "string": str}
"""Types of the schema that are one type here."""


@dataclass(frozen=True)
class Problem:
    """What the schema does not allow.

    Attributes:
        keys: of the value, from the top of the document.
        message: what it must be, for people.
        hint: how to write it; None if the message says so.
    """

    keys: Keys
    message: str
    hint: str | None = None


def must_be(what: Iterable[str]) -> str:
    """Return the message about a value that is none of these."""
    return tr(_MUST_BE, what=tr(" or ").join(what))


def check_values(document: Mapping[str, Any]) -> None:
    """Check the types and forms of the values of a merged document.

    Raises:
        FormError: the schema does not allow one; of several, the one that stands deepest is named.
    """
    found = list(_check(document, _schema(), ()))
    if found:
        problem = max(found, key=lambda problem: len(problem.keys))
        raise FormError(problem.keys, problem.message, problem.hint)


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(Path(__file__).with_name("compose-spec.json").read_bytes())
    return schema


def _check(value: Any, schema: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 any JSON values
    if isinstance(value, float) and not math.isfinite(value):
        yield Problem(keys, tr("must be a finite number"))
        return
    for keyword, wanted in schema.items():
        check = CHECKS.get(keyword)
        if check is not None:
            yield from check(value, wanted, keys)
    yield from _additional(value, schema, keys)


def _type(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    names = wanted if isinstance(wanted, list) else [wanted]
    if not any(_is(value, name) for name in names):
        quoted = "string" in names and isinstance(value, int | float)
        yield Problem(
            keys,
            must_be(tr(_WORDS[name]) for name in names),
            tr('write it in quotes: "{text}"', text=go_text(value)) if quoted else None,
        )


def _is(value: Any, name: str) -> bool:  # noqa: ANN401 likewise
    if name in _TYPES:
        return isinstance(value, _TYPES[name])
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return name == "number" or value == int(value)


def _enum(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    if value not in wanted:
        yield Problem(keys, tr("must be one of {words}", words=", ".join(map(repr, wanted))))


def _pattern(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    if isinstance(value, str) and not re.search(wanted, value):
        yield Problem(keys, tr("{value!r} does not match `{wanted}`", value=value, wanted=wanted))


def _minimum(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    if _is(value, "number") and value < wanted:
        yield Problem(keys, tr("must not be less than {wanted}", wanted=wanted))


def _maximum(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    if _is(value, "number") and value > wanted:
        yield Problem(keys, tr("must not be more than {wanted}", wanted=wanted))


def _required(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    for name in wanted if isinstance(value, dict) else ():
        if name not in value:
            yield Problem(keys, tr("lacks `{name}:`", name=name), tr("add `{name}:`", name=name))


def _properties(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    for name, item in value.items() if isinstance(value, dict) else ():
        if name in wanted:
            yield from _check(item, wanted[name], (*keys, name))


def _patterns(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    for name, item in value.items() if isinstance(value, dict) else ():
        for pattern, schema in wanted.items():
            if re.search(pattern, name):
                yield from _check(item, schema, (*keys, name))


def _additional(value: Any, schema: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    wanted = schema.get("additionalProperties")
    if not isinstance(wanted, dict) or not isinstance(value, dict):
        return
    for name, item in value.items():
        known = name in schema.get("properties", ())
        if not known and not any(re.search(each, name) for each in schema.get("patternProperties", ())):
            yield from _check(item, wanted, (*keys, name))


def _items(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield from _check(item, wanted, (*keys, index))


def _unique(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    seen: set[str] = set()
    for index, item in enumerate(value if wanted and isinstance(value, list) else ()):
        before = len(seen)
        seen.add(json.dumps(item, sort_keys=True))
        if len(seen) == before:
            yield Problem((*keys, index), tr("stands twice in the list"), tr("remove one of the two"))


def _one_of(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    tries = [list(_check(value, schema, keys)) for schema in wanted]
    if all(tries):
        yield from _nearest(tries, keys)


def _nearest(tries: list[list[Problem]], keys: Keys) -> Iterator[Problem]:
    """Yield the problems of the form that fits best; if none fits at all, say which there are."""
    deepest = max(tries, key=lambda problems: max(len(problem.keys) for problem in problems))
    if max(len(problem.keys) for problem in deepest) > len(keys):
        yield from deepest
        return
    begin = tr(_MUST_BE, what="")
    words = [p.message.removeprefix(begin) for problems in tries for p in problems[:1]]
    if all(problems[0].message.startswith(begin) for problems in tries):
        yield Problem(keys, must_be(dict.fromkeys(words)))
    else:
        other = [problem for problems in tries for problem in problems]
        yield next(problem for problem in other if not problem.message.startswith(begin))


def _all_of(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    for schema in wanted:
        yield from _check(value, schema, keys)


def _ref(value: Any, wanted: Any, keys: Keys) -> Iterator[Problem]:  # noqa: ANN401 likewise
    yield from _check(value, _schema()["$defs"][wanted.removeprefix("#/$defs/")], keys)


CHECKS: Final[Mapping[str, Callable[[Any, Any, Keys], Iterator[Problem]]]] = {
    "$ref": _ref,
    "allOf": _all_of,
    "anyOf": _one_of,
    "enum": _enum,
    "items": _items,
    "maximum": _maximum,
    "minimum": _minimum,
    "oneOf": _one_of,
    "pattern": _pattern,
    "patternProperties": _patterns,
    "properties": _properties,
    "required": _required,
    "type": _type,
    "uniqueItems": _unique,
}
"""The keywords of the schema that say something about values."""
