"""The differences between two documents, as `docker compose config` shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

SETTLED: Final = frozenset({"build", "develop", "label_file", "profiles", "pull_policy"})
"""Keys of services that have no meaning at a site, or another one by intention."""
CARRIED: Final = "(in the bundle)"
"""Stands for the path of a file or folder that the bundle carries or creates."""

_NOTHING: Final[tuple[object, ...]] = (None, {}, [])


@dataclass(frozen=True)
class Difference:
    """A value that differs.

    Attributes:
        key: where it stands, such as `services.web.user`.
        project: the value in the project; None if it is not there.
        bundle: the value in the bundle's document; None if it is not there.
    """

    key: str
    project: Any
    bundle: Any


@dataclass(frozen=True)
class Intended:
    """What differs by intention.

    Attributes:
        images: images of services, for those that the project only builds.
        chosen: services whose image the profile sets.
        mounts: pairs of service and path in the container whose source the bundle carries or creates.
        read_only: those of them that the bundle mounts read-only.
        volumes: volumes whose path the bundle creates.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    chosen: Collection[str] = ()
    mounts: Collection[tuple[str, str]] = ()
    read_only: Collection[tuple[str, str]] = ()
    volumes: Collection[str] = ()


def find_differences(
    project: Mapping[str, Any], bundle: Mapping[str, Any], intended: Intended
) -> list[Difference]:
    """Return the values that differ between a project and its bundle, except those that are intended."""
    return list(_differences(_normal(project, intended), _normal(bundle, intended), ""))


def _differences(project: Any, bundle: Any, key: str) -> Iterator[Difference]:  # noqa: ANN401 any JSON value
    if isinstance(project, dict) and isinstance(bundle, dict):
        # a variable without a value removes that of the image; elsewhere, nothing is like no key
        missing = "(missing)" if key.endswith(".environment") else None
        for name in dict.fromkeys([*project, *bundle]):
            below = f"{key}.{name}" if key else name
            yield from _differences(project.get(name, missing), bundle.get(name, missing), below)
    elif isinstance(project, list) and isinstance(bundle, list) and len(project) == len(bundle):
        for index, (one, other) in enumerate(zip(project, bundle, strict=True)):
            yield from _differences(one, other, f"{key}.{index}")
    elif project != bundle and not (project in _NOTHING and bundle in _NOTHING):
        yield Difference(key, project, bundle)


def _normal(document: Mapping[str, Any], intended: Intended) -> dict[str, Any]:
    """Return a document in which what may differ is the same."""
    services = {}
    for name, service in (document.get("services") or {}).items():
        kept = {key: value for key, value in service.items() if key not in SETTLED}
        given = None if name in intended.chosen else kept.get("image")
        kept["image"] = given or intended.images.get(name)
        kept["depends_on"] = {
            other: how
            for other, how in (kept.get("depends_on") or {}).items()
            if how.get("required") is not False or other in document["services"]
        }
        kept["volumes"] = [_mount(name, volume, intended) for volume in service.get("volumes") or ()]
        services[name] = kept
    files = {
        kind: {name: _without_path(entry) for name, entry in (document.get(kind) or {}).items()}
        for kind in ("configs", "secrets")
    }
    volumes = dict(document.get("volumes") or {})
    for name in intended.volumes:
        options = (volumes.get(name) or {}).get("driver_opts") or {}
        volumes[name] = {**(volumes.get(name) or {}), "driver_opts": {**options, "device": CARRIED}}
    return {**document, "services": services, "volumes": volumes, **files}


def _mount(service: str, volume: Mapping[str, Any], intended: Intended) -> Mapping[str, Any]:
    place = (service, PurePosixPath(str(volume.get("target"))).as_posix())
    if volume.get("type") != "bind":
        return volume
    bind = {key: value for key, value in (volume.get("bind") or {}).items() if key != "create_host_path"}
    changed = {**volume, "bind": bind}
    if place in intended.mounts:
        changed["source"] = CARRIED
    if place in intended.read_only:
        changed["read_only"] = True
    return changed


def _without_path(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**entry, "file": CARRIED} if entry.get("file") else entry
