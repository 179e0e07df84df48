"""Checks that the parts of a document fit together.

Source: compose-go v2.16.1, `loader/validate.go` (`checkConsistency`), `validation/` and `graph/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading.mount_forms import is_address
from bundler_compose.reading.tree import Map
from bundler_compose.site_text import has_mark

At = Callable[..., str]
_TESTS: Final = frozenset({"CMD", "CMD-SHELL", "NONE"})
_SHARED: Final = "service:"
_FOREIGN: Final = ("~", "\\\\")
"""How paths begin that depend on who runs Compose, or on Windows."""
_AMOUNT: Final = re.compile(r"(-?[0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(?:([kKmMgGtTpP])?(?:[iI]?[bB])?)")
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "configs": ("file", "environment", "content"),
    "secrets": ("file", "environment"),
}


def check_consistency(document: Map, at: At) -> None:
    """Check a document whose services are chosen.

    Raises:
        BundleError: Compose refuses it, with file and line.
    """
    for kind, keys in _KINDS.items():
        for name, entry in (document.get(kind) or {}).items():
            _check_file(kind, name, entry or Map(), keys, at)
    for name, entry in (document.get("volumes") or {}).items():
        _check_external(name, entry or Map(), at)
    for name, service in document["services"].items():
        _check_service(name, service, document, at)
    _check_cycles(document["services"], at)


def check_builds(document: Map, at: At) -> None:
    """Check what the services that are built name; a bundle has nothing of it.

    Raises:
        BundleError: Compose refuses it, with file and line.
    """
    for name, service in document["services"].items():
        build = service.get("build")
        for index, secret in enumerate((build.get("secrets") if isinstance(build, Map) else None) or ()):
            source = secret.get("source") if isinstance(secret, Map) else secret
            if source not in (document.get("secrets") or {}):
                raise BundleError(
                    tr(
                        "{where}: there is no secret {source!r}",
                        where=at("services", name, "build", "secrets", index),
                        source=source,
                    ),
                    hint=tr("add it to `secrets:` of the file"),
                )


def _check_file(kind: str, name: str, entry: Map, keys: tuple[str, ...], at: At) -> None:
    given = [key for key in keys if key in entry]
    if len(given) > 1:
        raise BundleError(
            tr("{where}: {given} exclude each other", where=at(kind, name), given=" and ".join(given)),
            hint=tr("keep one of them"),
        )
    if given == ["environment"] and not entry["environment"] and kind == "secrets":
        raise BundleError(
            tr("{where}: names no variable", where=at(kind, name)), hint=tr("add its name to `environment:`")
        )
    if not given and not entry.get("external") and (kind == "secrets" or "driver" not in entry):
        raise BundleError(
            tr("{where}: says no content", where=at(kind, name)),
            hint=tr("add one of {keys}", keys=", ".join(keys)),
        )


def _check_external(name: str, entry: Map, at: At) -> None:
    if entry.get("external") is not True:
        return
    for key in entry:
        if key not in {"name", "external"} and not key.startswith("x-"):
            raise BundleError(
                tr("{where}: an external object is not made by Compose", where=at("volumes", name, key)),
                hint=tr("remove `{key}:`, or `external:`", key=key),
            )


def _check_service(name: str, service: Map, document: Map, at: At) -> None:
    def refuse(key: str, what: str, hint: str | None = None) -> BundleError:
        return BundleError(f"{at('services', name, key)}: {what}", hint=hint)

    if "pid" in service and service["pid"] is None:
        raise refuse("pid", tr("must be a text"), tr("remove the key, or give it a value"))
    if service.get("network_mode") and service.get("networks"):
        raise refuse(
            "network_mode", tr("`network_mode` and `networks` exclude each other"), tr("keep one of them")
        )
    for network in service.get("networks") or ():
        if network != "default" and network not in (document.get("networks") or {}):
            raise refuse(
                "networks",
                tr("there is no network {network!r}", network=network),
                tr("add it to `networks:` of the file"),
            )
    test = (service.get("healthcheck") or {}).get("test")
    if isinstance(test, list) and test and test[0] not in _TESTS and not has_mark(str(test[0])):
        raise refuse(
            "healthcheck",
            tr("the test begins with {test!r}", test=test[0]),
            tr("begin with CMD, CMD-SHELL or NONE"),
        )
    _check_mounts(service, document, refuse)
    _check_targets(service, refuse)
    for key, other in implied_needs(service):
        if other not in document["services"] and not has_mark(other):
            raise refuse(
                key,
                tr("{other!r} is not a service of the bundle", other=other),
                tr("enable a Compose profile that includes it"),
            )
    _check_addresses(service, refuse)
    _check_devices(service, refuse)
    _check_scale(service, refuse)
    _check_limits(service, refuse)


def _check_mounts(service: Map, document: Map, refuse: Callable[..., BundleError]) -> None:
    for volume in service.get("volumes") or ():
        source = volume.get("source")
        if volume.get("type") == "bind" and isinstance(source, str) and source.startswith(_FOREIGN):
            raise refuse(
                "volumes",
                tr(
                    "{source} is outside the project's folder: a home folder differs at the site",
                    source=source,
                ),
                tr("write the absolute path of the server, and list it in `settings: host_paths`"),
            )
        if volume.get("type") == "volume" and source and source not in (document.get("volumes") or {}):
            raise refuse(
                "volumes",
                tr("there is no volume {source!r}", source=source),
                tr("add it to `volumes:` of the file"),
            )
    for kind in ("configs", "secrets"):
        for mount in service.get(kind) or ():
            if mount.get("source") not in (document.get(kind) or {}):
                source = mount.get("source")
                raise refuse(
                    kind,
                    tr("there is no {kind} {source!r}", kind=kind[:-1], source=source),
                    tr("add it to `{kind}:` of the file", kind=kind),
                )


def _check_scale(service: Map, refuse: Callable[..., BundleError]) -> None:
    scale, replicas = service.get("scale"), (service.get("deploy") or {}).get("replicas")
    if scale is not None and replicas is not None and scale != replicas:
        raise refuse("scale", tr("`scale` and `deploy: replicas` differ"), tr("keep one of them"))
    number = replicas if scale is None else scale
    if isinstance(number, int) and number < 0:
        raise refuse("scale", tr("must not be negative"), tr("write 0 or more"))
    if isinstance(number, int) and number > 1 and service.get("container_name"):
        raise refuse(
            "container_name", tr("several containers cannot have one name"), tr("remove it, or the replicas")
        )


def _check_targets(service: Map, refuse: Callable[..., BundleError]) -> None:
    tmpfs = service.get("tmpfs") or ()
    if isinstance(tmpfs, str):
        tmpfs = (tmpfs,)
    mounts = [("tmpfs", each.partition(":")[0]) for each in tmpfs if isinstance(each, str)]
    mounts += [("volumes", str(volume.get("target"))) for volume in service.get("volumes") or ()]
    known: set[str] = set()
    for key, target in mounts:
        if target in known:
            raise refuse(key, tr("{target} is mounted twice", target=target), tr("remove one of the mounts"))
        known.add(target)


def _check_addresses(service: Map, refuse: Callable[..., BundleError]) -> None:
    for port in service.get("ports") or ():
        address = port.get("host_ip") if isinstance(port, Map) else None
        if isinstance(address, str) and not has_mark(address) and not is_address(address):
            raise refuse(
                "ports",
                tr("{address!r} is no IP address", address=address),
                tr("write the address, or remove `host_ip:`"),
            )


def _check_devices(service: Map, refuse: Callable[..., BundleError]) -> None:
    reserved: Any = service.get("deploy")
    for key in ("resources", "reservations", "devices"):
        reserved = reserved.get(key) if isinstance(reserved, Map) else None
    for where, devices in (("gpus", service.get("gpus")), ("deploy", reserved)):
        for device in devices or ():
            if "count" in device and "device_ids" in device:
                raise refuse(where, tr("`count` and `device_ids` exclude each other"), tr("keep one of them"))


_LIMITS: Final = (
    ("cpus", "limits", "cpus"),
    ("mem_limit", "limits", "memory"),
    ("mem_reservation", "reservations", "memory"),
    ("pids_limit", "limits", "pids"),
)


def _check_limits(service: Map, refuse: Callable[..., BundleError]) -> None:
    """Refuse a limit of the service that `deploy` has with another value, or not beside its other ones."""
    resources = (service.get("deploy") or {}).get("resources") or {}
    for key, section, name in _LIMITS:
        own, others = service.get(key), resources.get(section)
        if others is None or own is None or has_mark(str(own)) or has_mark(str(others.get(name))):
            continue
        amount = _amount(own)
        if amount and amount != _amount(others.get(name, 0)):
            raise refuse(
                key,
                tr(
                    "`{key}` and `deploy: resources: {section}: {name}` differ",
                    key=key,
                    section=section,
                    name=name,
                ),
                tr("give both the same value"),
            )


def _amount(value: object) -> Fraction | str:
    """Return a number of cores, processes or bytes; a text that is none stays as it is.

    Source: docker/go-units, `RAMInBytes`: units are powers of 1024.
    """
    found = _AMOUNT.fullmatch(str(value).strip())
    if found is None:
        return str(value)
    unit = " kmgtp".index(found[2].lower()) if found[2] else 0
    return Fraction(found[1]) * Fraction(1024) ** unit


def implied_needs(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each key that names another service, with the name.

    Source: compose-go v2.16.1, `loader/normalize.go`.
    """
    for link in service.get("links") or ():
        yield "links", str(link).partition(":")[0]
    for each in service.get("volumes_from") or ():
        if not str(each).startswith("container:"):
            yield "volumes_from", str(each).partition(":")[0]
    for key in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        mode = service.get(key)
        if isinstance(mode, str) and mode.startswith(_SHARED):
            yield key, mode.removeprefix(_SHARED)


def needs(service: Mapping[str, Any]) -> set[str]:
    """Return the names of the services that must be there before this one starts."""
    return set(service.get("depends_on") or ()) | {name for _, name in implied_needs(service)}


def _check_cycles(services: Map, at: At) -> None:
    done: set[str] = set()

    def visit(name: str, chain: tuple[str, ...]) -> None:
        if name in chain:
            shown = " needs ".join((*chain[chain.index(name) :], name))
            raise BundleError(
                tr(
                    "{where}: the services wait for each other: {shown}",
                    where=at("services", name),
                    shown=shown,
                )
            )
        if name in done or name not in services:
            return
        for other in sorted(needs(services[name])):
            visit(other, (*chain, name))
        done.add(name)

    for name in services:
        visit(name, ())
