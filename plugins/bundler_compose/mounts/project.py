"""The files of a project, which are never read outside its root."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundler.api.templates.jinja import SUFFIX
from bundler.bundle.names import LONGEST_NAME, show_path
from bundler.errors import BundleError
from bundler.language import tr

_SHORT: Final = 80
"""Characters of an invalid path that an error quotes."""


@dataclass(frozen=True)
class Project:
    """The folder that paths of the bundle are relative to.

    Attributes:
        root: absolute path without links: the folder of the Compose file, or a folder above it.
        folder: absolute path without links of the Compose file's folder, for messages.
        named: paths as Compose resolves them start with this; it differs from `folder` where that is a link.
        templates: paths below `root` of the files that are rendered.
    """

    root: Path
    folder: Path
    named: str
    templates: frozenset[str] = frozenset()

    @classmethod
    def of(cls, folder: Path, above: str = ".", templates: frozenset[str] = frozenset()) -> Project:
        """Make a project.

        Args:
            folder: folder of the Compose file.
            above: `settings: root`, relative to that folder.
            templates: paths of the files that are rendered.

        Raises:
            BundleError: the root is not a folder above the Compose file's.
        """
        real = folder.resolve()
        root = (real / above).resolve()
        if not real.is_relative_to(root) or root == Path(root.anchor):
            raise BundleError(
                tr("settings: root: {above}: not a folder above the Compose file", above=above),
                hint=tr("for example `..`; it cannot be the root of the file system"),
            )
        return cls(root, real, os.path.abspath(folder), templates)  # noqa: PTH100 links must stay

    def relative(self, path: str, where: str) -> str | None:
        """Return an absolute path relative to the root, `.` for the root itself; None if it is outside.

        Raises:
            BundleError: no file system has such a path.
        """
        if "\0" in path or any(len(os.fsencode(name)) > LONGEST_NAME for name in path.split("/")):
            raise BundleError(
                tr("{where}: {path}...: not a path", where=where, path=show_path(path[:_SHORT]))
            )
        normal = posixpath.normpath(path)
        if normal == self.named or normal.startswith(self.named + "/"):
            normal = posixpath.normpath(f"{self.folder}/{normal[len(self.named) :]}")
        if not Path(normal).is_relative_to(self.root) or not self._leads_inside(Path(normal)):
            return None
        return Path(normal).relative_to(self.root).as_posix()

    def find(self, relative: str) -> Path | None:
        """Return the file or folder, or the template that it is rendered from; None if neither exists."""
        path = self.root / relative
        if path.exists():
            return path
        template = path.with_name(path.name + SUFFIX) if relative != "." else path
        return template if relative + SUFFIX in self.templates and template.is_file() else None

    def show(self, path: str) -> str:
        """Return an absolute path for messages: relative to the Compose file, unless it is far from it."""
        relative = os.path.relpath(path, self.named)
        common = os.path.commonpath([path, self.named])
        if common == "/" or (common.count("/") < 2 and relative.startswith("..")):  # noqa: PLR2004 /home
            return show_path(path)
        return show_path(relative if relative.startswith("..") or relative == "." else f"./{relative}")

    def root_for(self, path: str) -> str | None:
        """Return the `settings: root` that has the absolute `path` inside; None if it is far away."""
        shown = self.show(path)
        if not shown.startswith(".."):
            return None
        ups = [part for part in shown.split("/") if part == ".."]
        return "/".join(ups)

    def is_named_inside(self, path: str) -> bool:
        """Whether an absolute path is one of the project's folder, where a link may lead out of it."""
        return not self.show(path).startswith(("/", ".."))

    def is_near(self, path: str) -> bool:
        """Whether an absolute path is rather one of the machine of the build than of the site's server.

        Such a path lies in or near the project's folder, or in the home of the user who builds.
        """
        home = os.path.expanduser("~")  # noqa: PTH111 no error without a home
        return not self.show(path).startswith("/") or (len(home) > 1 and path.startswith(f"{home}/"))

    def _leads_inside(self, path: Path) -> bool:
        """Whether no link in `path` leads outside the root; missing parts count as inside."""
        try:
            return path.resolve().is_relative_to(self.root)
        except (OSError, RuntimeError):  # circular links
            return False
