"""The kind of each mounted path: configuration, data, data with initial content, or a path of the host."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundler.api.application import MountKind
from bundler.api.templates.jinja import SUFFIX
from bundler.bundle.names import show_path
from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.mounts.names import find_alike, is_below, is_file_name, is_written_name
from bundler_compose.mounts.project import Project
from bundler_compose.mounts.rules import Rules
from bundler_compose.mounts.uses import Keys, Use

LEFT_OUT: Final = frozenset({".git", ".svn", ".DS_Store", "__pycache__"})
"""Names that are not carried: no service of a finished image reads them."""


@dataclass(frozen=True)
class Classified:
    """The mounts of a project with their kinds.

    Attributes:
        kinds: kind of each path of the project, by path below its root.
        uses: where each of these paths is mounted.
        hosts: mounts of paths of the host.
    """

    kinds: Mapping[str, MountKind]
    uses: Mapping[str, Sequence[Use]]
    hosts: Sequence[Use]


def classify(uses: Sequence[Use], project: Project, rules: Rules, at: Callable[[Keys], str]) -> Classified:
    """Decide the kind of each mount.

    Args:
        uses: the mounts.
        project: the project's files.
        rules: the settings.
        at: gives the place of a value for messages.

    Raises:
        BundleError: a path is outside the project, is missing where a file is expected, or mounts contradict.
    """
    hosts = [use for use in uses if rules.is_host(use.source) or _is_of_the_site(use)]
    by_path: dict[str, list[Use]] = {}
    outside = []
    for use in uses:
        if use in hosts:
            continue
        if use.is_volume and not use.source.startswith("/"):
            raise BundleError(
                tr(
                    "{where}: {source}: not an absolute path",
                    where=at(use.keys),
                    source=show_path(use.source),
                ),
                hint=tr("Compose completes a relative `device` only with `driver: local` and `o: bind`"),
            )
        relative = project.relative(use.source, at(use.keys))
        if relative is None:
            outside.append(use)
        else:
            by_path.setdefault(relative, []).append(use)
    if outside:
        _refuse_outside(outside, project, at)
    finder = _Finder(by_path, project, rules, at)
    kinds = {path: finder.kind(path) for path in by_path}
    _settle_overlaps(kinds, rules)
    if kinds.get(".", "data") != "data":
        first = by_path["."][0]
        raise BundleError(
            tr("{where}: the whole project is mounted, with its Compose file", where=at(first.keys)),
            hint=tr(
                "mount the files and folders that the service needs, each by its name, such as "
                "`./html:/srv/html`"
            ),
        )
    return Classified(kinds, by_path, hosts)


def _is_of_the_site(use: Use) -> bool:
    """Whether the source begins with a variable that has a value only at the site."""
    return not use.is_volume and not use.source.startswith("/")


def refuse_missing(path: str, use: Use, project: Project, at: Callable[[Keys], str], remedy: str) -> None:
    """Refuse a mounted path that does not exist.

    Raises:
        BundleError: always.
    """
    hint = tr("make the file, or correct the name; {remedy}", remedy=remedy)
    alike = find_alike(os.path.basename(path), _siblings(project.root / path))  # noqa: PTH119 a text
    if (project.root / (path + SUFFIX)).is_file():
        hint = tr(
            "if {path} is a template of this bundle: `settings: templates: [{path}]`; {hint}",
            path=path + SUFFIX,
            hint=hint,
        )
    elif alike:
        hint = tr("is it {path}? Otherwise {hint}", path=show_path(alike), hint=hint)
    raise BundleError(
        tr(
            "{where}: {source}: no such file in the project",
            where=at(use.keys),
            source=project.show(use.source),
        ),
        hint=hint,
    )


def _refuse_outside(outside: Sequence[Use], project: Project, at: Callable[[Keys], str]) -> None:
    """Refuse paths outside the project; the hint lists all that is to be added."""
    first = outside[0]
    shown = list(dict.fromkeys(project.show(use.source) for use in outside))
    paths = list(dict.fromkeys(use.source for use in outside))
    roots = [root for root in (project.root_for(path) for path in paths) if root]
    linked = [path for path in paths if project.is_named_inside(path)]
    own = [path for path in paths if not project.is_near(path)]
    hints = []
    if roots:
        hints.append(
            tr("if it travels with the project: `settings: root: {folder}`", folder=max(roots, key=len))
        )
    if linked:
        hints.append(tr("replace the link {linked} with the file itself", linked=project.show(linked[0])))
    if own:
        listed = json.dumps(own, ensure_ascii=False)
        hints.append(tr("if the server has it: `settings: host_paths: {listed}`", listed=listed))
    if len(own) < len(paths):
        hints.append(
            tr(
                "if the server has it, write the server's path in the Compose file, and list it in "
                "`settings: host_paths`"
            )
        )
    hint = tr("; ").join(hints)
    more = tr(" (and {paths})", paths=", ".join(shown[1:])) if shown[1:] else ""
    raise BundleError(
        tr(
            "{where}: {shown} is outside the project's folder{more}",
            where=at(first.keys),
            shown=shown[0],
            more=more,
        ),
        hint=hint,
    )


def _siblings(path: Path) -> list[str]:
    try:
        return sorted(each.name for each in path.parent.iterdir())
    except OSError:
        return []


class _Finder:
    """Finds the kind of single paths."""

    def __init__(
        self, by_path: Mapping[str, Sequence[Use]], project: Project, rules: Rules, at: Callable[[Keys], str]
    ) -> None:
        self._by_path = by_path
        self._project = project
        self._rules = rules
        self._at = at

    def kind(self, path: str) -> MountKind:
        """Return the kind of a path by itself, without regard to paths above and below it."""
        found = self._project.find(path)
        chosen = self._rules.chosen(path)
        if chosen == "data":
            self._check_data(path, found)
            return "data"
        if found is None:
            return self._missing(path)
        if not (found.is_file() or found.is_dir()):
            raise BundleError(
                tr(
                    "{where}: {found}: sockets and devices cannot be bundled",
                    where=self._where(path),
                    found=self._project.show(str(found)),
                ),
                hint=tr("remove it; a path of the server is listed in `settings: host_paths`"),
            )
        volume = next((use for use in self._by_path[path] if use.is_volume), None)
        if chosen == "configuration" and volume:
            raise BundleError(
                tr(
                    "{where}: {path}: a volume cannot be configuration: its path must not change",
                    where=self._at(volume.keys),
                    path=path,
                ),
                hint=tr("remove {path} from `settings: carry`, or mount it without a volume", path=path),
            )
        if chosen is not None:
            return chosen
        if volume:
            return "initial"
        return self._file_kind(path, found) if found.is_file() else self._folder_kind(path, found)

    def _file_kind(self, path: str, found: Path) -> MountKind:
        """A file is configuration unless its form says that a service writes it."""
        if all(use.read_only for use in self._by_path[path]):
            return "configuration"
        return "initial" if is_written_name(path) or found.stat().st_size == 0 else "configuration"

    def _folder_kind(self, path: str, found: Path) -> MountKind:
        files, has_empty = scan(found)
        if not files and all(use.read_only for use in self._by_path[path]):
            return "data"
        written = not all(use.read_only for use in self._by_path[path])
        return "initial" if written or has_empty else "configuration"

    def _missing(self, path: str) -> MountKind:
        """Return `data` for a folder that Compose makes; refuse what is rather a file."""
        uses = self._by_path[path]
        strict = next((use for use in uses if not use.creates), None)
        remedy = tr(
            "if it is a folder of data that begins empty: `settings: carry: {{{path}: data}}`", path=path
        )
        if self._rules.chosen(path) is not None or strict is not None:
            refuse_missing(path, strict or uses[0], self._project, self._at, remedy)
        if self._looks_like_file(path):
            refuse_missing(path, uses[0], self._project, self._at, remedy)
        return "data"

    def _looks_like_file(self, path: str) -> bool:
        if is_file_name(path):
            return True
        if any(not use.is_volume and is_file_name(use.target) for use in self._by_path[path]):
            return True
        others = {
            name
            for name in _siblings(self._project.root / path)
            if name not in LEFT_OUT and not self._is_mounted(path.rpartition("/")[0], name)
        }
        return find_alike(path.rpartition("/")[2], others) is not None

    def _is_mounted(self, folder: str, name: str) -> bool:
        path = f"{folder}/{name}" if folder else name
        return any(is_below(each, path) or is_below(path, each) for each in self._by_path)

    def _check_data(self, path: str, found: Path | None) -> None:
        if found is not None and not found.is_dir():
            raise BundleError(
                tr("{where}: {path}: is a file, and data are folders", where=self._where(path), path=path),
                hint=tr(
                    "`settings: carry: {{{path}: initial}}` if services write it, `configuration` if "
                    "they read it",
                    path=path,
                ),
            )

    def _where(self, path: str) -> str:
        return self._at(self._by_path[path][0].keys)


def scan(folder: Path) -> tuple[int, bool]:
    """Return how many files a folder has, and whether a folder below it is empty; without `LEFT_OUT`."""
    files, has_empty = 0, False
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        own = set(names) - LEFT_OUT
        files += len(own)
        has_empty = has_empty or (not own and not folders and Path(parent) != folder)
    return files, has_empty


def _settle_overlaps(kinds: dict[str, MountKind], rules: Rules) -> None:
    """Give paths inside each other one place, because services see each other's changes there.

    Data lie below one folder at the site as they do in the project, so a path inside another is found in
    both.
    """
    settled = False
    while not settled:
        settled = True
        for path in list(_configuration_beside_data(kinds)):
            if path not in rules.carry:
                kinds[path] = "initial"
                settled = False


def _configuration_beside_data(kinds: Mapping[str, MountKind]) -> Iterator[str]:
    """Yield the configuration in which data are mounted, and the configuration inside data."""
    for path, kind in kinds.items():
        if kind != "configuration":
            continue
        for other, what in kinds.items():
            inside = is_below(other, path) and what in {"data", "initial"}
            if other != path and (inside or (is_below(path, other) and what == "initial")):
                yield path
                break
