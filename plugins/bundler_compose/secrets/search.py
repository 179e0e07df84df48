"""Finds the secrets of a canonical document."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Final

from bundler_compose.secrets.commands import short_options
from bundler_compose.secrets.forms import is_secret_value, obstacle
from bundler_compose.secrets.layout import Segment
from bundler_compose.secrets.names import is_plain_name, is_secret_name, variable_name
from bundler_compose.secrets.places import Place, find_places
from bundler_compose.secrets.positions import extend_spans, find_spans, merge_spans
from bundler_compose.secrets.project import GENERATE, PUBLIC, Finding, Project
from bundler_compose.secrets.span import Span
from bundler_compose.secrets.words import COMMON

_ADDRESS: Final = re.compile(r"://([^\s:/@]+):[^\s/@]*@[^\s/]+/([\w-]*)")
_OPTION: Final = re.compile(r"-{1,2}[A-Za-z][\w.-]*")


def find_secrets(project: Project) -> list[Finding]:
    """Return each place of the document that has a secret by its position, in the document's order."""
    found: list[Finding] = []
    known = whole_values(project)
    for place in find_places(project.document):
        texts = [project.today.text(text) for text in place.texts]
        for index, spans in spans_of(project, place, texts, known).items():
            found += (
                finding
                for span in spans
                if span.closed and (finding := _finding(project, place, index, span)) is not None
            )
        found += _variables(project, place)
    found += _sources(project)
    return found


def whole_values(project: Project) -> frozenset[str]:
    """Return the values that are secrets by the name of the variable or label whose whole value they are."""
    values = set()
    for place in find_places(project.document):
        if place.name and is_secret_name(place.name):
            text = project.today.text(place.texts[0])
            values |= {text} if is_secret_value(place.name, text) else set()
    return frozenset(values)


def spans_of(
    project: Project, place: Place, texts: list[str], known: Collection[str]
) -> Mapping[int, list[Span]]:
    """Return the places of secrets in a text or a list of arguments, by number of the argument.

    Args:
        project: decides which names are secrets.
        place: where the texts stand.
        texts: their values of today.
        known: secrets that a position may have only the beginning of.
    """
    spans = _spans_of(project, place, texts)
    return {index: extend_spans(found, texts[index], known) for index, found in spans.items()}


def _spans_of(project: Project, place: Place, texts: list[str]) -> Mapping[int, list[Span]]:
    decided = project.rules.decisions.get(place.label)
    if decided == PUBLIC:
        return {}
    if not place.is_list:
        text = texts[0]
        if text and (decided is not None or is_hidden(text)):
            spans = [] if decided is None else find_spans("", text)
            known = bool(spans) and all(span.closed for span in spans)
            return {0: spans if known else [Span(0, len(text), text, place.label)]}
        return {0: find_spans(place.name, text, is_file=place.is_file)}
    found = {index: find_spans("", text, is_file=" " in text) for index, text in enumerate(texts)}
    for index, (option, value) in enumerate(pairwise(texts), 1):
        if _OPTION.fullmatch(option) and is_secret_name(option) and is_secret_value(option, value):
            found[index] = [Span(0, len(value), value, option.lstrip("-"))]
    for index, span in short_options(texts):
        found[index] = merge_spans([*found[index], span])
    hidden = [index for index, text in enumerate(texts) if is_hidden(text)]
    return {**found, **{index: [Span(0, len(texts[index]), texts[index], place.label)] for index in hidden}}


def is_hidden(text: str) -> bool:
    """Whether a text has what a site cannot make: a hash, a private key, a signed token."""
    words = obstacle(text)
    return words is not None and (
        "hash" in words or "JWT" in words or "private" in words or "base64" in words
    )


def _finding(project: Project, place: Place, index: int, span: Span) -> Finding | None:
    """Return the place of a secret, or None if it is made of others, or is none for the profile."""
    marked = place.texts[index]
    inside = [use for use in project.today.uses(marked) if span.start <= use.start and use.end <= span.end]
    inside = [use for use in inside if use.end > use.start]
    whole = [use for use in inside if (use.start, use.end) == (span.start, span.end)]
    if any(use not in whole and _is_secret(project, use) for use in inside):
        return None  # derived from other secrets
    variables = frozenset(use.use.name for use in whole if use.use)
    named = [use.use.name for use in whole if use.use and _is_secret(project, use)]
    names = (*dict.fromkeys([*named, *(use.use.name for use in whole if use.use)]),)
    own = variable_name(span.name) if span.name else variable_name(f"{place.owner}_PASSWORD")
    names = (*names, own)
    if any(project.rules.decisions.get(name) == PUBLIC for name in names):
        return None
    return Finding(
        place.keys, index, span.start, span.end, span.value, names, project.at(place.keys),
        literal=project.today.is_literal(marked, span.start, span.end),
        variables=variables,
        host=span.host,
        whole=(span.start, span.end) == (0, len(project.today.text(marked))),
    )  # fmt: skip


def _is_secret(project: Project, segment: Segment) -> bool:
    """Whether a use is of a variable that holds a secret today, and does not make it of other secrets."""
    use = segment.use
    if use is None or segment.start == segment.end or use.operator.endswith("+"):
        return False
    decided = project.rules.decisions.get(use.name)
    declared = project.rules.declared.get(use.name)
    if decided == PUBLIC or (decided is None and declared is not None and declared.kind != "secret"):
        return False
    value = project.today.text(segment.raw)
    if decided is None and declared is None and not is_secret_name(use.name):
        return False
    return decided == GENERATE or declared is not None or is_secret_value(use.name, value)


def _variables(project: Project, place: Place) -> Iterator[Finding]:
    """Yield the uses of variables that hold secrets, wherever they stand."""
    for index, marked in enumerate(place.texts):
        length = len(project.today.text(marked))
        for segment in project.today.uses(marked):
            if segment.use is None or not _is_secret(project, segment):
                continue
            nested = list(project.today.uses(segment.source, segment.start))
            if any(
                _is_secret(project, use) and (use.start, use.end) != (segment.start, segment.end)
                for use in nested
            ):
                continue  # made of other secrets
            name = segment.use.name
            yield Finding(
                place.keys, index, segment.start, segment.end, project.today.text(segment.raw), (name,),
                project.at(place.keys), variables=frozenset({name}),
                whole=(segment.start, segment.end) == (0, length),
            )  # fmt: skip


def _sources(project: Project) -> Iterator[Finding]:
    """Yield the secrets of `secrets: environment`, and of `configs: environment` where the name says so."""
    for section in ("secrets", "configs"):
        for key, entry in (project.document.get(section) or {}).items():
            name = entry.get("environment") if isinstance(entry, Mapping) else None
            if not isinstance(name, str) or name not in project.today.values:
                continue
            marked = project.today.values[name]
            value = project.today.text(marked)
            if any(project.today.uses(marked)) or not value:
                continue
            keys = (section, key, "environment")
            spans = find_spans("", value) or (
                [Span(0, len(value), value)] if section == "secrets" or is_secret_name(name) else []
            )
            for span in spans:
                whole = (span.start, span.end) == (0, len(value))
                yield Finding(
                    keys, 0, span.start, span.end, span.value,
                    (name if whole else variable_name(span.name or f"{name}_PASSWORD"),),
                    project.at(keys), variables=frozenset({name} if whole else ()), whole=whole,
                )  # fmt: skip


def known_words(project: Project) -> frozenset[str]:
    """Return the words that mean something else in the project: its services, users, hosts and databases."""
    words = {str(project.document.get("name") or "")}
    for section in ("services", "networks", "volumes"):
        words |= set(project.document.get(section) or {})
    for entry in (project.document.get("services") or {}).values():
        words |= {str(entry.get(key)) for key in ("container_name", "hostname") if entry.get(key)}
        words |= set(re.split(r"[/:@.]", str(entry.get("image") or "")))
    return frozenset(words - {""}) | COMMON | user_words(project)


def user_words(project: Project) -> frozenset[str]:
    """Return the values of names that say that they are no secrets, and users and databases of addresses."""
    words = set()
    for entry in (project.document.get("services") or {}).values():
        for name, marked in (entry.get("environment") or {}).items():
            text = project.today.text(marked) if isinstance(marked, str) else ""
            if is_plain_name(name):
                words.add(text)
            for user, path in _ADDRESS.findall(text):
                words |= {user, path}
    return frozenset(words - {""})
