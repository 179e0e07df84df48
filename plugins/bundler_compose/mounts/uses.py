"""The places of a canonical document where a path of the builder's machine is mounted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Keys = tuple[str | int, ...]
"""Keys of a value in a document."""


@dataclass(frozen=True)
class Use:
    """A bind mount of a service, or a volume whose driver binds a path.

    Attributes:
        service: name of the service; None for a volume.
        keys: where it stands in the document.
        source: absolute path, as it is today.
        target: path in the container; of a volume, its name.
        read_only: whether the service cannot write to it.
        creates: whether Compose creates a missing folder.
        owner: user and group that the service runs as, if they are numbers.
    """

    service: str | None
    keys: Keys
    source: str
    target: str
    read_only: bool
    creates: bool = True
    owner: tuple[int, int | None] | None = None

    @property
    def is_volume(self) -> bool:
        """Whether it is a volume: its path cannot change between releases."""
        return self.service is None


def find_uses(document: Mapping[str, Any], today: Callable[[str], str]) -> Iterator[Use]:
    """Yield each bind mount, and each volume of the driver `local` that binds a path.

    Args:
        document: a canonical document.
        today: replaces the variables of a text by the values of today.
    """
    for name, service in document["services"].items():
        owner = _owner(str(service.get("user") or ""))
        for index, volume in enumerate(service.get("volumes") or ()):
            if volume.get("type") != "bind":
                continue
            creates = (volume.get("bind") or {}).get("create_host_path") is not False
            yield Use(
                name,
                ("services", name, "volumes", index),
                today(str(volume.get("source", ""))),
                today(str(volume.get("target", ""))),
                volume.get("read_only") is True,
                creates,
                owner,
            )
    for name, volume in (document.get("volumes") or {}).items():
        if binds(volume, today):
            options = {key: today(str(value)) for key, value in volume["driver_opts"].items()}
            read_only = "ro" in options["o"].split(",")
            yield Use(None, ("volumes", name, "driver_opts", "device"), options["device"], name, read_only)


def binds(volume: Mapping[str, Any] | None, today: Callable[[str], str]) -> bool:
    """Whether a volume is a path of the host.

    The engine's driver `local` passes `type`, `o` and `device` to mount(2). Compose completes `device` only
    with `driver: local` and exactly `o: bind` (compose-spec/compose-go, paths/resolve.go, commit e70e961).
    """
    options = (volume or {}).get("driver_opts") or {}
    if not volume or volume.get("external") or volume.get("driver", "local") != "local":
        return False
    words = today(str(options.get("o", ""))).split(",")
    return bool(options.get("device")) and bool({"bind", "rbind"} & set(words))


def _owner(user: str) -> tuple[int, int | None] | None:
    found = re.fullmatch(r"([0-9]{1,9})(?::([0-9]{1,9}))?", user)
    return (int(found[1]), int(found[2]) if found[2] else None) if found else None
