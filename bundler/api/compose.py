"""Reads a Compose document, the neutral application model: services, their images, published ports.

Source: Compose specification, https://github.com/compose-spec/compose-spec/blob/main/spec.md. Values
may contain `${NAME}` of site variables; image references may not, because they are resolved at build time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from bundler.errors import BundleError
from bundler.language import tr, tr_later

Expectation = Literal["healthy", "running", "started", "completed"]

DOCUMENT = "config/compose.yaml"
"""Path of the rendered document in a bundle."""
EXPECT = "x-bundle-expect"
"""Extension of a service: the state that the installer waits for, if the document does not imply it."""
EXPECTATIONS: Final[Mapping[Expectation, str]] = {
    "healthy": tr_later("healthy"),
    "running": tr_later("running"),
    "started": tr_later("started"),
    "completed": tr_later("completed"),
}
"""State that a service must reach -> what people read."""
_RESTARTS = {"none": "no", "any": "always", "": "no"}
"""Conditions of `deploy.restart_policy` and an absent `restart`, as policies of the engine."""
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?:[:?+-].*)?\}|(?P<plain>[A-Za-z_]\w*))", re.ASCII)
_PARTS = re.compile(r"(?:\$\{(?:[^{}]|\{[^{}]*\})*\}|\[[0-9A-Fa-f:.]+\]|[^:])+")
LAST_PORT = 65535
_RANGE = re.compile(r"([0-9]+)-([0-9]+)")


@dataclass(frozen=True)
class Service:
    """A service of a Compose document.

    Attributes:
        name: key of the service in the document.
        image: image reference exactly as in the document.
        expect: `healthy` (it has a health check), `running`, `started` (it runs, or has ended with 0 and is
            not restarted), or `completed` (a job that exits with 0).
        why: what in the document makes it `started` or `completed`; empty for the others.
        replicas: number of its containers: a number of at least 1, or a text with `${NAME}`.
        platform: OCI platform that its image must be for, if it is not the server's.
    """

    name: str
    image: str
    expect: Expectation
    why: str = ""
    replicas: str = "1"
    platform: str | None = None


@dataclass(frozen=True)
class Port:
    """A port published on the host.

    Attributes:
        service: service that publishes the port.
        address: IP address or `${NAME}`; None for all addresses.
        port: number or `${NAME}`.
        protocol: `tcp` or `udp`.
    """

    service: str
    address: str | None
    port: str
    protocol: str


def services(document: Mapping[str, Any]) -> list[Service]:
    """Return the services in document order, without those that have zero replicas.

    Raises:
        BundleError: a service has no image.
    """
    entries = _services(document)
    waiting: dict[str, str] = {}
    for waits, entry in entries.items():
        for name, condition in dependencies(entry).items():
            if condition == "service_completed_successfully":
                waiting.setdefault(name, waits)
    found = []
    for name, entry in entries.items():
        replicas = _replicas(entry)
        if replicas == "0":
            continue
        image = entry.get("image")
        if not isinstance(image, str) or not image:
            raise BundleError(tr("service {name}: no image", name=name), hint=tr("set `image:`"))
        expect, why = _expectation(name, entry, waiting.get(name))
        found.append(Service(name, image, expect, why, replicas, entry.get("platform") or None))
    return found


def other_images(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the images that a service uses beside its own: those that it mounts, and of its init containers.

    Source: docker/compose, pkg/compose/build.go, `getLocalImagesDigests`, commit 37dea37.
    """
    for volume in entry.get("volumes") or ():
        if isinstance(volume, Mapping) and volume.get("type") == "image" and volume.get("source"):
            yield str(volume["source"])
    for hook in entry.get("pre_start") or ():
        if isinstance(hook, Mapping) and hook.get("image"):
            yield str(hook["image"])


def running(document: Mapping[str, Any]) -> list[tuple[Service, Mapping[str, Any]]]:
    """Return `services` of the document, each with its entry."""
    entries = _services(document)
    return [(service, entries[service.name]) for service in services(document)]


def dependencies(entry: Mapping[str, Any]) -> dict[str, str]:
    """Map each service in `depends_on`, in its short or long form, to its condition."""
    depends = entry.get("depends_on") or {}
    if isinstance(depends, Mapping):
        return {name: str((how or {}).get("condition", "service_started")) for name, how in depends.items()}
    return dict.fromkeys(depends, "service_started")


def ports(document: Mapping[str, Any]) -> list[Port]:
    """Return the ports published on the host, with ranges expanded, without those that Docker assigns."""
    return [port for name, entry in _services(document).items() for port in _ports(name, entry)]


def project_name(document: Mapping[str, Any], default: str) -> str:
    """Return the document's `name`, or else `default`, turned into a valid Compose project name."""
    name = document.get("name")
    if not isinstance(name, str) or "$" in name:
        name = default
    return normalise_name(name) or "app"


def normalise_name(text: str) -> str:
    """Return a text as Compose makes a project name of it; empty if nothing is left.

    Source: compose-go v2.16.1, `NormalizeProjectName` in loader/loader.go.
    """
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-")


def short_parts(text: str) -> list[str]:
    """Split a short form such as `address:published:target` at the colons outside of `${...}` and `[...]`."""
    return _PARTS.findall(text)


def _services(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {name: entry or {} for name, entry in (document.get("services") or {}).items()}


def _replicas(entry: Mapping[str, Any]) -> str:
    """Return `scale`, else `deploy.replicas`, else 1, as a text."""
    scale = entry.get("scale")
    if scale is None:
        scale = (entry.get("deploy") or {}).get("replicas")
    return "1" if scale is None else str(scale)


def restart_policy(entry: Mapping[str, Any]) -> str:
    """Return the restart policy without a count: `no` if there is none.

    `deploy.restart_policy` replaces `restart`: docker/compose, `getRestartPolicy` in pkg/compose/create.go at
    f72979427042.
    """
    policy = (entry.get("deploy") or {}).get("restart_policy")
    said = policy.get("condition") if isinstance(policy, Mapping) else entry.get("restart")
    name = str(said or "").partition(":")[0]
    return _RESTARTS.get(name, name)


def _expectation(name: str, entry: Mapping[str, Any], waits: str | None) -> tuple[Expectation, str]:
    """Return the expectation of a service, and why it is a job.

    Args:
        name: of the service.
        entry: the service.
        waits: a service that waits for the end of this one; None if there is none.
    """
    said = entry.get(EXPECT)
    if said is not None:
        for known in EXPECTATIONS:
            if said == known:
                return known, EXPECT if known in {"started", "completed"} else ""
        raise BundleError(
            tr(
                "service {name}: {expect}: {said!r} is not an expectation",
                name=name,
                expect=EXPECT,
                said=said,
            ),
            hint=tr("one of {expectations}", expectations=", ".join(EXPECTATIONS)),
        )
    if waits is not None:
        return "completed", tr("{service} waits until it has completed", service=waits)
    if _has_check(entry):
        return "healthy", ""
    restart = restart_policy(entry)
    if restart in {"no", "on-failure"}:
        given = "restart" in entry or "restart_policy" in (entry.get("deploy") or {})
        return "started", f"restart: {restart}" if given else tr("no restart policy")
    return "running", ""


def _has_check(entry: Mapping[str, Any]) -> bool:
    check = entry.get("healthcheck") or {}
    test = check.get("test")
    off = check.get("disable") or test == "NONE" or (isinstance(test, list) and test[:1] == ["NONE"])
    return bool(test) and not off


def _ports(service: str, entry: Mapping[str, Any]) -> Iterator[Port]:
    if entry.get("network_mode") == "host":
        return  # nothing is published: the service listens on the host's own addresses
    for item in entry.get("ports") or ():
        if isinstance(item, Mapping):
            address = item.get("host_ip")
            published = item.get("published")
            protocol = item.get("protocol") or "tcp"
        else:
            text, _, protocol = str(item).partition("/")
            parts = short_parts(text)
            if len(parts) < 2:  # noqa: PLR2004 only the container's port: Docker assigns the host's
                continue
            published = parts[-2]
            address = parts[-3] if len(parts) > 2 else None  # noqa: PLR2004 address:published:target
        if published in {None, "", 0}:
            continue
        for number in _expand(_variable(str(published))):
            where = _variable(str(address)).strip("[]") if address else None
            yield Port(service, where, number, protocol or "tcp")


def _expand(published: str) -> Iterator[str]:
    found = _RANGE.fullmatch(published)
    if found is None:
        yield published
        return
    first, last = int(found[1][:6]), int(found[2][:6])
    if not first <= last <= LAST_PORT:
        raise BundleError(
            tr("ports: {published!r} is not a port range", published=published[:40]),
            hint=tr("for example 8080-8089"),
        )
    yield from map(str, range(first, last + 1))


def _variable(text: str) -> str:
    """Normalise every way to write a single variable to `${NAME}`; return any other text unchanged."""
    found = _VARIABLE.fullmatch(text)
    return f"${{{found['braced'] or found['plain']}}}" if found else text
