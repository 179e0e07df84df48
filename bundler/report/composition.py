"""Services, networks, volumes and secrets of a Compose document, which may come from a hostile bundle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from bundler.api import compose
from bundler.errors import VerificationError
from bundler.io.yaml import MAX_BYTES, BoundedLoader
from bundler.language import tr
from bundler.report.hardening import judge
from bundler.report.loose import entries, mapping, text
from bundler.report.model import Network, Service, Volume

LIMIT: Final = MAX_BYTES
"""Largest document in bytes that is read."""
DEFAULT: Final = "default"
"""The network of services that name none."""


@dataclass(frozen=True)
class Composition:
    """What a report shows of a document, in its order."""

    services: tuple[Service, ...]
    networks: tuple[Network, ...]
    volumes: tuple[Volume, ...]
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Running:
    """A service that runs: its name, the name of its image, and what is expected of it."""

    name: str
    image: str
    expect: str
    replicas: str | None = None


def parse(raw: bytes) -> Mapping[str, Any]:
    """Return a Compose document.

    Raises:
        VerificationError: it is not YAML, or exceeds the limits.
    """
    try:
        return mapping(BoundedLoader(raw.decode()).read()[1])
    except (yaml.YAMLError, ValueError) as error:
        raise VerificationError(
            tr("{path} cannot be read: {error}", path=compose.DOCUMENT, error=error),
            hint=tr("build the bundle again"),
        ) from error


def read(document: Mapping[str, Any], running: Iterable[Running]) -> Composition:
    """Return what the document says about the services that run.

    Args:
        document: its values may have any shape.
        running: the services, in the order in which they are shown.
    """
    defined = mapping(document.get("services"))
    services = tuple(_service(each, mapping(defined.get(each.name))) for each in running)
    return Composition(
        services,
        _networks(mapping(document.get("networks")), services),
        _volumes(mapping(document.get("volumes")), {each.name: defined.get(each.name) for each in services}),
        tuple(mapping(document.get("secrets"))),
    )


def _service(running: Running, entry: Mapping[str, Any]) -> Service:
    mode = text(entry.get("network_mode"))
    joined = tuple(dict.fromkeys(entries(entry.get("networks")))) or (DEFAULT,)
    deploy = mapping(entry.get("deploy"))
    replicas = running.replicas or text(entry.get("scale")) or text(deploy.get("replicas")) or "1"
    return Service(
        name=running.name,
        image=running.image,
        expect=running.expect,
        replicas=replicas,
        networks=() if mode or not entry else joined,
        mode=mode or None,
        depends=tuple(entries(entry.get("depends_on"))),
        hardening=judge(entry) if entry else (),
    )


def _networks(declared: Mapping[str, Any], services: Iterable[Service]) -> tuple[Network, ...]:
    """Return the networks that services join, in the order of the document."""
    used = dict.fromkeys(name for service in services for name in service.networks)
    names = [name for name in declared if name in used] + [name for name in used if name not in declared]
    return tuple(_network(name, mapping(declared.get(name))) for name in names)


def _network(name: str, entry: Mapping[str, Any]) -> Network:
    ranges = mapping(entry.get("ipam")).get("config")
    found = [text(mapping(each).get("subnet")) for each in ranges] if isinstance(ranges, list) else []
    return Network(
        name,
        text(entry.get("driver")) or "bridge",
        internal=text(entry.get("internal")) == "true",
        external=_external(entry),
        subnets=tuple(filter(None, found)),
    )


def _volumes(declared: Mapping[str, Any], services: Mapping[str, Any]) -> tuple[Volume, ...]:
    users: dict[str, list[str]] = {name: [] for name in declared}
    for service, entry in services.items():
        mounted = mapping(entry).get("volumes")
        for item in mounted if isinstance(mounted, list) else ():
            source = _source(item)
            if service not in users.get(source, [service]):
                users[source].append(service)
    return tuple(
        Volume(name, text(mapping(entry).get("driver")) or "local", _external(entry), tuple(users[name]))
        for name, entry in declared.items()
    )


def _source(item: object) -> str:
    if isinstance(item, Mapping):
        return text(item.get("source"))
    parts = compose.short_parts(text(item))
    return parts[0] if len(parts) > 1 else ""


def _external(entry: object) -> bool:
    return bool(mapping(entry).get("external"))
