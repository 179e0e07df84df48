"""Puts places with one value into one group, and names the groups; decides where their values come from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from bundler.api.variable import SiteVariable
from bundler.language import tr, tr_later
from bundler_compose.reading.environment import is_reserved
from bundler_compose.secrets.clients import Clients
from bundler_compose.secrets.forms import LONGEST, Form, form_of, obstacle
from bundler_compose.secrets.names import belongs_outside, variable_name
from bundler_compose.secrets.places import find_places
from bundler_compose.secrets.project import ASK, CARRY, GENERATE, PUBLIC, Finding, Group, Problem, Project
from bundler_compose.secrets.words import COMMON

PLAIN: Final = "[A-Za-z0-9._~-]+"
"""Values that stand inside addresses, commands and files without quotes."""
CHOICES: Final = {
    ASK: tr_later("the installer asks for it at each site"),
    GENERATE: tr_later("each site generates a random one"),
    CARRY: tr_later("it travels in the bundle, where everyone who has it can read it"),
    PUBLIC: tr_later("it is no secret"),
}
"""What can be decided about a secret, with what it means."""


def make_groups(project: Project, findings: Sequence[Finding]) -> tuple[list[Group], list[Problem]]:
    """Return the groups in the order of their first places, and what the profile must decide about them."""
    by_value: dict[str, list[Finding]] = {}
    for finding in findings:
        by_value.setdefault(finding.value, []).append(finding)
    names = _name_groups(project, by_value)
    clients = Clients(project)
    groups = []
    problems: list[Problem] = []
    for value, members in by_value.items():
        group = _make_group(names[value], value, members)
        group, problem = _decide(project, clients, group, members)
        groups.append(group)
        if problem is not None:
            problems.append(problem)
    return groups, problems


def _make_group(name: str, value: str, members: Sequence[Finding]) -> Group:
    return Group(
        name=name,
        value=value,
        names=frozenset(name for member in members for name in member.names) | {name},
        places=tuple(dict.fromkeys(member.where for member in members)),
        literals=tuple(dict.fromkeys(member.where for member in members if member.literal)),
        kind="generate",
        form=form_of(value),
        variables=frozenset(name for member in members for name in member.variables),
        embedded=any(not member.whole for member in members),
    )


def _decide(
    project: Project, clients: Clients, group: Group, members: Sequence[Finding]
) -> tuple[Group, Problem | None]:
    """Return the group with what happens to it, and the problem if nothing is decided about it."""
    rules = project.rules
    decided = rules.decision(group.name, *sorted(group.names))
    if decided == PUBLIC:  # of a name that this value has elsewhere
        decided = None
    declared = rules.declared.get(group.name)
    if decided == CARRY or (decided is None and rules.mode == "carry" and group.literals):
        return _with(group, CARRY), None
    if decided is None and declared is not None:
        return _with(group, GENERATE if declared.generator else ASK, Form(declared.generator or "")), None
    if decided == ASK:
        return _with(group, ASK, Form("")), None
    if decided not in {None, GENERATE}:
        return _with(group, GENERATE, Form(str(decided))), None
    return group, _undecided(project, clients, group, members, is_decided=decided is not None)


def _undecided(
    project: Project, clients: Clients, group: Group, members: Sequence[Finding], *, is_decided: bool
) -> Problem | None:
    """Return what the profile must say about a group, or None if it can be generated as it is."""
    is_plain = False
    words = obstacle(group.value)
    choices = {choice: tr(text) for choice, text in CHOICES.items()}
    if words is not None:
        choices = {ASK: choices[ASK], CARRY: choices[CARRY]}
        if "\n" in group.value.strip():
            del choices[ASK]
    elif is_decided:
        return None
    elif (lacking := clients.server_without(group.value, members)) is not None:
        return _of_client(group, *lacking)
    elif _is_outside(clients, group, members):
        words = tr_later(
            "seems to belong to a service outside the project, where a random value is worth nothing"
        )
    elif project.rules.mode == "refuse" and group.literals:
        words, is_plain = tr_later("stands in plain text"), True
    if words is None:
        return None
    places = group.literals if is_plain else group.places[:1]
    message = f"{group.name} {tr(words, longest=LONGEST)}"
    return Problem(places[0], message, "secrets", group.name, choices, places[1:], is_plain=is_plain)


def _of_client(group: Group, server: str, member: Finding) -> Problem:
    """Return what the profile must say about a secret that only the clients of a service have."""
    message = tr(
        "{name} is for the service {service}, which does not get it in its own environment, command, files, "
        "secrets or configs: a random value would not be accepted. Set it there too, or decide",
        name=group.name,
        service=server,
    )
    choices = {
        CARRY: tr(
            "{choice}; {service} keeps the password that it brings", choice=tr(CHOICES[CARRY]), service=server
        ),
        ASK: tr("{choice}, as somebody sets it in {service}", choice=tr(CHOICES[ASK]), service=server),
        GENERATE: tr(
            "{choice}; right only if something else sets it in {service}",
            choice=tr(CHOICES[GENERATE]),
            service=server,
        ),
        PUBLIC: tr(CHOICES[PUBLIC]),
    }
    return Problem(member.where, message, "secrets", group.name, choices)


def _with(group: Group, kind: Literal["generate", "ask", "carry"], form: Form | None = None) -> Group:
    return replace(group, kind=kind, form=form or group.form)


def _is_outside(clients: Clients, group: Group, members: Iterable[Finding]) -> bool:
    """Whether every place of the value is of a service that the project does not have."""
    if group.value.lower() in COMMON:
        return False
    return all(
        _is_foreign(member.host, clients.hosts) if member.host else belongs_outside(member.names[0])
        for member in members
    )


def _is_foreign(host: str, own: Collection[str]) -> bool:
    return "." in host and host not in own and not host.endswith(".internal") and not host.startswith("127.")


def _name_groups(project: Project, by_value: Mapping[str, Sequence[Finding]]) -> dict[str, str]:
    """Return a name for the group of each value: that of a variable, else of its first place.

    Two groups never have one name, and no group has the name of a variable that means something else.
    """
    others = _other_variables(project, by_value)
    claims: dict[str, list[str]] = {}
    for value, members in by_value.items():
        own = [name for member in members for name in member.names if name in member.variables]
        rest = [name for member in members for name in member.names]
        declared = [name for name in (*own, *rest) if name in project.rules.declared]
        claims[value] = list(dict.fromkeys([*declared, *own, *rest]))
    names: dict[str, str] = {}
    taken: set[str] = set()
    order = sorted(by_value, key=lambda value: not _has_fixed_name(project, by_value[value]))
    for value in order:
        owner = _owner(by_value[value][0])
        for name in _candidates(claims[value], owner):
            if name not in taken and name not in others and not is_reserved(name):
                names[value] = name
                taken.add(name)
                break
    return names


def _has_fixed_name(project: Project, members: Iterable[Finding]) -> bool:
    """Whether a value is that of a variable which has one value: it keeps the variable's name."""
    return any(name in project.today.values for member in members for name in member.variables)


def _owner(finding: Finding) -> str:
    return str(finding.keys[1] if len(finding.keys) > 1 else finding.keys[0])


def _candidates(names: Sequence[str], owner: str) -> Iterator[str]:
    yield from names
    for name in names:
        yield f"{variable_name(owner)}_{name}"
    number = 2
    while True:
        yield f"{variable_name(owner)}_{names[0]}_{number}"
        number += 1


def _other_variables(project: Project, by_value: Mapping[str, Sequence[Finding]]) -> set[str]:
    """Return the variables that the document uses without a value of today, or with that of no secret."""
    members = {(name, value) for value, found in by_value.items() for one in found for name in one.variables}
    others = {name for name in _passed(project.document) if name not in project.today.values}
    for place in find_places(project.document):
        for marked in place.texts:
            for segment in project.today.uses(marked):
                use = segment.use
                if use is None or use.operator.endswith("+"):
                    continue
                if (use.name, project.today.text(segment.raw)) not in members:
                    others.add(use.name)
    return others


def _passed(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that services, hooks, configs and secrets take from the environment by name alone."""
    for service in (document.get("services") or {}).values():
        hooks = (hook for key in ("pre_start", "post_start", "pre_stop") for hook in service.get(key) or ())
        for entry in (service, *hooks):
            environment = entry.get("environment") or {}
            if isinstance(environment, Mapping):
                yield from (name for name, value in environment.items() if value is None)
            else:
                yield from (text for text in environment if "=" not in text)
    for key in ("configs", "secrets"):
        for entry in (document.get(key) or {}).values():
            if entry and entry.get("environment"):
                yield str(entry["environment"])


def group_variable(group: Group) -> SiteVariable:
    """Return the site variable of a group that is generated or asked for."""
    return SiteVariable(
        name=group.name,
        kind="secret",
        required=group.kind == ASK,
        generator=group.form.generator or None,
        pattern=PLAIN if group.embedded else None,
    )
