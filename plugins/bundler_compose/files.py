"""Collects the files of a project for the bundle: bind mounts, `env_file`, `configs`, `secrets`."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bundler.api.application import ConfigFile, DataFolder
from bundler.api.templates.formats import TemplateFormat, guess_format
from bundler.api.templates.jinja import SUFFIX
from bundler.api.templates.process import Templates
from bundler.bundle.content import content_of
from bundler.bundle.names import LONGEST_NAME, PathError, PathSet, show_path
from bundler.errors import BundleError, HintedValueError
from bundler.profile.values import check_member
from bundler_compose.document import Document, read_text

FOLDER_LIMIT: Final = 64 * 1024 * 1024
"""Maximum size of one carried folder, in bytes. Configuration is smaller; a database of a test run is not."""
LEFT_OUT: Final = frozenset({".git", ".svn", ".DS_Store", "__pycache__"})


@dataclass(frozen=True)
class Rules:
    """Settings that concern files.

    Attributes:
        data: data folders of the project, which are created empty at the site.
        host_paths: paths that belong to the site's host.
        site_templates: files with site values, each with its format, or None to derive it from the name.
    """

    data: Collection[str] = ()
    host_paths: Collection[str] = ()
    site_templates: Mapping[str, TemplateFormat | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Collected:
    """The files and data folders that a project's services mount.

    Attributes:
        document: the document with its paths rewritten for the site.
        files: carried files, by path below `config/`.
        data: data folders, by path below `<root>/data`.
    """

    document: Document
    files: Mapping[str, ConfigFile]
    data: Mapping[str, DataFolder]


def collect_files(document: Document, templates: Templates, rules: Rules) -> Collected:
    """Collect all files that the document refers to.

    Args:
        document: document of the project.
        templates: renders the project's templates.
        rules: settings that concern files.

    Raises:
        BundleError: a path leaves the project's folder, does not exist, or cannot be bundled.
    """
    collector = _Collector(document, templates, rules)
    changed = document.with_services(collector.service)
    for kind in ("configs", "secrets"):
        if entries := document.data.get(kind):
            found = {name: collector.entry(kind, name, entry) for name, entry in entries.items()}
            changed = changed.with_section(kind, found)
    for template in sorted(set(rules.site_templates) - set(collector.files)):
        raise BundleError(
            f"settings: site_templates: {template}: no service mounts it, so it is not in the bundle",
            hint=f"available: {', '.join(sorted(collector.files)) or 'no files'}",
        )
    return Collected(changed, collector.files, collector.data)


class _Collector:
    """Collects files and data folders while the document is traversed.

    Attributes:
        files: carried files, by path below `config/`.
        data: data folders, by path below `<root>/data`.
    """

    def __init__(self, document: Document, templates: Templates, rules: Rules) -> None:
        self.files: dict[str, ConfigFile] = {}
        self.data: dict[str, DataFolder] = {}
        self._document = document
        self._templates = templates
        self._rules = rules
        self._paths = PathSet()

    def service(self, name: str, service: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a service with the paths of the site."""
        changed = dict(service)
        if service.get("volumes"):
            changed["volumes"] = [
                self._volume(volume, ("services", name, "volumes", index))
                for index, volume in enumerate(service["volumes"])
            ]
        if service.get("env_file"):
            changed["env_file"] = list(self._env_files(name, service["env_file"]))
        return changed

    def entry(self, kind: str, name: str, entry: Any) -> Any:  # noqa: ANN401 all its forms
        """Return an entry of `configs:` or `secrets:` with the path of the site."""
        if not isinstance(entry, dict) or not entry.get("file"):
            return entry
        keys = (kind, name, "file")
        return {**entry, "file": self._carry(entry["file"], keys, folders=kind == "configs")}

    def _volume(self, volume: Any, keys: tuple[str | int, ...]) -> Any:  # noqa: ANN401 either form
        if isinstance(volume, dict):
            if volume.get("type") != "bind":
                return volume
            source = self._mount(str(volume.get("source", "")), keys)
            bind = {**(volume.get("bind") or {}), "create_host_path": False}
            return {**volume, "source": source, "bind": bind}
        source, colon, rest = split_short(str(volume))
        if not colon or not source.startswith((".", "/", "~", "$")):
            return volume  # a named or an anonymous volume
        return f"{self._mount(source, keys)}:{rest}"

    def _mount(self, source: str, keys: tuple[str | int, ...]) -> str:
        if source.startswith("$"):
            return source  # known only at the site, like ${BUNDLE_DATA}/...
        if source.startswith(("/", "~")) and source in self._rules.host_paths:
            return source
        path = self._inside(source, keys, hint_host=True)
        relative = path.relative_to(self._document.folder.resolve()).as_posix()
        is_data = any(relative == d or relative.startswith(d + "/") for d in self._rules.data)
        if is_data or not (path.exists() or path.with_name(path.name + SUFFIX).exists()):
            self.data[relative] = DataFolder(self._member(relative, keys))
            return "${BUNDLE_DATA}/" + relative
        return self._carry(source, keys)

    def _env_files(self, service: str, entries: Any) -> Iterator[Any]:  # noqa: ANN401 all its forms
        for index, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            keys = ("services", service, "env_file", index)
            given = entry if isinstance(entry, dict) else {"path": entry}
            path = str(given.get("path", ""))
            if given.get("required", True) is False and not os.path.exists(self._document.folder / path):  # noqa: PTH110 false for an invalid path
                continue
            carried = self._carry(path, keys, folders=False)
            # the long form requires Compose 2.24; without options, the short form is equivalent
            yield {**given, "path": carried} if given.get("format") else carried

    def _carry(self, source: str, keys: tuple[str | int, ...], *, folders: bool = True) -> str:
        """Add a file or folder, and return its path relative to the Compose file at the site."""
        path = self._inside(source, keys, hint_host=False)
        template = path.with_name(path.name + SUFFIX)
        found = path if path.exists() else template
        if found.is_dir() and not folders:
            raise BundleError(f"{self._document.at(*keys)}: {source}: is a folder, not a file")
        if found.is_dir():
            self._carry_folder(found, keys)
        elif found.is_file():
            self._carry_file(found, keys)
        else:
            raise BundleError(
                f"{self._document.at(*keys)}: {source}: no such file in {self._document.folder}",
                hint="add the file, or remove it from the Compose file",
            )
        relative = path.relative_to(self._document.folder.resolve()).as_posix()
        return "./" + relative if relative != "." else "."

    def _carry_folder(self, folder: Path, keys: tuple[str | int, ...]) -> None:
        total = 0
        for parent, folders, names in os.walk(folder):
            folders[:] = sorted(set(folders) - LEFT_OUT)
            for name in folders:
                if Path(parent, name).is_symlink():
                    raise BundleError(
                        f"{self._document.at(*keys)}: {show_path(str(Path(parent, name)))}: links to"
                        " folders cannot be bundled",
                        hint="replace it with the folder itself",
                    )
            for name in sorted(set(names) - LEFT_OUT):
                path = Path(parent, name)
                if not path.is_file():
                    raise BundleError(
                        f"{self._document.at(*keys)}: {show_path(str(path))}: sockets, devices and broken"
                        " links cannot be bundled",
                        hint="remove it; or, if the folder contains data, list it in `settings: data`",
                    )
                total += path.stat().st_size
                if total > FOLDER_LIMIT:
                    raise BundleError(
                        f"{self._document.at(*keys)}: {folder}: larger than {FOLDER_LIMIT >> 20} MiB",
                        hint="if it contains data, list it in `settings: data`: it is created empty"
                        " at the site",
                    )
                self._carry_file(path, keys)

    def _carry_file(self, path: Path, keys: tuple[str | int, ...]) -> None:
        top = self._document.folder.resolve()
        if not path.resolve().is_relative_to(top):
            raise BundleError(
                f"{self._document.at(*keys)}: {show_path(str(path))}: a link that leaves the project's"
                " folder",
                hint="replace it with the file itself",
            )
        relative = path.relative_to(top).as_posix()
        content: bytes | Path = path.resolve()
        if path.suffix == SUFFIX:
            relative = relative.removesuffix(SUFFIX)
            content = self._render(path).encode()
        mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
        file = ConfigFile(self._claim(relative, keys), content, mode, self._template(relative, content))
        self.files[relative] = file

    def _template(self, relative: str, content: bytes | Path) -> TemplateFormat | None:
        if relative not in self._rules.site_templates:
            return None
        head = next(content_of(content).chunks(), b"")
        return self._rules.site_templates[relative] or guess_format(relative, head)

    def _render(self, path: Path) -> str:
        return self._templates.render(read_text(path), path.name)

    def _inside(self, source: str, keys: tuple[str | int, ...], *, hint_host: bool) -> Path:
        """Return the absolute path of `source`, which must be inside the project's folder."""
        if "\0" in source or any(len(os.fsencode(name)) > LONGEST_NAME for name in source.split("/")):
            raise BundleError(f"{self._document.at(*keys)}: {show_path(source[:80])}...: not a path")
        top = self._document.folder.resolve()
        path = top / source
        normal = Path(posixpath.normpath(path))
        if source.startswith("~") or not normal.is_relative_to(top) or not _resolves_inside(normal, top):
            hint = "move it into the project's folder and use a relative path"
            if hint_host:
                hint += "; if it belongs to the server, list it in `settings: host_paths`"
            raise BundleError(
                f"{self._document.at(*keys)}: {source} is outside the project's folder", hint=hint
            )
        return normal

    def _claim(self, relative: str, keys: tuple[str | int, ...]) -> str:
        """Return a path below `config/` after checking that it does not collide with another one."""
        path = self._member(relative, keys)
        if path not in self._paths:
            try:
                self._paths.add(path)
            except PathError as error:
                raise BundleError(f"{self._document.at(*keys)}: {error}", hint=error.hint) from error
        return path

    def _member(self, relative: str, keys: tuple[str | int, ...]) -> str:
        try:
            return check_member(relative)
        except HintedValueError as error:
            raise BundleError(f"{self._document.at(*keys)}: {error}", hint=error.hint) from error


def _resolves_inside(path: Path, top: Path) -> bool:
    """Return whether no link in `path` leads outside `top`; missing components count as inside."""
    try:
        return path.resolve().is_relative_to(top)
    except (OSError, RuntimeError):  # circular links
        return False


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
