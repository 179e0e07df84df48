"""Merges Compose documents, and removes entries that a later one replaces.

Source: compose-go v2.16.1, `override/merge.go`, `override/uncity.go` and `override/extends.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bundler.language import tr
from bundler_compose.reading.mount_forms import volume_target
from bundler_compose.reading.tree import FormError, Items, Keys, Map, Path, Patterns, Place, clone, go_text

Merger = Callable[[Any, Any, Path], Any]
Index = Callable[[Any, Keys], str]
"""Returns what an entry of a list at some keys is known by."""
STARTED: Final[Mapping[str, Any]] = {"condition": "service_started", "required": True}
"""What a name in a list of `depends_on` stands for."""


def merge(base: Any, other: Any, path: Path = ()) -> Any:  # noqa: ANN401 any YAML values
    """Return `base` with `other` merged into it. `base` may be changed.

    Raises:
        FormError: the two have different types there.
    """
    special: Merger | None = _SPECIAL.find(path)
    if special is not None:
        return special(base, other, path)
    if other is None:
        return base
    if isinstance(base, Map):
        _expect(other, Map, path)
        return _merge_maps(base, other, path)
    if isinstance(base, Items):
        _expect(other, Items, path)
        return _append_new(base, other)
    return other


def merge_services(base: Map, service: Map, name: str) -> Map:
    """Return a service that extends `base`."""
    merged: Map = merge(base, service, ("services", name))
    return merged


def _expect(value: Any, kind: type, path: Path) -> None:  # noqa: ANN401 any YAML values
    if not isinstance(value, kind):
        places = value.places.values() if isinstance(value, Map) else getattr(value, "places", ())
        found = next((str(place) for place in places), "")
        raise FormError(
            path,
            tr("cannot be overridden by a value of another type") + (f" ({found})" if found else ""),
            hint=tr("use the same form in both files"),
        )


def _merge_maps(base: Map, other: Map, path: Path) -> Map:
    for key, value in other.items():
        if key in base:
            merged = merge(base[key], value, (*path, key))
            base.put(key, merged, other.places.get(key) if merged is value else base.places.get(key))
        else:
            base.put(key, value, other.places.get(key))
    return base


def _append_new(base: Items, other: Items) -> Items:
    for value, place in other.pairs():
        if not any(_equal(value, known) for known in base):
            base.add(value, place)
    return base


def _equal(one: Any, other: Any) -> bool:  # noqa: ANN401 any YAML values
    return type(one) is type(other) and bool(one == other)


def _merge_logging(base: Any, other: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    _expect(base, Map, path)
    _expect(other, Map, path)
    same = "driver" not in base or "driver" not in other or base["driver"] == other["driver"]
    return _merge_maps(base, other, path) if same else other


def _merge_build(base: Any, other: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    def full(value: Any) -> Map:  # noqa: ANN401 likewise
        return value if isinstance(value, Map) else Map({} if value is None else {"context": value})

    return _merge_maps(full(base), full(other), path)


def _merge_as_maps(defaults: Mapping[str, Any] | None) -> Merger:
    def run(base: Any, other: Any, path: Path) -> Any:  # noqa: ANN401 likewise
        return _merge_maps(into_map(base, defaults, path), into_map(other, defaults, path), path)

    return run


def into_map(value: Any, defaults: Mapping[str, Any] | None, path: Path) -> Map:  # noqa: ANN401 likewise
    """Return a mapping for a list of names, each with `defaults`.

    Raises:
        FormError: it is neither a mapping nor a list of texts.
    """
    if value is None:
        return Map()
    if isinstance(value, Map):
        return value
    names = value if isinstance(value, Items) else Items([value])
    found = Map()
    for name, place in names.pairs():
        if not isinstance(name, str):
            raise FormError(path, tr("must be a mapping or a list of names"))
        found.put(name, None if defaults is None else Map(defaults), place)
    return found


def into_items(value: Any) -> Items:  # noqa: ANN401 likewise
    """Return a list for a mapping (as `key=value`, sorted), a text or a list."""
    if isinstance(value, Map):
        entries: list[tuple[str, Place | None]] = []
        for key, item in value.items():
            place = value.places.get(key)
            if item is None:
                entries.append((key, place))
            elif isinstance(item, Items):
                entries += [(f"{key}={go_text(each)}", place) for each in item]
            else:
                entries.append((f"{key}={go_text(item)}", place))
        entries.sort(key=lambda entry: entry[0])
        return Items([text for text, _ in entries], [place for _, place in entries])
    if isinstance(value, Items):
        return value
    return Items() if value is None else Items([value])


def _merge_sequences(base: Any, other: Any, _path: Path) -> Any:  # noqa: ANN401 likewise
    return _append_new(clone(into_items(base)), into_items(other))


def _merge_key_values(base: Any, other: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    joined = clone(into_items(base))
    for value, place in into_items(other).pairs():
        joined.add(value, place)
    return _unique(joined, _key_of, path)


def _replace(_base: Any, other: Any, _path: Path) -> Any:  # noqa: ANN401 likewise
    return other


def _merge_ulimit(base: Any, other: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    if isinstance(base, Map) and isinstance(other, Map):
        return _merge_maps(base, other, path)
    return other


def _merge_ipam(base: Any, other: Any, path: Path) -> Any:  # noqa: ANN401 likewise
    _expect(base, Items, path)
    _expect(other, Items, path)
    found = Items()

    def index_of(subnet: Any) -> int | None:  # noqa: ANN401 likewise
        return next((index for index, each in enumerate(found) if each.get("subnet") == subnet), None)

    for original, place in base.pairs():
        mine = into_map(original, None, path)
        for override, other_place in other.pairs():
            theirs = into_map(override, None, path)
            known = index_of(theirs.get("subnet"))
            if theirs.get("subnet") != mine.get("subnet") and known is None:
                found.add(theirs, other_place)
                continue
            merged = _merge_maps(mine, theirs, path)
            at = index_of(merged.get("subnet"))
            if at is None:
                found.add(merged, place)
            else:
                found.put(at, merged, place)
    return found


def _specials() -> dict[str, Merger]:
    found: dict[str, Merger] = {
        "networks.*.ipam.config": _merge_ipam,
        "services.*.deploy.labels": _merge_key_values,
        "services.*.build": _merge_build,
        "services.*.depends_on": _merge_as_maps(STARTED),
        "services.*.logging": _merge_logging,
        "services.*.models": _merge_as_maps(None),
        "services.*.networks": _merge_as_maps(None),
        "services.*.ulimits.*": _merge_ulimit,
    }
    for section in ("networks", "volumes", "secrets", "configs"):
        found[f"{section}.*.labels"] = _merge_key_values
    for key in (
        "annotations", "build.args", "build.additional_contexts", "build.labels", "environment", "labels",
        "volumes.*.volume.labels", "sysctls",
    ):  # fmt: skip
        found[f"services.*.{key}"] = _merge_key_values
    for key in (
        "build.extra_hosts", "dns", "dns_opt", "dns_search", "env_file", "label_file", "extra_hosts", "tmpfs",
    ):  # fmt: skip
        found[f"services.*.{key}"] = _merge_sequences
    for key in ("command", "entrypoint", "healthcheck.test"):
        found[f"services.*.{key}"] = _replace
    return found


_SPECIAL: Final = Patterns(_specials())


def enforce_unique(value: Any, path: Path = ()) -> Any:  # noqa: ANN401 likewise
    """Return `value` with only the last of the entries of a list that mean the same, at the first's place.

    Raises:
        FormError: an entry has no form that can be compared.
    """
    if isinstance(value, Map):
        for key, item in value.items():
            value[key] = enforce_unique(item, (*path, key))
    elif isinstance(value, Items) and (index := _UNIQUE.find(path)) is not None:
        return _unique(value, index, path)
    return value


def _unique(entries: Items, index: Index, path: Path) -> Items:
    found = Items()
    known: dict[str, int] = {}
    for number, (entry, place) in enumerate(entries.pairs()):
        key = index(entry, (*path, number))
        if key in known:
            found.put(known[key], entry, place)
        else:
            known[key] = len(found)
            found.add(entry, place)
    return found


def _key_of(value: Any, path: Keys) -> str:  # noqa: ANN401 likewise
    if not isinstance(value, str):
        raise FormError(path, tr("must be a text"), hint=tr("put it in quotes"))
    return value.partition("=")[0]


def _expose_key(value: Any, path: Keys) -> str:  # noqa: ANN401 likewise
    if isinstance(value, str | int):
        return str(value)
    raise FormError(path, tr("must be a port"))


def _device_key(value: Any, path: Keys) -> str:  # noqa: ANN401 likewise
    if isinstance(value, Map):
        if not isinstance(value.get("target"), str):
            raise FormError(path, tr("the device has no target"), hint=tr("add `target:`"))
        return str(value["target"])
    parts = str(value).split(":")
    return parts[0] if len(parts) == 1 else parts[1]


def _env_file_key(value: Any, _path: Keys) -> str:  # noqa: ANN401 likewise
    return str(value.get("path") if isinstance(value, Map) else value)


def _mount_key(folder: str) -> Index:
    def run(value: Any, _path: Keys) -> str:  # noqa: ANN401 likewise
        if isinstance(value, Map):
            return str(value["target"]) if "target" in value else f"{folder}/{value.get('source')}"
        return f"{folder}/{value}"

    return run


def _port_key(value: Any, path: Keys) -> str:  # noqa: ANN401 likewise
    if not isinstance(value, Map):
        return str(value)
    if "target" not in value:
        raise FormError(path, tr("the port has no target"), hint=tr("add `target:`"))
    address = value.get("host_ip", "0.0.0.0")  # noqa: S104 Compose's default in the key
    protocol = value.get("protocol", "tcp")
    # Compose takes the number 80 and the text "80" for two published ports
    return f"{address}:{value.get('published')!r}:{value['target']!r}/{protocol}"


def _uniques() -> dict[str, Index]:
    found: dict[str, Index] = {
        "networks.*.labels": _key_of,
        "networks.*.ipam.options": _key_of,
        "services.*.devices": _device_key,
        "services.*.configs": _mount_key(""),
        "services.*.secrets": _mount_key("/run/secrets"),
        "services.*.env_file": _env_file_key,
        "services.*.expose": _expose_key,
        "services.*.ports": _port_key,
        "services.*.volumes": volume_target,
    }
    for key in (
        "annotations", "build.args", "build.additional_contexts", "build.platform", "build.tags",
        "build.labels", "cap_add", "cap_drop", "deploy.labels", "dns", "dns_opt", "dns_search", "environment",
        "labels", "links", "networks.*.aliases", "networks.*.link_local_ips", "profiles", "sysctls", "tmpfs",
    ):  # fmt: skip
        found[f"services.*.{key}"] = _key_of
    return found


_UNIQUE: Final = Patterns(_uniques())
