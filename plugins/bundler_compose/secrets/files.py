"""Secrets in carried files: files of `secrets:`, configuration, and keys that must not travel."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from bundler.api.application import INITIAL, ConfigFile
from bundler.api.templates.formats import guess_format
from bundler.language import tr
from bundler_compose.secrets.encodings import encoded_forms, read_other, read_utf8
from bundler_compose.secrets.forms import is_distinctive
from bundler_compose.secrets.material import find_material
from bundler_compose.secrets.names import variable_name
from bundler_compose.secrets.overlaps import Ranges
from bundler_compose.secrets.places import Keys
from bundler_compose.secrets.positions import extend_spans, find_spans, find_value
from bundler_compose.secrets.project import CARRY, Finding, Group, Problem, Rules, in_files
from bundler_compose.secrets.quoting import written_forms

_SITE_VALUE: Final = re.compile(r"@@[A-Za-z_][A-Za-z0-9_]*@@")
_INITIAL: Final = f"{INITIAL}/"
"""Folder of carried files that become data of the site."""
LARGEST: Final = 4 << 20
"""A larger file is searched as bytes: no program reads a configuration of that size."""


class FileSecrets:
    """The carried files of a project, and which of them are secrets as a whole."""

    def __init__(
        self, document: Mapping[str, Any], files: Mapping[str, ConfigFile], at: Callable[[Keys], str]
    ) -> None:
        """Keep the files, and the paths of `secrets:` of the document."""
        self._files = files
        self._at = at
        self._mounted = set(_in_run_secrets(document))
        self._whole: dict[str, str] = {}
        for name, entry in (document.get("secrets") or {}).items():
            path = entry.get("file") if isinstance(entry, Mapping) else None
            if isinstance(path, str) and path.removeprefix("./") in files:
                self._whole[path.removeprefix("./")] = name

    def made_at_site(self) -> frozenset[str]:
        """Return the variables whose values are files of `secrets:` that the project does not have."""
        wanted = {path: f"@@{variable_name(name)}@@" for path, name in self._whole.items()}
        return frozenset(
            mark.strip("@") for path, mark in wanted.items() if text_of(self._files[path]) == mark
        )

    def find(self) -> Iterator[Finding]:
        """Yield each file of `secrets:` as a place of its content, or of the passwords of addresses in it."""
        for path, name in self._whole.items():
            text = text_of(self._files[path])
            if text is None or _SITE_VALUE.search(text) or not text.strip():
                continue
            keys = ("secrets", name, "file")
            value = text.strip()
            start = text.index(value)
            label = variable_name(name)
            where = self._at(keys)
            spans = find_spans("", text, is_file=True) if "\n" in value or "://" in value else []
            if not all(span.closed for span in spans):
                spans = []
            for span in spans:
                names = (variable_name(span.name or f"{label}_PASSWORD"),)
                yield Finding(
                    keys, 0, span.start, span.end, span.value, names, where, literal=True, host=span.host
                )
            if not spans:
                yield Finding(
                    keys, 0, start, start + len(value), value, (label,), where, literal=True, whole=True
                )

    def replace(
        self, files: Mapping[str, ConfigFile], groups: Sequence[Group], rules: Rules
    ) -> tuple[dict[str, ConfigFile], list[Problem]]:
        """Return the files with `@@NAME@@` in each place of a group, and what must be decided."""
        changed = {}
        problems: list[Problem] = []
        for path, file in files.items():
            text = text_of(file)
            if text is None:
                changed[path] = file
                if not self._is_carried(path, rules):
                    problems += self._unreadable(path) or _in_other(path, file, groups)
                continue
            new, found = self._replace_in(path, file, text, groups)
            changed[path] = new
            problems += found
            if path in self._mounted and new is file and text.strip() and not self._is_carried(path, rules):
                message = tr("is mounted in /run/secrets, and is a secret as a whole")
                problems.append(Problem(path, message, "carry", path, in_files()))
            elif not self._is_carried(path, rules) and path not in self._whole:
                problems += find_material(
                    path.removeprefix(_INITIAL), text, {group.value for group in groups}
                )
        return changed, problems

    def _unreadable(self, path: str) -> list[Problem]:
        """Return the problem of a file of `secrets:` that is no UTF-8: it is a secret as a whole."""
        if path not in self._whole:
            return []
        message = tr("is a secret that is no UTF-8 text, and cannot be generated")
        return [Problem(path, message, "carry", path, in_files())]

    def _is_carried(self, path: str, rules: Rules) -> bool:
        if path in self._whole and rules.decision(variable_name(self._whole[path])) == CARRY:
            return True
        return rules.mode == CARRY or path.removeprefix(_INITIAL) in rules.carry

    def _replace_in(
        self, path: str, file: ConfigFile, text: str, groups: Sequence[Group]
    ) -> tuple[ConfigFile, list[Problem]]:
        if file.template is not None:
            file = dataclasses.replace(file, content=_rename(text, groups).encode())
            text = file.read().decode()
        changes = _changes(text, {group.value: group for group in groups}, whole=path in self._whole)
        if not changes:
            return file, []
        if file.template is None and _SITE_VALUE.search(text):
            message = tr("has the value of a secret, and also @@NAME@@, which would become a site value")
            choices = {tr("list it"): tr("in `site_templates`, if @@NAME@@ are site values")}
            where = f"{path}:{text.count(chr(10), 0, changes[0][0]) + 1}"
            return file, [Problem(where, message, "site_templates", path, choices)]
        for start, end, group in reversed(changes):
            text = f"{text[:start]}{group.form.prefix}@@{group.name}@@{group.form.suffix}{text[end:]}"
        guessed = "text" if path in self._whole else guess_format(path, text[:200].encode())
        template = file.template or guessed
        return dataclasses.replace(file, content=text.encode(), template=template), []


def _in_run_secrets(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths of files that services mount in the folder that Compose has for secrets."""
    for entry in (document.get("services") or {}).values():
        for volume in entry.get("volumes") or ():
            if str(volume.get("target", "")).startswith("/run/secrets/") and volume.get("source"):
                yield str(volume["source"]).removeprefix("./")


def places_in(path: str, file: ConfigFile, group: Group) -> tuple[str, ...]:
    """Return the places of a group's variable in a carried file, each with its line."""
    text = text_of(file) or ""
    mark = re.escape(f"@@{group.name}@@")
    return tuple(f"{path}:{text.count(chr(10), 0, found.start()) + 1}" for found in re.finditer(mark, text))


def _rename(text: str, groups: Sequence[Group]) -> str:
    """Return a site template with the names of groups in the places of the project's variables."""
    for group in groups:
        for name in group.variables - {group.name}:
            if not any(
                name == other.name or (other != group and name in other.variables) for other in groups
            ):
                text = text.replace(f"@@{name}@@", f"@@{group.name}@@")
    return text


def _changes(text: str, groups: Mapping[str, Group], *, whole: bool) -> list[tuple[int, int, Group]]:
    """Return the places of groups in a file, in their order: known positions, and distinctive values."""
    found: list[tuple[int, int, Group]] = []
    taken = Ranges()

    def add(start: int, end: int, group: Group) -> None:
        if taken.take(start, end):
            found.append((start, end, group))

    stripped = text.strip()
    if whole and stripped in groups:
        start = text.index(stripped)
        return [(start, start + len(stripped), groups[stripped])]
    for span in extend_spans(find_spans("", text, is_file=True), text, groups):
        if span.value in groups:
            add(span.start, span.end, groups[span.value])
    for value in sorted(filter(is_distinctive, groups), key=len, reverse=True):
        for written in written_forms(value):
            for start, end in find_value(text, written):
                add(start, end, groups[value])
    return sorted(found, key=lambda change: change[0])


def _in_other(path: str, file: ConfigFile, groups: Sequence[Group]) -> Iterator[Problem]:
    """Yield the problems of a file that is no UTF-8: keys, passwords, and values of groups."""
    content = file.read()
    name = path.removeprefix(_INITIAL)
    text = read_other(content) if len(content) <= LARGEST else None
    known = {group.value: group for group in groups}
    in_text = [] if text is None else list(find_material(name, text, known))
    yield from in_text or find_material(name, None, known, content)
    found = {group.name for *_, group in _changes(text or "", known, whole=False)}
    for group in groups:
        in_bytes = is_distinctive(group.value) and any(form in content for form in encoded_forms(group.value))
        if group.name in found or in_bytes:
            message = tr(
                "has the value of the secret {name}, and is no UTF-8, where it is replaced", name=group.name
            )
            message += tr("; save the file as UTF-8") if text is not None else ""
            yield Problem(path, message, "carry", name, in_files())


def text_of(file: ConfigFile) -> str | None:
    """Return the file as a text in which values can be replaced, or None if it is none."""
    content = file.read()
    return None if len(content) > LARGEST else read_utf8(content)
