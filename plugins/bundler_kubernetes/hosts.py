"""Renames services where a text names them as a host, if no Service can have their name.

Only what is a host for certain is changed: the host of a URL, and a variable of the environment that is a
host, or a host with a port, as a whole. What else mentions the name is refused elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bundler.api.application import ApplicationModel, ConfigFile
from bundler_kubernetes.names import is_label, object_name

_HOST_KEY: Final = re.compile(r"(?:^|_)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS|ENDPOINT)$", re.IGNORECASE)
_PORT: Final = re.compile(r":[0-9]+\}?$")
CONTENTS: Final = ("configs", "secrets")
"""Keys of the document whose entries can have a `content`."""
_COMMANDS: Final = ("command", "entrypoint")


@dataclass(frozen=True)
class Renamed:
    """An application whose services have names of a cluster, where texts name them.

    Attributes:
        application: the application; its services are called as before.
        places: by service, who mentions it: services, and paths of files.
    """

    application: ApplicationModel
    places: dict[str, list[str]] = field(default_factory=dict)


def rename_hosts(application: ApplicationModel) -> Renamed:
    """Return an application with the names that a cluster has for its services."""
    services: Mapping[str, Any] = application.compose.get("services") or {}
    names = {name: object_name(name) for name in services if object_name(name) != name}
    names = {name: new for name, new in names.items() if is_label(new) and new not in services}
    found = Renamed(application)
    if not names:
        return found
    changed = {
        service: _entry(entry or {}, _renamer(names, found.places, service))
        for service, entry in services.items()
    }
    files = tuple(_file(file, _renamer(names, found.places, file.path)) for file in application.files)
    compose = {**application.compose, "services": changed}
    for kind in CONTENTS:
        if compose.get(kind):
            compose[kind] = {
                name: _content(entry or {}, _renamer(names, found.places, f"{kind}.{name}"))
                for name, entry in compose[kind].items()
            }
    return Renamed(replace(application, compose=compose, files=files), found.places)


_Rename = Callable[[str, str], str]
"""Returns a text with hosts renamed; the second text is the variable that holds it."""


def _renamer(names: Mapping[str, str], places: dict[str, list[str]], place: str) -> _Rename:
    every = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    url = re.compile(rf"(://(?:[^/\s@\"']*@)?)({every})(?![\w.-])")
    whole = re.compile(rf"((?:\$\{{[A-Za-z_]\w*:?-)?)({every})(?=(?::[0-9]+)?\}}?$)")

    def swap(found: re.Match[str]) -> str:
        if place not in places.setdefault(found[2], []):
            places[found[2]].append(place)
        return found[1] + names[found[2]]

    def rename(text: str, key: str) -> str:
        text = url.sub(swap, text)
        found = whole.match(text)
        return (
            whole.sub(swap, text, count=1)
            if found and (_HOST_KEY.search(key) or _PORT.search(text))
            else text
        )

    return rename


def _entry(entry: Mapping[str, Any], rename: _Rename) -> dict[str, Any]:
    changed = dict(entry)
    environment = entry.get("environment")
    if isinstance(environment, Mapping):
        changed["environment"] = {
            key: rename(value, key) if isinstance(value, str) else value for key, value in environment.items()
        }
    elif environment:
        split = [str(item).partition("=") for item in environment]
        changed["environment"] = [f"{key}{equals}{rename(value, key)}" for key, equals, value in split]
    for key in _COMMANDS:
        if entry.get(key):
            changed[key] = _words(entry[key], rename)
    check = entry.get("healthcheck")
    if check and check.get("test"):
        changed["healthcheck"] = {**check, "test": _words(check["test"], rename)}
    return changed


def _content(entry: Mapping[str, Any], rename: _Rename) -> Mapping[str, Any]:
    text = entry.get("content")
    return {**entry, "content": rename(text, "")} if isinstance(text, str) else entry


def _words(value: Any, rename: _Rename) -> Any:  # noqa: ANN401 a text, or a list of words
    return rename(value, "") if isinstance(value, str) else [rename(str(word), "") for word in value]


def _file(file: ConfigFile, rename: _Rename) -> ConfigFile:
    try:
        text = file.read().decode()
    except UnicodeDecodeError:
        return file
    changed = rename(text, "")
    return file if changed == text else replace(file, content=changed.encode())
