"""Finds secrets that stand only at the clients of a service of the project, such as an image's default login.

A site that generates such a secret locks the clients out: the service keeps the one that its image brings.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from bundler.api.application import INITIAL
from bundler_compose.secrets.files import text_of
from bundler_compose.secrets.forms import is_distinctive
from bundler_compose.secrets.names import host_stem, is_plain_name, secret_stem
from bundler_compose.secrets.places import Keys, find_places
from bundler_compose.secrets.positions import find_spans, find_value
from bundler_compose.secrets.project import Finding, Project

_OWN: Final = frozenset({"environment", "command", "entrypoint", "pre_start", "post_start"})
"""Keys of a service that can set its password. A health check and labels only use it."""
_AUTHORITY: Final = re.compile(r"://(?:[^\s/@]*@)?([\w.-]+)")
_NAMED_HOST: Final = re.compile(
    r"(?i)(?:^|[\s;,?&\"'-])(?:[\w.-]*(?:host|hostname|server|addr|address|endpoint)|data source|-h)"
    r"[\"']?\s*[=: ]\s*[\"']?(?:tcp:)?([\w.-]+)"
)
_HOST: Final = re.compile(r"(?:^|://|[@,\s\"'\[])([A-Za-z0-9][\w.-]*)(?=[:/,\s\"'\]]|$)")
_WORD: Final = re.compile(r"[A-Za-z0-9][\w.-]*")
_RUN: Final = "/run/secrets/"


class Clients:
    """The services of a project, and which of them a secret is for.

    Attributes:
        hosts: name of the service of each name under which services reach each other.
    """

    def __init__(self, project: Project) -> None:
        """Keep the project."""
        self._project = project
        self._services: Mapping[str, Mapping[str, Any]] = project.document.get("services") or {}
        self.hosts = {host: name for name, entry in self._services.items() for host in _names(name, entry)}

    def server_without(self, value: str, members: Sequence[Finding]) -> tuple[str, Finding] | None:
        """Return a service that a secret is for and that does not have it itself, with a place at a client.

        Args:
            value: the secret.
            members: its places.
        """
        for member in members:
            for target in self._targets(member):
                if not self._has(target, value, members) and not self._passes_on(target, value, members):
                    return target, member
        return None

    def _targets(self, member: Finding) -> Iterator[str]:
        """Yield the services that the place of a secret is for: that its address or a name beside it says."""
        if member.host:
            hosts = [member.host]
        elif member.keys[0] == "services":
            hosts = [*self._in_text(member), *self._beside(str(member.keys[1]), _stems(member))]
        else:
            hosts = self._of_file(member)
        own = member.keys[1] if member.keys[0] == "services" else None
        found = dict.fromkeys(self.hosts[host] for host in hosts if host in self.hosts)
        yield from (name for name in found if name != own)

    def _in_text(self, member: Finding) -> list[str]:
        """Return the hosts that the text around a secret names, in a connection string or as an option."""
        text = " ".join(self._texts[member.keys])
        if member.whole or "\n" in text:
            return []
        return [*_AUTHORITY.findall(text), *_NAMED_HOST.findall(text)]

    def _beside(self, service: str, stems: Sequence[tuple[str, ...]]) -> list[str]:
        """Return the hosts in variables such as DB_HOST beside DB_PASSWORD."""
        environment = self._services[service].get("environment") or {}
        return [
            host
            for name, marked in environment.items()
            if isinstance(marked, str) and host_stem(name) in stems
            for host in _HOST.findall(self._project.today.text(marked))
        ]

    def _of_file(self, member: Finding) -> list[str]:
        """Return the hosts beside the variables through which services read a config or secret."""
        section, name = str(member.keys[0]), str(member.keys[1])
        hosts = []
        for service, entry in self._services.items():
            granted = [grant for grant in entry.get(section) or () if grant.get("source") == name]
            if not granted:
                continue
            paths = {path for grant in granted for path in _paths(section, grant)}
            environment = entry.get("environment") or {}
            readers = [
                secret_stem(variable)
                for variable, marked in environment.items()
                if isinstance(marked, str) and self._project.today.text(marked) in paths
            ]
            hosts += self._beside(service, [stem for stem in readers if stem] or _stems(member))
        return hosts

    def _has(self, service: str, value: str, members: Sequence[Finding]) -> bool:
        """Whether a service has the value in what can set its password."""
        entry = self._services[service]
        granted = {
            (section, grant.get("source"))
            for section in ("configs", "secrets")
            for grant in entry.get(section) or ()
        }
        used = {member.keys for member in members if any(self._targets(member))}
        for member in members:
            own = member.keys[:2] == ("services", service) and member.keys[2] in _OWN
            if member.keys[:2] in granted or (own and member.keys not in used):
                return True
        return any(
            _stands_in(text, value, name=name, is_file=is_file)
            for text, name, is_file in self._own_texts(service, used)
        )

    def _passes_on(self, service: str, value: str, members: Sequence[Finding]) -> bool:
        """Whether a service, such as a load balancer, names another one that has the value."""
        words = {word for text, _, _ in self._own_texts(service, ()) for word in _WORD.findall(text)}
        behind = {self.hosts[word] for word in words if word in self.hosts} - {service}
        return any(self._has(name, value, members) for name in behind)

    @cached_property
    def _texts(self) -> Mapping[Keys, tuple[str, ...]]:
        """The texts of today, by their keys."""
        today = self._project.today
        return {
            place.keys: tuple(map(today.text, place.texts)) for place in find_places(self._project.document)
        }

    def _own_texts(self, service: str, without: Collection[Keys]) -> Iterator[tuple[str, str, bool]]:
        """Yield what can set the password of a service: text, name of its variable, whether it is a file.

        Args:
            service: its name.
            without: keys of texts that are for other services.
        """
        for keys, texts in self._texts.items():
            if keys[:2] == ("services", service) and keys[2] in _OWN and keys not in without:
                name = str(keys[-1]) if keys[2] == "environment" else ""
                yield " ".join(texts), name, False
        entry = self._services[service]
        paths = [
            str(volume.get("source") or "")
            for volume in entry.get("volumes") or ()
            if volume["type"] == "bind"
        ]
        for section in ("configs", "secrets"):
            for grant in entry.get(section) or ():
                source = (self._project.document.get(section) or {}).get(grant.get("source")) or {}
                paths.append(str(source.get("file") or ""))
                yield from (
                    (text, "", True) for text in self._texts.get((section, grant["source"], "content"), ())
                )
                variable = self._project.today.values.get(str(source.get("environment") or ""), "")
                yield self._project.today.text(variable), "", True
        for path, file in self._project.files.items():
            if any(_is_below(path, source) for source in paths if source):
                yield text_of(file) or "", "", True


def _names(name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names under which a service is reached."""
    yield name
    yield from (str(entry[key]) for key in ("container_name", "hostname") if entry.get(key))
    networks = entry.get("networks")
    for network in networks.values() if isinstance(networks, Mapping) else ():
        yield from (network or {}).get("aliases") or ()


def _stems(member: Finding) -> list[tuple[str, ...]]:
    """Return what the names of a secret are about, such as DB of DB_PASSWORD."""
    names = (str(member.keys[-1]), *member.names) if member.whole else member.names
    return [stem for stem in map(secret_stem, names) if stem is not None]


def _paths(section: str, grant: Mapping[str, Any]) -> Iterator[str]:
    target = str(grant.get("target") or grant.get("source"))
    yield target
    if section == "secrets" and not target.startswith("/"):
        yield _RUN + target
    elif not target.startswith("/"):
        yield f"/{target}"


def _is_below(path: str, source: str) -> bool:
    """Whether a carried file is, or lies below, the source of a mount at the site."""
    if source.startswith("/"):
        return False
    inside = source.partition("/")[2]
    relative = path.removeprefix(f"{INITIAL}/")
    return not inside or relative == inside or relative.startswith(f"{inside}/")


def _stands_in(text: str, value: str, *, name: str, is_file: bool) -> bool:
    """Whether a text has a value as a password: not as the name of a user or a database."""
    if name and is_plain_name(name):
        return False
    if name and text == value:
        return True
    if any(span.value == value for span in find_spans(name, text, is_file=is_file)):
        return True
    written = dict.fromkeys((value, quote(value, safe="")))
    return is_distinctive(value) and any(True for each in written for _ in find_value(text, each))
