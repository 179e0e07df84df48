"""The variables of a project: `settings: values` of the profile, then `.env`.

Compose has the shell in the place of the first.

The shell of the builder is not read, so that a build gives the same bytes on every machine.

Sources: compose-go v2, `cli/options.go` (`WithEnvFiles`, `WithDotEnv`, `WithConfigFileEnv`,
`WithDefaultProfiles`, `withNamePrecedenceLoad`) and `loader/include.go` at e70e961; docker/compose,
`cmd/compose/compose.go` (`defaultStringArrayVar`, `setEnvWithDotEnv`) at f729794.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading.dotenv import Entry, read_dotenv
from bundler_compose.reading.interpolation import Interpolation, Lookup, Site
from bundler_compose.site_text import Marks, Use

OF_THE_SHELL: Final = frozenset({"PATH", "HOME", "PWD", "OLDPWD", "SHLVL", "TMPDIR", "XDG_RUNTIME_DIR"})
"""Variables that each shell has: no bundle sets them at the site."""
_OTHER_LINE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that no value of a site variable has: line breaks, other controls, marks of direction."""
_SHELL_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})

ReadFile = Callable[[str], bytes | None]
"""Returns the content of a file of the project by its path below the folder; None if there is none."""


def is_reserved(name: str) -> bool:
    """Whether no site variable can have this name: programs of the site read it, or no shell can set it."""
    return (
        not _SHELL_NAME.fullmatch(name)
        or name in OF_THE_SHELL
        or name.startswith(("COMPOSE_", "DOCKER_", "BUNDLE_", "LD_"))
    )


@dataclass(frozen=True)
class Environment:
    """The variables that the documents of a project see.

    Attributes:
        given: values of the profile, constant at the site.
        entries: statements of the `.env` files, in order, with their values of today.
        outer: the environment of the documents that include these; its variables go first.
    """

    given: Mapping[str, str]
    entries: tuple[Entry, ...] = ()
    outer: Environment | None = None

    def today(self, name: str) -> str | None:
        """Return the value of a variable at the build, None where it is unset."""
        if self.outer is not None and (found := self.outer.today(name)) is not None:
            return found
        if name in self.given:
            return self.given[name]
        values = [entry.value for entry in self.entries if entry.name == name and entry.value is not None]
        return values[-1] if values else None

    def values(self) -> dict[str, str]:
        """Return all variables that have a value at the build."""
        names = {entry.name for entry in self.entries} | set(self.given)
        known = {name: value for name in names if (value := self.today(name)) is not None}
        return {**known, **(self.outer.values() if self.outer is not None else {})}

    def read_today(self, name: str) -> str | None:
        """Return the value of a variable at the build, as `today`, for texts of the documents.

        Raises:
            BundleError: its value is that of the shell, which a build does not read.
        """
        found = self.given.get(name)
        if found is None and name in OF_THE_SHELL:
            raise BundleError(
                tr("${{{name}}} is a value of the shell, which differs at the site", name=name),
                hint=tr("write the value instead, or set {name} in `settings: values`", name=name),
            )
        return self.today(name)

    def for_site(self, marks: Marks, bound: Collection[str] = ()) -> Lookup:
        """Return the lookup of the reading for the site.

        A value of `.env` that is made of other variables is expanded in place. A variable of `given`, of
        `bound`, or with a reserved name has its value of today.
        """
        return _SiteLookup(self, marks, frozenset(bound)).find

    def including(self, entries: tuple[Entry, ...]) -> Environment:
        """Return the environment of included documents, with the statements of their `.env`."""
        return Environment({}, entries, self)


class _SiteLookup:
    def __init__(self, environment: Environment, marks: Marks, bound: frozenset[str]) -> None:
        self._environment = environment
        self._marks = marks
        self._bound = bound
        outer = environment.outer
        self._outer = _SiteLookup(outer, marks, bound) if outer is not None else None
        self._own: dict[str, str | Site] = {}
        self._times = Counter(entry.name for entry in environment.entries if entry.value is not None)
        for entry in environment.entries:
            if entry.value is not None:
                self._own[entry.name] = self._read(entry)

    def find(self, name: str) -> str | Site | None:
        if name in self._bound or is_reserved(name) or name in self._all_given():
            return self._environment.read_today(name)
        found = self._find(name)
        return Site.SITE if found is None else found

    def _all_given(self) -> Mapping[str, str]:
        return self._outer._all_given() if self._outer else self._environment.given  # noqa: SLF001 same class

    def _find(self, name: str) -> str | Site | None:
        if self._outer is not None and (found := self._outer._find(name)) is not None:  # noqa: SLF001 likewise
            return found
        return self._own.get(name)

    def _read(self, entry: Entry) -> str | Site:
        """Return the value of a statement for the site: its variables are those of the lines above it."""
        if entry.references:
            return Interpolation(self._look_above, self._marks).text(entry.text, entry.where)
        value = entry.value or ""
        if self._outer is not None:
            return self._marks.mark(Use(entry.name, "-", value, entry.where))
        # a value of several lines is no answer on one line, so the site cannot have it as a default
        return Site.SITE if self._times[entry.name] == 1 and not _OTHER_LINE.search(value) else value

    def _look_above(self, name: str) -> str | Site | None:
        if name in self._bound or is_reserved(name) or name in self._all_given():
            return self._today_above(name)
        if self._outer is not None and (found := self._outer._find(name)) is not None:  # noqa: SLF001 likewise
            return found
        if name in self._times:
            return self._own.get(name)
        return Site.SITE

    def _today_above(self, name: str) -> str | None:
        if name in self._times and name not in self._own:
            outer = self._environment.outer
            return self._environment.given.get(name) if outer is None else outer.today(name)
        return self._environment.today(name)


def read_environment(values: Mapping[str, object], read: ReadFile) -> Environment:
    """Return the environment of the project in the working folder of Compose.

    Args:
        values: `settings: values` of the profile. What is no text, number or boolean is for templates alone.
        read: reads a file of the project.

    Raises:
        BundleError: a `.env` file is missing or cannot be read, with file and line.
    """
    given = {name: _as_text(value) for name, value in values.items() if isinstance(value, str | int | float)}
    names = tuple(filter(None, given.get("COMPOSE_ENV_FILES", "").split(",")))
    if not names:
        return _without_disabled(
            Environment(given, read_env_files((".env",), read, given.get, optional=True))
        )
    return _without_disabled(Environment(given, read_env_files(names, read, given.get)), explicit=True)


def _as_text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _without_disabled(environment: Environment, *, explicit: bool = False) -> Environment:
    """Apply COMPOSE_DISABLE_ENV_FILE. In `.env` itself it leaves only the variables of Compose."""
    text = environment.today("COMPOSE_DISABLE_ENV_FILE")
    if text is None or explicit:
        return environment
    if text not in _TRUE | _FALSE:
        raise BundleError(
            tr("COMPOSE_DISABLE_ENV_FILE: {text!r} is neither true nor false", text=text),
            hint=tr("set it to true or false"),
        )
    if text in _FALSE:
        return environment
    if "COMPOSE_DISABLE_ENV_FILE" in environment.given:
        return Environment(environment.given)
    kept = tuple(entry for entry in environment.entries if entry.name.startswith("COMPOSE_"))
    return Environment(environment.given, kept)


def read_env_files(
    names: Collection[str],
    read: ReadFile,
    lookup: Callable[[str], str | None],
    *,
    optional: bool = False,
) -> tuple[Entry, ...]:
    """Return the statements of `.env` files with their values of today.

    Args:
        names: paths of the files; a later one sees the values of the earlier, and goes before them.
        read: reads a file of the project.
        lookup: value of a variable outside the files, which goes before them.
        optional: whether a file may be missing.

    Raises:
        BundleError: a file is missing or cannot be read, with file and line.
    """
    entries: list[Entry] = []
    known: dict[str, str] = {}
    for name in names:
        content = read(name)
        if content is None:
            if optional:
                continue
            raise BundleError(
                tr("{name}: not found, and is a file of variables", name=name),
                hint=tr("add it, or remove its name"),
            )
        known = {entry.name: entry.value for entry in entries if entry.value is not None}
        entries += read_dotenv(content, name, Interpolation(lookup, Marks()), known)
    return tuple(entries)


def compose_files(environment: Environment) -> tuple[str, ...]:
    """Return the paths of COMPOSE_FILE, relative to the project's folder; empty if Compose searches itself.

    The separator is COMPOSE_PATH_SEPARATOR, or a colon.
    """
    text = environment.today("COMPOSE_FILE")
    if text is None:
        return ()
    separator = environment.today("COMPOSE_PATH_SEPARATOR") or ":"
    return tuple(str(PurePosixPath(name)) for name in text.split(separator))


def profiles(environment: Environment, chosen: Collection[str]) -> frozenset[str]:
    """Return the Compose profiles to enable: `chosen` by the profile, or else those of COMPOSE_PROFILES."""
    if chosen:
        return frozenset(chosen)
    text = environment.today("COMPOSE_PROFILES") or ""
    return frozenset(filter(None, (name.strip() for name in text.split(","))))


def project_name(environment: Environment) -> str | None:
    """Return COMPOSE_PROJECT_NAME, which goes before the `name` of the documents; None if it is not set."""
    return environment.today("COMPOSE_PROJECT_NAME") or None
