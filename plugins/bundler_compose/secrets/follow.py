"""Follows the secrets of a project to every place where they stand, and puts site variables there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bundler.api.application import ConfigFile
from bundler.api.variable import SiteVariable
from bundler.language import tr
from bundler_compose.reading.environment import is_reserved
from bundler_compose.secrets.files import FileSecrets, places_in
from bundler_compose.secrets.forms import GENERATOR, is_distinctive
from bundler_compose.secrets.groups import group_variable, make_groups
from bundler_compose.secrets.names import (
    comes_from_outside,
    is_identifier_name,
    is_plain_name,
    is_secret_name,
)
from bundler_compose.secrets.overlaps import Changes
from bundler_compose.secrets.places import Keys, Place, change_places, find_places
from bundler_compose.secrets.positions import extend_spans, find_spans, find_value
from bundler_compose.secrets.project import CARRY, GENERATE, PUBLIC, Group, Problem, Project
from bundler_compose.secrets.quoting import written_forms
from bundler_compose.secrets.search import (
    find_secrets,
    known_words,
    spans_of,
    user_words,
    whole_values,
)
from bundler_compose.secrets.words import COMMON
from bundler_compose.site_text import Use

_CHANCE: Final = 4
"""A value shorter than this stands in other texts by chance."""


@dataclass(frozen=True)
class Followed:
    """A project whose secrets are site variables.

    Attributes:
        document: the document with marks of the groups' variables.
        files: carried files; those with secrets are site templates now.
        variables: the site variables of secrets, by name.
        groups: the groups, in the order of their first places.
        problems: what the profile must decide before a bundle can be built.
    """

    document: Mapping[str, Any]
    files: Mapping[str, ConfigFile]
    variables: Mapping[str, SiteVariable]
    groups: tuple[Group, ...]
    problems: tuple[Problem, ...]


def follow_secrets(project: Project) -> Followed:
    """Find the secrets of a project, and put site variables in every place where they stand."""
    passed = project.document
    rules = dataclasses.replace(project.rules, decisions={**_identifiers(project), **project.rules.decisions})
    project = dataclasses.replace(project, document=_with_passed(project), rules=rules)
    in_files = FileSecrets(project.document, project.files, project.at)
    groups, problems = make_groups(project, [*find_secrets(project), *in_files.find()])
    follower = _Follower(project, groups)
    changed: dict[Keys, tuple[str, ...]] = {}
    for place in find_places(project.document):
        texts = follower.follow(place)
        if texts != place.texts:
            changed[place.keys] = texts
    document = _without_passed(project, change_places(project.document, changed), passed)
    document, added = follower.follow_sources(document)
    replaced = [group for group in groups if group.kind != CARRY]
    files, more = in_files.replace({**project.files, **added}, replaced, project.rules)
    variables = {group.name: group_variable(group) for group in replaced}
    variables |= _without_values(project, document, variables)
    variables |= {name: _made_at_site(project, name) for name in in_files.made_at_site() - set(variables)}
    listed = tuple(_with_places(project, group, changed, files) for group in groups)
    return Followed(document, files, variables, listed, (*problems, *follower.problems, *more))


def _with_places(
    project: Project, group: Group, changed: Mapping[Keys, tuple[str, ...]], files: Mapping[str, ConfigFile]
) -> Group:
    """Return a group with the places where only its value was found, in the document and in files."""
    marks = project.today.marks
    more = [
        project.at(keys)
        for keys, texts in changed.items()
        if any(use.name == group.name for text in texts for use in marks.uses(text))
    ]
    for path, file in files.items():
        if file is not project.files.get(path):
            more += places_in(path, file, group)
    return dataclasses.replace(group, places=tuple(dict.fromkeys((*group.places, *more))))


def _identifiers(project: Project) -> dict[str, str]:
    """Return the access keys that have the name of a user of the project: they are no secrets."""
    words = known_words(project) - COMMON | user_words(project)
    found = {}
    for place in find_places(project.document):
        for marked in place.texts:
            if is_identifier_name(place.name) and project.today.text(marked) in words:
                found[place.name] = PUBLIC
            for segment in project.today.uses(marked):
                use = segment.use
                if use and is_identifier_name(use.name) and project.today.text(segment.raw) in words:
                    found[use.name] = PUBLIC
    return found


def _with_passed(project: Project) -> dict[str, Any]:
    """Return the document in which names without a value, which Compose resolves, are uses of variables."""
    passed: dict[Keys, tuple[str, ...]] = {}
    for service, entry in (project.document.get("services") or {}).items():
        for name, value in (entry.get("environment") or {}).items():
            if value is None and project.today.text(project.today.values.get(name, "")):
                passed["services", service, "environment", name] = (project.today.marks.mark(Use(name)),)
    return change_places(project.document, passed)


def _without_passed(
    project: Project, document: Mapping[str, Any], original: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the document in which names without a value that are still the same variable have none again."""
    services = {}
    for service, entry in (document.get("services") or {}).items():
        before = original["services"][service].get("environment") or {}
        if not before:
            services[service] = entry
            continue
        environment = {
            name: None if before[name] is None and value == project.today.marks.mark(Use(name)) else value
            for name, value in entry["environment"].items()
        }
        services[service] = {**entry, "environment": environment}
    return {**document, "services": services}


class _Follower:
    """Puts the variables of groups into texts.

    Attributes:
        problems: places of which it is not clear whether they have a secret.
    """

    def __init__(self, project: Project, groups: Sequence[Group]) -> None:
        self.problems: list[Problem] = []
        self._project = project
        self._today = project.today
        self._groups = {group.value: group for group in groups if group.kind != CARRY}
        self._renamed = {
            name: group.name
            for group in self._groups.values()
            for name in group.variables
            if name in project.today.values
        }
        self._words = known_words(project)
        self._known = whole_values(project)
        self._hosts = frozenset(project.document.get("services") or {})

    def text_of(self, group: Group) -> str:
        """Return what stands in a place of the group: its variable, and the constant parts of its form."""
        return group.form.prefix + self._today.marks.mark(Use(group.name)) + group.form.suffix

    def follow(self, place: Place) -> tuple[str, ...]:
        """Return the texts of a place with the variables of the groups."""
        today = [self._today.text(text) for text in place.texts]
        spans = spans_of(self._project, place, today, self._known)
        public = self._project.rules.decisions.get(place.label) == PUBLIC
        if any(not span.closed for found in spans.values() for span in found):
            self._refuse_unclosed(place)
        changed = []
        for index, (marked, text) in enumerate(zip(place.texts, today, strict=True)):
            changes = self._changes_of_uses(marked)
            for span in spans.get(index, ()):
                if span.value in self._groups:
                    changes.add(span.start, span.end, self.text_of(self._groups[span.value]))
            if not public:
                self._add_elsewhere(place, text, changes)
            changed.append(self._rename(self._today.replace(marked, changes.kept)))
        return tuple(changed)

    def _changes_of_uses(self, marked: str) -> Changes:
        """Return the changes of uses whose value of today is a secret of a group of the same variable."""
        changes = Changes()
        for segment in self._today.uses(marked):
            if segment.use is None or segment.use.operator.endswith("+"):
                continue
            group = self._groups.get(self._today.text(segment.raw))
            if group is not None and segment.use.name in group.variables:
                changes.add(segment.start, segment.end, self.text_of(group))
        return changes

    def _add_elsewhere(self, place: Place, text: str, changes: Changes) -> None:
        """Add the changes of values that stand where nothing says that they are secrets."""
        for value in sorted(self._groups, key=len, reverse=True):
            group = self._groups[value]
            sure = is_distinctive(value) and value not in self._words
            for written in written_forms(value):
                for start, end in find_value(text, written):
                    if not changes.is_free(start, end):
                        continue
                    if sure:
                        changes.add(start, end, self.text_of(group))
                    elif self._is_doubtful(place, value, whole=text == written):
                        self._doubt(place, group)

    def _is_doubtful(self, place: Place, value: str, *, whole: bool) -> bool:
        """Whether a short or common value in this place may be the secret, or a word of its own."""
        if place.is_file or is_plain_name(place.name) or value in self._hosts:
            return False
        if whole and not place.is_list:
            return True
        return len(value) >= _CHANCE and value not in self._words

    def _doubt(self, place: Place, group: Group) -> None:
        choices = {
            GENERATE: tr("it is the secret {name}", name=group.name),
            PUBLIC: tr("it is a word of its own, and stays"),
        }
        where = self._project.at(place.keys)
        message = tr(
            "has the value of the secret {name}, which is too short or too common to be sure of",
            name=group.name,
        )
        self.problems.append(Problem(where, message, "secrets", place.label, choices))

    def _refuse_unclosed(self, place: Place) -> None:
        choices = {
            GENERATE: tr("the whole text is a secret"),
            PUBLIC: tr("it has no secret, and stays"),
        }
        message = tr("has a secret in quotes that are not closed, of which the end is not known")
        where = self._project.at(place.keys)
        self.problems.append(Problem(where, message, "secrets", place.label, choices))

    def _rename(self, marked: str) -> str:
        """Return the text in which what depends on a variable of a group depends on the group's variable."""
        if not self._renamed:
            return marked
        pieces = []
        for piece in self._today.marks.split(marked):
            if isinstance(piece, str):
                pieces.append(piece)
                continue
            name = piece.name
            if piece.operator.endswith("+"):
                name = self._renamed.get(name, name)
            use = dataclasses.replace(piece, name=name, word=self._rename(piece.word))
            pieces.append(self._today.marks.mark(use))
        return "".join(pieces)

    def follow_sources(self, document: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, ConfigFile]]:
        """Return the document with `secrets` and `configs` of variables, and files for derived values.

        A variable that is made of secrets is no variable of the site: the secret becomes a file with the
        value, and the config a text.
        """
        changed = dict(document)
        files: dict[str, ConfigFile] = {}
        for section in ("secrets", "configs"):
            entries = {}
            for key, entry in (document.get(section) or {}).items():
                name = entry.get("environment") if isinstance(entry, Mapping) else None
                if not isinstance(name, str) or name not in self._today.values:
                    entries[key] = entry
                    continue
                entries[key] = self._source(section, key, entry, name, files)
            if entries:
                changed[section] = entries
        return changed, files

    def _source(
        self, section: str, key: str, entry: Mapping[str, Any], name: str, files: dict[str, ConfigFile]
    ) -> Mapping[str, Any]:
        marked = self._today.values[name]
        place = Place((section, key, "environment"), "", (marked,))
        followed = self._followed_value(place, marked, name)
        if followed == marked and not any(self._today.uses(marked)):
            return entry
        whole = next(iter(self._today.marks.split(followed)), None)
        if isinstance(whole, Use) and followed == self._today.marks.mark(Use(whole.name)):
            return {**entry, "environment": whole.name}
        rest = {item: value for item, value in entry.items() if item != "environment"}
        if section == "configs":
            return {**rest, "content": followed}
        path = f"secrets/{re.sub(r'[^A-Za-z0-9._-]', '_', key)}"
        while path in self._project.files or path in files:
            path += "_"
        text = "".join(
            piece if isinstance(piece, str) else f"@@{piece.name}@@"
            for piece in self._today.marks.split(followed)
        )
        files[path] = ConfigFile(path, text.encode(), template="text")
        return {**rest, "file": f"./{path}"}

    def _followed_value(self, place: Place, marked: str, name: str) -> str:
        text = self._today.text(marked)
        changes = self._changes_of_uses(marked)
        if text in self._groups and name in self._groups[text].variables:
            return self.text_of(self._groups[text])
        for span in extend_spans(find_spans("", text), text, self._known):
            if span.value in self._groups:
                changes.add(span.start, span.end, self.text_of(self._groups[span.value]))
        self._add_elsewhere(place, text, changes)
        return self._today.replace(marked, changes.kept)


def _without_values(
    project: Project, document: Mapping[str, Any], known: Collection[str]
) -> dict[str, SiteVariable]:
    """Return the secrets that have no value today.

    A use with a default, or an entry of an environment without a value, says that the secret is optional: it
    stays empty. `${NAME:?text}`, `${NAME?text}` and `secrets:` require a value: each site generates it, or is
    asked for one that only a service outside can give. One is generated for `${NAME}` too, which Compose
    takes for empty with a warning: a service with an empty password does not start, or is open to everyone.
    """
    uses, required = _operators(project, document)
    found = {}
    for name, operators in uses.items():
        secret = is_secret_name(name)
        if (
            name in known
            or name in project.rules.declared
            or is_reserved(name)
            or not (secret or name in required)
        ):
            continue
        decided = project.rules.decision(name)
        if decided != PUBLIC and not project.today.text(project.today.values.get(name, "")):
            is_set = name in project.today.values
            must = name in required or ":?" in operators or ("?" in operators and not is_set)
            bare = not is_set and not any(operator.endswith(("-", "+")) for operator in operators)
            found[name] = _variable_without_value(name, decided, must=must, bare=bare)
    return found


def _made_at_site(project: Project, name: str) -> SiteVariable:
    """Return the variable of a file of `secrets:` that the project does not have."""
    return _variable_without_value(name, project.rules.decision(name), must=True)


def _operators(project: Project, document: Mapping[str, Any]) -> tuple[dict[str, set[str]], set[str]]:
    """Return the operators with which each variable is used, and the variables that `secrets:` need."""
    uses: dict[str, set[str]] = {}
    for place in find_places(document):
        for marked in place.texts:
            for use in project.today.marks.uses(marked):
                uses.setdefault(use.name, set()).add(use.operator)
    for entry in (document.get("services") or {}).values():
        for name, value in (entry.get("environment") or {}).items():
            if value is None:
                uses.setdefault(name, set()).add("-")
    required = set()
    for entry in (document.get("secrets") or {}).values():
        name = entry.get("environment") if isinstance(entry, Mapping) else None
        if isinstance(name, str):
            uses.setdefault(name, set()).add("")
            required.add(name)
    return uses, required


def _variable_without_value(
    name: str, decided: str | None, *, must: bool, bare: bool = False
) -> SiteVariable:
    if decided in {"ask", "carry"}:
        return SiteVariable(name=name, kind="secret", required=True)
    if decided is not None:
        generator = GENERATOR if decided == GENERATE else decided
        return SiteVariable(name=name, kind="secret", generator=generator)
    if (must or bare) and is_secret_name(name) and not comes_from_outside(name):
        return SiteVariable(name=name, kind="secret", generator=GENERATOR)
    return SiteVariable(name=name, kind="secret", required=must)
