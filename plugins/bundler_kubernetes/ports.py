"""Ports of services: those on which it listens, and those that are published."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bundler.api.compose import LAST_PORT, short_parts
from bundler.language import tr, tr_later
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.text import SiteText, Text, parse

_RANGE: Final = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


@dataclass(frozen=True)
class Port:
    """A port on which a container listens.

    Attributes:
        target: its number.
        protocol: `TCP`, `UDP` or `SCTP`.
        published: port at which others reach it; None if it is not published.
    """

    target: int
    protocol: str
    published: Text | None = None

    @property
    def name(self) -> str:
        """Return its name: IANA_SVC_NAME."""
        return f"{self.protocol.lower()}-{self.target}"


def read_ports(context: Context, workload: Workload) -> list[Port]:
    """Return the ports of a service: those of `ports` first, then of `expose` and of its image."""
    found: dict[tuple[int, str, str], Port] = {}
    for item in workload.entry.get("ports") or ():
        for port in _declared(context, workload, _long(item)):
            found.setdefault((port.target, port.protocol, str(port.published)), port)
    known = {(port.target, port.protocol) for port in found.values()}
    for item in (*(workload.entry.get("expose") or ()), *workload.facts.exposed):
        text, _, protocol = str(item).partition("/")
        for number in _numbers(context, workload, "expose", text):
            port = Port(number, (protocol or "tcp").upper())
            if (port.target, port.protocol) not in known:
                found.setdefault((port.target, port.protocol, ""), port)
    return list(found.values())


def _long(item: Any) -> Mapping[str, Any]:  # noqa: ANN401 any YAML value
    if isinstance(item, Mapping):
        return item
    text, _, protocol = str(item).partition("/")
    parts = short_parts(text)
    return {
        "target": parts[-1],
        "protocol": protocol or "tcp",
        "published": parts[-2] if len(parts) > 1 else None,
        "host_ip": parts[-3] if len(parts) > 2 else None,  # noqa: PLR2004 address:published:target
    }


def _declared(context: Context, workload: Workload, item: Mapping[str, Any]) -> Iterator[Port]:
    targets = _numbers(context, workload, "ports", item.get("target"))
    protocol = str(item.get("protocol") or "tcp").upper()
    given = item.get("published")
    if given in (None, "", 0, "0"):
        if not item.get("published"):
            context.findings.note(
                workload.subject,
                "ports",
                tr_later("{ports}: Docker chooses a port of the host; here it is not published"),
                ports=", ".join(map(str, targets)),
            )
        yield from (Port(target, protocol) for target in targets)
        return
    address = _address_in(context, given)
    if _is_local(context, workload, address or item.get("host_ip")):
        context.findings.note(
            workload.subject,
            "ports",
            tr_later("{ports}: published for the host alone; here only for the cluster"),
            ports=", ".join(map(str, targets)),
        )
        yield from (Port(target, protocol) for target in targets)
        return
    if address is not None:
        context.findings.refuse(
            workload.subject,
            "ports",
            tr("{port} holds an address and a port, and a cluster needs the port alone", port=given),
            tr("use a variable for each"),
        )
        return
    published: list[Text] = []
    text = parse(str(given), bare=True)
    if isinstance(text, SiteText):
        published = [text] * len(targets)
    else:
        published = [str(number) for number in _numbers(context, workload, "ports", text)]
    if len(published) != len(targets) or (isinstance(text, SiteText) and len(targets) > 1):
        context.findings.refuse(workload.subject, "ports", tr("{port} is not one port for each", port=given))
        return
    for target, port in zip(targets, published, strict=True):
        yield Port(target, protocol, port)


def _address_in(context: Context, published: object) -> str | None:
    """Return the address that a variable holds beside the port; None if it holds the port alone."""
    text = parse(str(published))
    if isinstance(text, str):
        return None
    address, colon, _ = text.fill(context.defaults).rpartition(":")
    return address if colon else None


def _is_local(context: Context, workload: Workload, address: object) -> bool:
    """Whether a port is published for the host alone, also if the site could say something else."""
    if not address:
        return False
    text = parse(str(address))
    value = text if isinstance(text, str) else text.fill(context.defaults)
    if isinstance(text, SiteText):
        context.findings.note(
            workload.subject,
            "ports",
            tr_later("the address {address} has no effect"),
            address=text.expression,
        )
    try:
        found = ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        found = None
    if value == "localhost" or (found is not None and found.is_loopback):
        return True
    if isinstance(text, str) and (found is None or not found.is_unspecified):
        context.findings.refuse(
            workload.subject,
            "ports",
            tr("{address} is an address of one host, and a cluster would publish at all", address=text),
            tr("publish it without an address, or for 127.0.0.1, which is for the cluster alone"),
        )
    return False


def _numbers(context: Context, workload: Workload, key: str, given: object) -> list[int]:
    found = _RANGE.fullmatch(str(given))
    first = int(found[1]) if found else 0
    last = int(found[2] or found[1]) if found else 0
    if not 0 < first <= last <= LAST_PORT:
        context.findings.refuse(
            workload.subject, key, tr("{port!r} is no port that is known at the build", port=str(given))
        )
        return []
    return list(range(first, last + 1))
