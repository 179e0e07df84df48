"""Reads the files and folders of a project that travel."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bundler.api.application import INITIAL, ConfigFile, DataFolder, InitialFile
from bundler.api.templates.formats import TemplateFormat, guess_format
from bundler.api.templates.jinja import SUFFIX
from bundler.api.templates.process import Templates
from bundler.bundle.content import content_of
from bundler.bundle.names import PathError, PathSet, show_path
from bundler.errors import BundleError, HintedValueError
from bundler.language import tr
from bundler.profile.values import check_member
from bundler_compose.mounts.classify import LEFT_OUT
from bundler_compose.mounts.project import Project
from bundler_compose.mounts.rules import Rules
from bundler_compose.reading.files import read_text

FOLDER_LIMIT: Final = 64 * 1024 * 1024
"""Maximum size of one carried folder, in bytes. Configuration is smaller; a database of a test run is not."""
RESERVED: Final = frozenset({"compose.yaml", INITIAL})
"""Names below `config/` that bundles have for themselves."""

Owner = tuple[int, int | None] | None
"""User and group, or only a user; None for the user who installs."""


class Carrier:
    """Collects what travels.

    Attributes:
        project: the project's files.
        rules: the settings.
        files: carried files, by path below `config/`.
        initial: files that are delivered to `<root>/data`, by path below it.
        data: folders below `<root>/data`, by path.
        rendered: the templates that were used.
    """

    def __init__(self, project: Project, templates: Templates, rules: Rules) -> None:
        self.files: dict[str, ConfigFile] = {}
        self.initial: dict[str, InitialFile] = {}
        self.data: dict[str, DataFolder] = {}
        self.rendered: set[str] = set()
        self.project = project
        self._templates = templates
        self.rules = rules
        self._paths = PathSet()

    def configuration(self, relative: str, where: str, *, folders: bool = True) -> None:
        """Carry a file or folder below `config/`.

        Args:
            relative: its path below the project's root.
            where: its place in the document.
            folders: whether a folder can stand there.

        Raises:
            BundleError: it does not exist, or cannot be carried.
        """
        for path, below in self._entries(relative, where, folders=folders):
            if path.is_dir():
                if not any(path.iterdir()):
                    raise BundleError(
                        tr(
                            "{where}: {below}: an empty folder cannot be carried as configuration",
                            where=where,
                            below=show_path(below),
                        ),
                        hint=tr(
                            "put a file in it, or `settings: carry: {{{relative}: initial}}`",
                            relative=relative,
                        ),
                    )
                continue
            self._carry(path, below, "", _mode(path) & 0o755, where)

    def made_at_site(self, relative: str, name: str, where: str) -> None:
        """Carry a file below `config/` that has the value of a site variable.

        Raises:
            BundleError: its name cannot be used at the site.
        """
        self.files[relative] = ConfigFile(self._claim(relative, where), f"@@{name}@@".encode(), 0o644, "text")

    def deliver(self, relative: str, owner: Owner, where: str) -> None:
        """Carry a file or folder whose copies at the site belong to the site.

        Raises:
            BundleError: it cannot be carried.
        """
        for path, found in self._entries(relative, where):
            mode = _mode(path)
            if path.is_dir():
                self.folder(found, owner, where, mode)
                continue
            below = self._carry(path, found, f"{INITIAL}/", mode & 0o755, where)
            self.initial[below] = InitialFile(below, mode, *(owner or ()))

    def folder(self, relative: str, owner: Owner, where: str, mode: int = 0o755) -> None:
        """Make a folder of data.

        Raises:
            BundleError: its name cannot be used at the site.
        """
        self.data[relative] = DataFolder(_member(relative, where), mode, *(owner or ()))

    def _entries(self, relative: str, where: str, *, folders: bool = True) -> Iterator[tuple[Path, str]]:
        """Yield the file at a path, or the folder and all that is in it, each with its path at the site."""
        found = self.project.find(relative)
        if found is None:
            raise BundleError(
                tr(
                    "{where}: {relative}: no such file in {root}",
                    where=where,
                    relative=show_path(relative),
                    root=self.project.root,
                ),
                hint=tr("add the file, or remove it from the Compose file"),
            )
        if not found.is_dir():
            yield self._file(found, where), relative
            return
        if not folders:
            raise BundleError(
                tr("{where}: {relative}: is a folder, not a file", where=where, relative=show_path(relative))
            )
        yield found, relative
        total = 0
        for parent, inner, names in os.walk(found):
            inner[:] = sorted(set(inner) - LEFT_OUT)
            below = Path(parent).relative_to(found)
            for name in inner:
                yield self._inner_folder(Path(parent, name), where), Path(relative, below, name).as_posix()
            for name in sorted(set(names) - LEFT_OUT):
                path = self._inner_file(Path(parent, name), found, where)
                total += path.stat().st_size
                if total > FOLDER_LIMIT:
                    raise BundleError(
                        tr(
                            "{where}: {relative}: larger than {limit} MiB",
                            where=where,
                            relative=relative,
                            limit=FOLDER_LIMIT >> 20,
                        ),
                        hint=tr(
                            "if it contains data, list it in `settings: data`: "
                            "it is created empty at the site"
                        ),
                    )
                yield path, Path(relative, below, name).as_posix()

    def _inner_folder(self, path: Path, where: str) -> Path:
        if path.is_symlink():
            raise BundleError(
                tr(
                    "{where}: {path}: links to folders cannot be bundled",
                    where=where,
                    path=show_path(str(path)),
                ),
                hint=tr("replace it with the folder itself"),
            )
        return path

    def _inner_file(self, path: Path, folder: Path, where: str) -> Path:
        """Return a file of a folder, after checking that a service finds it there, too."""
        found = self._file(path, where)
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            raise BundleError(
                tr(
                    "{where}: {path}: a link that leaves the mounted folder: no service can follow it",
                    where=where,
                    path=show_path(str(path)),
                ),
                hint=tr("replace it with the file itself"),
            )
        return found

    def _file(self, path: Path, where: str) -> Path:
        if not path.is_file():
            raise BundleError(
                tr(
                    "{where}: {path}: sockets, devices and broken links cannot be bundled",
                    where=where,
                    path=show_path(str(path)),
                ),
                hint=tr("remove it; or, if the folder contains data, list it in `settings: data`"),
            )
        if not path.resolve().is_relative_to(self.project.root):
            raise BundleError(
                tr(
                    "{where}: {path}: a link that leaves the project's folder",
                    where=where,
                    path=show_path(str(path)),
                ),
                hint=tr("replace it with the file itself"),
            )
        return path

    def _carry(self, path: Path, below: str, folder: str, mode: int, where: str) -> str:
        """Add a file to `folder` of `config/`, and return its path in the project as it is at the site."""
        content: bytes | Path = path.resolve()
        source = path.relative_to(self.project.root).as_posix()
        if source in self.rules.templates:
            self.rendered.add(source)
            below = below.removesuffix(SUFFIX)
            content = self._templates.render(read_text(path), path.name).encode()
        target = folder + below
        if not folder and below.split("/")[0] in RESERVED:
            raise BundleError(
                tr(
                    "{where}: {below}: the bundle has a file of its own with this name",
                    where=where,
                    below=below,
                ),
                hint=tr("rename it, or remove it from the Compose file"),
            )
        known = self.files.get(target)
        if known is not None and isinstance(known.content, Path) is not isinstance(content, Path):
            raise BundleError(
                tr(
                    "{where}: {below}: both a file and the template {below}{suffix} exist",
                    where=where,
                    below=below,
                    suffix=SUFFIX,
                ),
                hint=tr("remove one of them"),
            )
        self.files[target] = ConfigFile(self._claim(target, where), content, mode, self._form(below, content))
        return below

    def _form(self, below: str, content: bytes | Path) -> TemplateFormat | None:
        if below not in self.rules.site_templates:
            return None
        head = next(content_of(content).chunks(), b"")
        return self.rules.site_templates[below] or guess_format(below, head)

    def _claim(self, relative: str, where: str) -> str:
        """Return a path below `config/` after checking that it does not collide with another one."""
        path = _member(relative, where)
        if path not in self._paths:
            try:
                self._paths.add(path)
            except PathError as error:
                raise BundleError(f"{where}: {error}", hint=error.hint) from error
        return path


def carried_paths(files: Mapping[str, ConfigFile]) -> set[str]:
    """Return the paths of carried files in the project, by which settings name them."""
    return {path.removeprefix(f"{INITIAL}/") for path in files}


def _member(relative: str, where: str) -> str:
    try:
        return check_member(relative)
    except HintedValueError as error:
        raise BundleError(f"{where}: {error}", hint=error.hint) from error


def _mode(path: Path) -> int:
    """Return the mode at the site: who may read, write and run it, in forms that no umask makes by chance."""
    found = path.stat().st_mode
    everything = 0o777 if stat.S_ISDIR(found) or found & 0o100 else 0o666
    if not found & 0o077:
        return everything & 0o700
    if found & 0o002:
        return everything | (found & stat.S_ISVTX)
    return everything & 0o755
