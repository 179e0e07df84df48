"""What services mount of the configuration: the lines of `mounted.tsv`.

Compose creates a container anew when its definition changes, but not when only the content of a mounted file
does (docker/compose, `ServiceHash` in pkg/compose/hash.go at f72979427042). The site computes a digest of the
content for each service, and adds it to the definition as a label.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from bundler.api.application import INITIAL
from bundler.api.compose import running, short_parts

Row = dict[str, str | None]
"""A line of `mounted.tsv`: `service`, and one of `path`, `variable` and `text`."""
_VARIABLE: Final = re.compile(r"\$(?:\$|\{?([A-Za-z_]\w*))", re.ASCII)
_DATA: Final = "${BUNDLE_DATA}/"
_ENTRIES: Final = ("configs", "secrets")


def mounted_rows(document: Mapping[str, Any], initial: Collection[str] = ()) -> list[Row]:
    """Return the lines of `mounted.tsv`, in the order of the document, each once.

    Args:
        document: the Compose document. Relative paths start from `config/`; both the short and the long forms
            of volumes, configs and secrets are read. Services without replicas mount nothing.
        initial: files below `<root>/data` whose initial content the bundle brings. A service that mounts some
            is listed with what the bundle brings, and not with what it writes itself.
    """
    rows: dict[tuple[str | None, ...], Row] = {}
    for service, entry in running(document):
        for key, value in _mounted(document, entry, initial):
            row: Row = {"service": service.name, "path": None, "variable": None, "text": None, key: value}
            rows.setdefault(tuple(row.values()), row)
    return list(rows.values())


def _mounted(
    document: Mapping[str, Any], entry: Mapping[str, Any], initial: Collection[str]
) -> Iterator[tuple[str, str]]:
    for volume in entry.get("volumes") or ():
        source = _bind_source(volume)
        if source.startswith(_DATA):
            data = posixpath.normpath(source.removeprefix(_DATA))
            if any(path == data or path.startswith(f"{data}/") for path in initial):
                yield "path", f"config/{INITIAL}/{data}"
        elif (path := _carried(source)) is not None:
            yield "path", path
    for kind in _ENTRIES:
        known = document.get(kind) or {}
        for name in _names(entry.get(kind) or ()):
            yield from _content(known.get(name) or {})


def _bind_source(volume: object) -> str:
    """Return the source of a bind mount; an empty text for any other volume."""
    if isinstance(volume, Mapping):
        return str(volume.get("source") or "") if volume.get("type") == "bind" else ""
    source, *target = short_parts(str(volume))
    return source if target and source.startswith((".", "$")) else ""


def _carried(source: object) -> str | None:
    """Return a relative path as a path of the release; None for paths of the server and of data."""
    if not isinstance(source, str) or not source or source.startswith(("/", "~", "$")):
        return None
    path = posixpath.normpath(posixpath.join("config", source))
    return path if path == "config" or path.startswith("config/") else None


def _names(given: Collection[Any]) -> Iterator[str]:
    for each in given:
        yield str(each.get("source", "")) if isinstance(each, Mapping) else str(each)


def _content(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say on what the content of a config or a secret depends."""
    path = _carried(entry.get("file"))
    if path is not None:
        yield "path", path
    if entry.get("environment"):
        yield "variable", str(entry["environment"])
    content = entry.get("content")
    if content is not None:
        yield "text", "sha256:" + hashlib.sha256(str(content).encode()).hexdigest()
        for found in _VARIABLE.finditer(str(content)):
            if found[1]:
                yield "variable", found[1]
