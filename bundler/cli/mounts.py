"""Mounts of an application, for `plan`, `inspect` and `build`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bundler.language import tr, tr_later

if TYPE_CHECKING:
    from bundler.api.application import Mount
    from bundler.bundle.manifest import MountEntry

KINDS: Final[Mapping[str, str]] = {
    "configuration": tr_later("configuration"),
    "data": tr_later("data"),
    "initial": tr_later("data with initial content"),
    "host": tr_later("path of the host"),
}
"""What each kind is called."""


def mount_head() -> tuple[str, ...]:
    """Return the headings of the table of mounts."""
    return tr("service"), tr("mounts"), tr("at"), tr("is"), tr("at the site")


def mount_rows(mounts: Iterable[Mount | MountEntry]) -> list[tuple[str, ...]]:
    """Return the rows of the table of mounts."""
    return [
        (
            _named(mount.service),
            mount.source,
            tr("{target} (read-only)", target=mount.target) if mount.read_only else mount.target,
            tr(KINDS[mount.kind]),
            mount.place if mount.kind == "host" else f"{_FOLDERS[mount.kind]}/{mount.place}",
        )
        for mount in mounts
    ]


def _named(service: str) -> str:
    """Return a service, or a volume that stands for one, as people read it."""
    volume = service.removeprefix("volume ")
    return service if volume == service else tr("volume {name}", name=volume)


_FOLDERS: Final = {"configuration": "<release>", "data": "<root>", "initial": "<root>"}


def count_mounts(mounts: Sequence[Mount | MountEntry]) -> str:
    """Return how many different paths are of each kind: `2 configuration, 1 data`."""
    counts: Counter[str] = Counter(kind for kind, _ in {(mount.kind, mount.place) for mount in mounts})
    return tr(", ").join(
        tr("{count} {kind}", count=counts[kind], kind=tr(name))
        for kind, name in KINDS.items()
        if counts[kind]
    )
