"""Collects the files of a project for the bundle: bind mounts, `env_file`, `configs`, `secrets`.

Short forms become long ones with absolute paths first, as in a canonical document.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bundler.bundle.names import LONGEST_NAME, show_path
from bundler.errors import BundleError
from bundler_compose.document import Document
from bundler_compose.interpolation import bind
from bundler_compose.mounts.carry import Carrier
from bundler_compose.mounts.collect import Collected, Texts, collect_mounts

PROPAGATIONS: Final = frozenset({"shared", "slave", "private", "rshared", "rslave", "rprivate"})
"""Words of a short form that say how mounts below the mount are shared."""


def collect_files(document: Document, carrier: Carrier, values: Mapping[str, str]) -> Collected:
    """Collect all files that the document refers to.

    Args:
        document: document of the project.
        carrier: knows the project and the settings.
        values: values of variables today.

    Raises:
        BundleError: a path leaves the project's folder, does not exist, or cannot be bundled.
    """

    def today(text: str) -> str:
        return bind(text, values, lambda use: use.text)

    reader = _Reader(document, carrier, today)
    changed = document.with_services(reader.service)
    for kind in ("configs", "secrets"):
        if entries := document.data.get(kind):
            changed = changed.with_section(kind, {key: reader.entry(entry) for key, entry in entries.items()})
    if volumes := document.data.get("volumes"):
        changed = changed.with_section(
            "volumes", {key: reader.driver(entry) for key, entry in volumes.items()}
        )
    return collect_mounts(changed.data, carrier, Texts(lambda keys: document.at(*keys), today))


@dataclass(frozen=True)
class _Reader:
    """Writes the parts of a document that name files in their long forms."""

    document: Document
    carrier: Carrier
    today: Any

    def service(self, name: str, service: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a service with long forms, and the paths of its `env_file` at the site."""
        changed = dict(service)
        if service.get("volumes"):
            changed["volumes"] = [self._volume(volume) for volume in service["volumes"]]
        for kind in ("configs", "secrets"):
            if service.get(kind):
                changed[kind] = [
                    {"source": grant} if isinstance(grant, str) else grant for grant in service[kind]
                ]
        if service.get("env_file"):
            changed["env_file"] = list(self._env_files(name, service["env_file"]))
        return changed

    def entry(self, entry: Any) -> Any:  # noqa: ANN401 all its forms
        """Return an entry of `configs:` or `secrets:` with an absolute path."""
        if not isinstance(entry, dict) or not entry.get("file"):
            return entry
        return {**entry, "file": self._absolute(str(entry["file"]))}

    def driver(self, entry: Any) -> Any:  # noqa: ANN401 all its forms
        """Return an entry of `volumes:` with an absolute device."""
        options = (entry or {}).get("driver_opts") or {}
        if not options.get("device") or options.get("o") != "bind" or entry.get("driver") != "local":
            return entry
        return {**entry, "driver_opts": {**options, "device": self._absolute(str(options["device"]))}}

    def _volume(self, volume: Any) -> Mapping[str, Any]:  # noqa: ANN401 either form
        if isinstance(volume, dict):
            if volume.get("type") == "image":
                return {**volume, "source": self.today(str(volume.get("source", "")))}
            if volume.get("type") != "bind":
                return volume
            return {**volume, "source": self._absolute(str(volume.get("source", "")))}
        source, colon, rest = split_short(str(volume))
        if not colon:
            return {"type": "volume", "target": source}
        target, _, mode = split_short(rest)
        words = [word for word in mode.split(",") if word]
        long: dict[str, Any] = {"source": source, "target": target}
        if "ro" in words:
            long["read_only"] = True
        if not self.today(source).startswith((".", "/", "~", "$")):
            return {"type": "volume", **long, **({"volume": {"nocopy": True}} if "nocopy" in words else {})}
        return {"type": "bind", **long, "source": self._absolute(source), "bind": _bind(words)}

    def _absolute(self, source: str) -> str:
        """Return the absolute path of today; unchanged if it begins with a variable of the site."""
        path = str(self.today(source))
        if path.startswith("$"):
            return source
        return os.path.normpath(self.document.folder.absolute() / os.path.expanduser(path))  # noqa: PTH111 text

    def _env_files(self, service: str, entries: Any) -> Iterator[Any]:  # noqa: ANN401 all its forms
        for index, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            where = self.document.at("services", service, "env_file", index)
            given = entry if isinstance(entry, dict) else {"path": entry}
            path = str(given.get("path", ""))
            exists = os.path.exists(self.document.folder / path)  # noqa: PTH110 false for an invalid path
            if given.get("required", True) is False and not exists:
                continue
            if "\0" in path or any(len(os.fsencode(name)) > LONGEST_NAME for name in path.split("/")):
                raise BundleError(f"{where}: {show_path(path[:80])}...: not a path")
            relative = self.carrier.project.relative(self._absolute(path), where)
            if relative is None:
                raise BundleError(
                    f"{where}: {path} is outside the project's folder",
                    hint="move it into the project's folder, or set `settings: root`",
                )
            self.carrier.configuration(relative, where, folders=False)
            # the long form requires Compose 2.24; without options, the short form is equivalent
            yield {**given, "path": f"./{relative}"} if given.get("format") else f"./{relative}"


def _bind(words: Sequence[str]) -> Mapping[str, Any]:
    """Return the options of a short form, as a long one has them."""
    bind: dict[str, Any] = {"create_host_path": True}
    for word in words:
        if word in PROPAGATIONS:
            bind["propagation"] = word
        elif word in {"z", "Z"}:
            bind["selinux"] = word
    return bind


def split_short(volume: str) -> tuple[str, str, str]:
    """Split `source:target[:mode]` at its first colon outside `${...}`."""
    depth = 0
    for index, character in enumerate(volume):
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        elif character == ":" and depth == 0:
            return volume[:index], ":", volume[index + 1 :]
    return volume, "", ""
