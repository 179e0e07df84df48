"""Finds and reads the files of a project.

Source: compose-go v2.16.1, `cli/options.go` (`DefaultFileNames`, `DefaultOverrideFileNames`,
`WithDefaultConfigPath`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bundler.api.templates.jinja import SUFFIX
from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading.source import Source, read_sources
from bundler_compose.reading.tree import describe

NAMES: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""Names of Compose files, in the order in which Compose looks for them; a template ends with `.j2`."""
OVERRIDES: Final = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
"""Names of the file that is merged into the first without being named, in the same order."""
Check = Callable[[Mapping[str, Any], Callable[..., str]], None]
"""Checks the keys of a document as it is written; it raises for one that nobody knows."""
LARGEST_TEXT: Final = 4 << 20
"""Maximum size of a Compose file, a template or a file of variables, in bytes."""


def find_compose_file(project: Path) -> Path:
    """Return the Compose file of a folder. A path of a file is returned unchanged.

    Raises:
        BundleError: the folder has no Compose file.
    """
    if project.is_file():
        return project
    for name in NAMES:
        for path in (project / name, project / (name + SUFFIX)):
            if path.is_file():
                return path
    if not project.is_dir():
        folder = project.parent
        here = [name for name in NAMES if (folder / name).is_file()]
        raise BundleError(
            tr("{project}: no such file or folder", project=project),
            hint=tr("the folder has {names}", names=", ".join(here))
            if here
            else tr("name the folder of the project, or its Compose file"),
        )
    raise BundleError(
        tr("{project}: no Compose file", project=project),
        hint=tr(
            "one of {names}, or one of them with {suffix} as a template",
            names=", ".join(NAMES),
            suffix=SUFFIX,
        ),
    )


def find_override(folder: Path) -> Path | None:
    """Return the file that Compose merges into the one that it found by itself."""
    return next((folder / name for name in OVERRIDES if (folder / name).is_file()), None)


def read_bytes(path: Path) -> bytes:
    """Read a text file of the project.

    Raises:
        BundleError: it cannot be read, or is larger than `LARGEST_TEXT`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_TEXT + 1)
    except OSError as error:
        raise BundleError(
            tr("{path}: cannot be read: {strerror}", path=path, strerror=error.strerror)
        ) from error
    if len(raw) > LARGEST_TEXT:
        raise BundleError(
            tr("{path}: larger than {limit} MiB", path=path, limit=LARGEST_TEXT >> 20),
            hint=tr("is this the right file?"),
        )
    return raw


def read_text(path: Path) -> str:
    """Read a text file of the project, with or without a byte order mark.

    Raises:
        BundleError: it cannot be read, is not UTF-8, or is larger than `LARGEST_TEXT`.
    """
    raw = read_bytes(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BundleError(
            tr("{path}:{line}: not UTF-8", path=path, line=line), hint=tr("save the file as UTF-8")
        ) from error


@dataclass(frozen=True)
class Reader:
    """Reads the files of one project.

    Attributes:
        folder: the project's folder, in which `.env` lies.
        root: the folder outside of which nothing is read: what is read travels in the bundle.
        templates: renders files whose name ends with `.j2`.
        check: checks the keys of each document as it is written.
    """

    folder: Path
    root: Path
    templates: Templates
    check: Check
    _sources: dict[Path, list[Source]] = field(default_factory=dict, repr=False)

    def exists(self, path: Path, where: str) -> bool:
        """Whether there is a file at a path that a document names.

        Raises:
            BundleError: the path, or a link in it, leads outside the root, or no file system has such a path.
        """
        try:
            outside = not path.resolve().is_relative_to(self.root.resolve())
            found = path.is_file()
        except (OSError, ValueError, RuntimeError) as error:
            raise BundleError(
                tr("{where}: {path!r}: not a path", where=where, path=str(path)[:80])
            ) from error
        if outside:
            raise BundleError(
                tr("{where}: {path} is outside the project's folder", where=where, path=self.shown(path)),
                hint=tr(
                    "copy it into the project; or set `settings: root`, for example `..`, if the folder "
                    "above belongs to the project"
                ),
            )
        return found

    def shown(self, path: Path) -> str:
        """Return the name of a file for messages: relative to the project's folder if it lies there."""
        try:
            return path.relative_to(self.folder).as_posix()
        except ValueError:
            return str(path)

    def sources(self, path: Path) -> list[Source]:
        """Return the documents of a Compose file, which is read once; a template is rendered.

        Raises:
            BundleError: it cannot be read or rendered, or has a key that nobody knows.
        """
        if path not in self._sources:
            text = read_text(path)
            if path.suffix == SUFFIX:
                text = self.templates.render(text, path.name)
            name = self.shown(path)
            sources = read_sources(text, name)
            for source in sources:
                self.check(source.data, lambda *keys, data=source.data: describe(data, keys, name))
            self._sources[path] = sources
        return self._sources[path]

    def variables(self, name: str) -> bytes | None:
        """Return the content of a file of variables by its path below the folder; None if there is none.

        Raises:
            BundleError: it cannot be read, or lies outside the root.
        """
        path = self.folder / name
        if not self.exists(path, self.shown(path)):
            if path.is_dir() and name != ".env":
                raise BundleError(
                    tr("{path}: is a folder, not a file of variables", path=self.shown(path)),
                    hint=tr("name the file"),
                )
            return None
        return read_bytes(path)
