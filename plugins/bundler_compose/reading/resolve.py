"""Completes a document: chosen services, files of variables and labels, mappings for lists of `key=value`.

Source: compose-go v2.16.1, `types/project.go` (`WithProfiles`, `WithServicesEnvironmentResolved`,
`WithServicesLabelsResolved`) and `types/mapping.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading.files import Reader
from bundler_compose.reading.interpolation import Interpolation
from bundler_compose.reading.service_files import EnvFile, resolve_environment, resolve_labels
from bundler_compose.reading.tree import FormError, Items, Keys, Map, Place, go_text

At = Callable[..., str]
DROPPED: Final = frozenset({"profiles", "build", "develop", "env_file", "label_file", "extends"})
"""Keys of a service that are settled at the build."""
_PAIRS: Final = (
    ("services", ("labels", "annotations", "sysctls", "deploy.labels")),
    ("networks", ("labels", "driver_opts")),
    ("volumes", ("labels", "driver_opts")),
    ("configs", ("labels",)),
    ("secrets", ("labels",)),
)


def as_map(value: Any, missing: str | None, keys: Keys = ()) -> Map:  # noqa: ANN401 a list, a mapping or None
    """Return a list of `key=value`, or a mapping, as a mapping of texts.

    Args:
        value: the list or mapping.
        missing: value of a name without `=`, or without a value.
        keys: where it stands, for the error.

    Raises:
        FormError: an entry has no name.
    """
    if isinstance(value, Map):
        texts = {key: missing if item is None else _text(item) for key, item in value.items()}
        return Map(texts, value.places)
    found = Map()
    for index, (entry, place) in enumerate(value.pairs() if isinstance(value, Items) else ()):
        name, equals, text = go_text(entry).partition("=")
        if not name:
            raise FormError(
                (*keys, index),
                tr("{entry!r} has no name before `=`", entry=entry),
                hint=tr("add the name, or remove the entry"),
            )
        found.put(name, text if equals else missing, place)
    return found


def _text(value: Any) -> Any:  # noqa: ANN401 likewise
    return value if isinstance(value, str | Items | Map) else go_text(value)


def pairs_as_maps(document: Map) -> None:
    """Give every list of `key=value` of a document the form of a mapping.

    Raises:
        FormError: an entry has no name.
    """
    for section, keys in _PAIRS:
        for title, entry in (document.get(section) or {}).items():
            for key in keys:
                holder, name = entry, key
                if "." in key and isinstance(entry, Map):
                    first, name = key.split(".")
                    holder = entry.get(first)
                if isinstance(holder, Map) and holder.get(name) is not None:
                    holder[name] = as_map(holder[name], "", (section, title, *key.split(".")))
    for title, service in (document.get("services") or {}).items():
        if isinstance(service, Map) and "environment" in service:
            where = ("services", title, "environment")
            service["environment"] = as_map(service["environment"], None, where)


def select_services(document: Map, profiles: Collection[str], at: At) -> Map:
    """Return the document with only the services that `profiles` enable; `*` enables all.

    Raises:
        BundleError: a service needs one that is not enabled.
    """
    services: Map = document["services"]
    chosen = Map()
    for name, service in services.items():
        wanted = set(service.get("profiles") or ())
        if not wanted or "*" in profiles or wanted & set(profiles):
            chosen.put(name, service, services.places.get(name))
    for name, service in chosen.items():
        depends = service.get("depends_on")
        if not isinstance(depends, Map):
            continue
        for other in [other for other in depends if other not in chosen]:
            if other not in services:
                raise BundleError(
                    tr(
                        "{where}: there is no service {other!r}",
                        where=at("services", name, "depends_on"),
                        other=other,
                    ),
                    hint=tr("available: {names}", names=", ".join(services)),
                )
            if depends[other].get("required") is not False:
                raise BundleError(
                    tr(
                        "{where}: {other!r} is not in the bundle",
                        where=at("services", name, "depends_on"),
                        other=other,
                    ),
                    hint=tr("enable a Compose profile that includes it: `settings: profiles: [...]`"),
                )
            del depends[other]
        if not depends:
            del service["depends_on"]
    result = Map(document)
    result["services"] = chosen
    return result


def resolve_files(
    document: Map, reader: Reader, interpolation: Interpolation, today: Callable[[str], str | None], at: At
) -> None:
    """Put the variables and labels of files into their services, and remove what is settled at the build.

    Raises:
        BundleError: a file is missing or cannot be read, or a variable of a hook has no name.
    """
    for name, service in document["services"].items():
        _resolve(service, ("services", name), reader, interpolation, today, at)
        for index, hook in enumerate(service.get("pre_start") or ()):
            # Compose 5.6.0 gives the names without a value no value, and does not read files of hooks
            if isinstance(hook, Map) and hook.get("environment") is not None:
                where = ("services", name, "pre_start", index, "environment")
                hook["environment"] = as_map(hook["environment"], None, where)


def _resolve(  # noqa: PLR0917 all that a file is read with
    service: Map,
    keys: tuple[str | int, ...],
    reader: Reader,
    interpolation: Interpolation,
    today: Callable[[str], str | None],
    at: At,
) -> None:
    if service.get("environment") is not None or service.get("env_file"):
        own = as_map(service.get("environment"), None)
        files = [
            EnvFile(
                reader.shown(reader.folder / str(file.get("path"))),
                at(*keys, "env_file", index),
                file.get("required") is not False,
                str(file.get("format") or ""),
            )
            for index, file in enumerate(service.get("env_file") or ())
        ]
        for file in files:
            _check_file(reader, file)
        found: dict[str, str] = {}
        resolved = resolve_environment(own, files, reader.variables, interpolation, today, places=found)
        service["environment"] = Map(resolved, {**_places(found), **own.places})
    if service.get("label_file"):
        own = as_map(service.get("labels"), "")
        files = [
            EnvFile(reader.shown(reader.folder / str(path)), at(*keys, "label_file", index))
            for index, path in enumerate(service["label_file"])
        ]
        for file in files:
            _check_file(reader, file)
        service["labels"] = Map(resolve_labels(own, files, reader.variables, interpolation), own.places)
    for key in DROPPED & set(service):
        del service[key]


def _check_file(reader: Reader, file: EnvFile) -> None:
    path = reader.folder / file.path
    if not reader.exists(path, file.where) and path.is_dir():
        raise BundleError(
            tr("{where}: {path} is a folder, not a file", where=file.where, path=reader.shown(path)),
            hint=tr("name a file"),
        )


def _places(found: Mapping[str, str]) -> dict[str, Place]:
    """Return places of `file:line`."""
    parts = {name: where.rpartition(":") for name, where in found.items()}
    return {name: Place(file, int(line)) for name, (file, _, line) in parts.items() if line.isdecimal()}


def plain(value: Any) -> Any:  # noqa: ANN401 any YAML value
    """Return a copy of ordinary dictionaries and lists."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
