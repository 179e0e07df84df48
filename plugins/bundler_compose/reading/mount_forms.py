"""Short forms of mounts, ports and devices.

Sources: compose-go v2.16.1, `format/volume.go`, `types/types.go` (`ParsePortConfig`) and `transform/`;
docker/go-connections, `nat/nat.go` (`ParsePortSpec`).
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from typing import Any, Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading.tree import FormError, Keys, Map
from bundler_compose.site_text import MARK, has_mark

LAST_PORT: Final = 65535
_PROPAGATIONS: Final = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})
_SELINUX: Final = frozenset({"z", "Z"})
_PROTOCOLS: Final = frozenset({"tcp", "udp", "sctp"})
_NUMBERS: Final = re.compile(r"([0-9]+)(?:-([0-9]+))?")
_SHORTEST: Final = 3
"""Length from which the short form of a volume is split."""


def parse_volume(text: str) -> Map:
    """Return the long form of a volume of a service.

    Raises:
        BundleError: Compose refuses it; the message has no place.
    """
    if not text:
        raise BundleError(tr("an empty volume"), hint=tr("as SOURCE:TARGET, or remove it"))
    if len(text) < _SHORTEST:
        return Map({"type": "volume", "target": text})
    sections = _sections(text)
    if any(not section for section in sections):
        raise BundleError(
            tr("{text!r}: an empty section between colons", text=text), hint=tr("as SOURCE:TARGET:OPTIONS")
        )
    if len(sections) > 3:  # noqa: PLR2004 source, target, options
        raise BundleError(
            tr("{text!r}: too many colons", text=text), hint=tr("as SOURCE:TARGET:OPTIONS, or the long form")
        )
    source = sections[0] if len(sections) > 1 else ""
    target = sections[1] if source else sections[0]
    volume = Map({"type": "bind" if is_path(source) else "volume"})
    if source:
        volume["source"] = source
    volume["target"] = posixpath.normpath(target) if target else ""
    for option in sections[2].split(",") if len(sections) > 2 else ():  # noqa: PLR2004 likewise
        _set_option(volume, option)
    if volume["type"] == "bind":
        volume.setdefault("bind", Map())["create_host_path"] = True
    else:
        volume.setdefault("volume", Map())
    return volume


def _set_option(volume: Map, option: str) -> None:
    if option == "ro":
        volume["read_only"] = True
    elif option == "rw":
        volume.pop("read_only", None)
    elif option == "nocopy":
        volume["volume"] = Map({"nocopy": True})
    elif option in _PROPAGATIONS:
        volume.setdefault("bind", Map())["propagation"] = option
    elif option in _SELINUX:
        volume.setdefault("bind", Map())["selinux"] = option


def _sections(text: str) -> list[str]:
    """Split at colons, except after the letter of a Windows drive."""
    sections, buffer = [], ""
    for character in text:
        if character == ":" and not (len(buffer) == 1 and buffer.isalpha()):
            sections.append(buffer)
            buffer = ""
        else:
            buffer += character
    return [*sections, buffer]


def is_path(source: str) -> bool:
    """Whether the source of a short form is a path, and not the name of a volume."""
    if not source:
        return False
    return source[0] in "./~" or source.startswith("\\\\") or (source[1:2] == ":" and source[0].isalpha())


def volume_target(value: Any, keys: Keys) -> str:  # noqa: ANN401 any YAML value
    """Return the target of a volume of a service in its short or long form.

    Raises:
        FormError: it has none.
    """
    if isinstance(value, Map):
        if not isinstance(value.get("target"), str):
            raise FormError(keys, tr("the volume has no target"), hint=tr("add `target:`"))
        return str(value["target"])
    try:
        return str(parse_volume(value)["target"]) if isinstance(value, str) else ""
    except BundleError as error:
        raise FormError(keys, error.message, error.hint) from error


def parse_port(text: str) -> list[Map] | None:
    """Return the long forms of a published port; None for one that only the site can split.

    Raises:
        BundleError: Compose refuses it; the message has no place.
    """
    *head, container = text.split(":")
    address, published = ":".join(head[:-1]), head[-1] if head else ""
    container, _, protocol = container.partition("/")
    if has_mark(protocol):  # a variable of such an error is bound by the reading for the site
        raise BundleError(
            tr("{protocol!r}: the protocol is the same at every site", protocol=protocol),
            hint=tr("write it without a variable"),
        )
    if MARK.fullmatch(published) and not has_mark(address + container + protocol) and len(head) == 1:
        # the variable may hold an address as well; the caller knows its value of today
        first, last = _range(container, text)
        return [_port("", published, first, protocol or "tcp")] if first == last else None
    if has_mark(text):
        return None
    protocol = (protocol or "tcp").lower()
    if protocol not in _PROTOCOLS:
        raise BundleError(
            tr("{text!r}: {protocol!r} is no protocol", text=text, protocol=protocol),
            hint=tr("tcp, udp or sctp"),
        )
    address = _address(address, text)
    if not container:
        raise BundleError(tr("{text!r}: no port of the container", text=text), hint=tr("as PUBLISHED:TARGET"))
    first, last = _range(container, text)
    if not first:
        raise BundleError(
            tr("{text!r}: a container has no port 0", text=text), hint=tr("as PUBLISHED:TARGET")
        )
    low, high = _range(published, text) if published else (0, 0)
    if published and high - low != last - first and last != first:
        raise BundleError(tr("{text!r}: the two ranges have different lengths", text=text))
    found = []
    for index in range(last - first + 1):
        host = str(low + index) if published else ""
        if published and first == last and low != high:
            host = f"{host}-{high}"
        found.append(_port(address, host, first + index, protocol))
    return sorted(found, key=lambda port: f"{port['target']}/{port['protocol']}")


def _port(address: str, published: str, target: int, protocol: str) -> Map:
    port = Map({"mode": "ingress"})
    if address:
        port["host_ip"] = address
    port["target"] = target
    if published:
        port["published"] = published
    port["protocol"] = protocol
    return port


def _address(text: str, whole: str) -> str:
    address = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if address and not is_address(address.partition("%")[0]):
        raise BundleError(tr("{whole!r}: {address!r} is no IP address", whole=whole, address=address))
    return address


def is_address(text: str) -> bool:
    """Whether a text is an IP address, of either version."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _range(text: str, whole: str) -> tuple[int, int]:
    found = _NUMBERS.fullmatch(text)
    first = int(found[1]) if found else -1
    last = int(found[2] or found[1]) if found else -1
    if not 0 <= first <= last <= LAST_PORT:
        raise BundleError(
            tr("{whole!r}: {text!r} is not a port range", whole=whole, text=text),
            hint=tr("a number or a range, such as 8080-8089"),
        )
    return first, last


def parse_device(text: str) -> Map:
    """Return the long form of a device.

    Raises:
        BundleError: it has more than three parts; the message has no place.
    """
    parts = text.split(":")
    if len(parts) > 3:  # noqa: PLR2004 source, target, permissions
        raise BundleError(
            tr("{text!r}: too many colons", text=text), hint=tr("use the long form of a device")
        )
    return Map(
        {
            "source": parts[0],
            "target": parts[1] if len(parts) > 1 and parts[1] else parts[0],
            "permissions": parts[2] if len(parts) > 2 else "rwm",  # noqa: PLR2004 likewise
        }
    )
