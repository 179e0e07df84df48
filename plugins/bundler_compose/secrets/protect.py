"""Checks that no secret that a site generates is left in what travels, in any form."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bundler.api.application import ApplicationModel
from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.secrets.forms import is_distinctive
from bundler_compose.secrets.places import Keys
from bundler_compose.secrets.positions import find_spans, find_value
from bundler_compose.secrets.project import CARRY, Group
from bundler_compose.secrets.quoting import written_forms


def check_protected(
    model: ApplicationModel, groups: Iterable[Group], words: frozenset[str], at: Callable[[Keys], str]
) -> None:
    """Refuse a model that still has the value of a group which the site generates or asks for.

    Args:
        model: everything that becomes a part of the bundle.
        groups: the groups of secrets.
        words: words of the project that are something else too.
        at: returns the place of a key of the Compose document for people.

    Raises:
        BundleError: a value is left. The message names the secret and the place, not the value.
    """
    replaced = [group for group in groups if group.kind != CARRY and group.value]
    for where, text in _texts(model, at):
        short = {group.value: group for group in replaced}
        left = next((short[span.value] for span in find_spans("", text) if span.value in short), None)
        for group in replaced:
            if is_distinctive(group.value) and group.value not in words and _has(text, group.value):
                left = group
        if left is not None:
            raise _left(left, where)
    for file in (*model.files, *model.carried):
        content = file.read()
        for group in replaced:
            if is_distinctive(group.value) and group.value not in words and _has_bytes(content, group.value):
                before, found, _ = content.partition(group.value.encode())
                line = before.count(b"\n") + 1
                raise _left(group, f"{file.path}:{line}" if found else file.path)


def _left(group: Group, where: str) -> BundleError:
    return BundleError(
        tr(
            "{where}: the secret {name} would travel in the bundle, where it cannot be replaced",
            where=where,
            name=group.name,
        ),
        hint=tr(
            "write ${{{name}}} or @@{name}@@ there, or `settings: secrets: {{{name}: carry}}`",
            name=group.name,
        ),
    )


def _has(text: str, value: str) -> bool:
    """Whether a value stands in a text as a word of its own, in another spelling, or in base64."""
    return next(find_value(text, value), None) is not None or _has_bytes(
        text.encode("utf-8", "surrogatepass"), value, plain=False
    )


def _has_bytes(content: bytes, value: str, *, plain: bool = True) -> bool:
    raw = value.encode()
    if plain and any(True for _ in _bounded(content, raw)):
        return True
    if any(form.encode("utf-8", "surrogatepass") in content for form in written_forms(value)[1:]):
        return True
    return any(form in content for form in _base64_forms(raw))


def _bounded(content: bytes, raw: bytes) -> Iterator[int]:
    start = content.find(raw)
    while start >= 0:
        around = (
            content[start - 1 : start] if start else b"",
            content[start + len(raw) : start + len(raw) + 1],
        )
        if not any(side.isalnum() or side == b"_" for side in around):
            yield start
        start = content.find(raw, start + 1)


def _base64_forms(raw: bytes) -> Iterator[bytes]:
    """Yield the base64 of `raw` inside a text, without the characters that depend on its neighbours."""
    for lead in range(3):
        whole = base64.b64encode(b"\0" * lead + raw)
        first = -(-lead * 8 // 6)
        yield whole[first : (lead + len(raw)) * 8 // 6]


def _texts(model: ApplicationModel, at: Callable[[Keys], str]) -> Iterator[tuple[str, str]]:
    yield from _document(model.compose, (), at)
    for part in ("variables", "probes", "adoption"):
        for entry in getattr(model, part):
            data = entry.model_dump() if hasattr(entry, "model_dump") else dataclasses.asdict(entry)
            yield from _below(f"{part}: {data.get('name') or data.get('id') or ''}", data)
    yield from _below("lifecycle", dataclasses.asdict(model.lifecycle))
    yield "title", model.title


def _document(value: Any, keys: Keys, at: Callable[[Keys], str]) -> Iterator[tuple[str, str]]:  # noqa: ANN401 any YAML value
    if isinstance(value, str):
        yield at(keys), value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _document(item, (*keys, key), at)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _document(item, (*keys, index), at)


def _below(where: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 any value of a model
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _below(f"{where}.{key}", item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _below(where, item)
