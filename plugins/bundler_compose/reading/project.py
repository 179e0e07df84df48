"""Reads a project: once with the values of today, as Compose does, and once for the site."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from bundler.api.compose import normalise_name
from bundler.api.templates.jinja import SUFFIX
from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading import environment as variables
from bundler_compose.reading.agreement import Comparison, Difference
from bundler_compose.reading.consistency import check_builds, check_consistency
from bundler_compose.reading.environment import Environment
from bundler_compose.reading.files import Check, Reader, find_compose_file, find_override
from bundler_compose.reading.load import REMEDY, Loader, located
from bundler_compose.reading.paths import absolute
from bundler_compose.reading.resolve import pairs_as_maps, plain, resolve_files, select_services
from bundler_compose.reading.scalars import find_wrong
from bundler_compose.reading.tree import FormError, Map, describe
from bundler_compose.reading.values import Mode
from bundler_compose.site_text import Marks, has_mark, unescape_marks

_PORTS: Final = re.compile(r"[0-9]+(-[0-9]+)?")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class Project:
    """One reading of a project.

    Attributes:
        name: name of the project, as Compose has it.
        folder: its folder, absolute.
        files: every Compose file that was read, in order.
        main: those of them that Compose is called with.
        data: the canonical document: long forms, absolute paths, chosen services only.
        environment: its variables: `settings: values`, then `.env`.
        profiles: the Compose profiles that are enabled.
        bound: names of variables that are constant, because a bound key uses them.
        samples: values of today of the variables that only the site knows.
        marks: the uses that stay for the site; none in a reading of today.
    """

    name: str
    folder: Path
    files: tuple[Path, ...]
    main: tuple[Path, ...]
    data: dict[str, Any]
    environment: Environment
    profiles: frozenset[str]
    bound: frozenset[str]
    samples: Mapping[str, str]
    marks: Marks
    every: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names of all services, with the Compose profiles of each."""
    above: Mapping[str, str] = field(default_factory=dict)
    """Variables of the `.env` whose COMPOSE_FILE leads to the project's folder, if it lies elsewhere."""
    _tree: Map = field(default_factory=Map, repr=False)
    _shown: Callable[[Path], str] = field(default=str, repr=False)

    @property
    def values_of_today(self) -> dict[str, str]:
        """The variables that have a value today, with the samples of those that only the site knows."""
        return {**self.samples, **self.environment.values()}

    def at(self, *keys: str | int) -> str:
        """Return where a value stands, or its nearest parent: `compose.yaml:7: services.web.image`."""
        return describe(self._tree, keys, self._shown(self.files[0]))


@dataclass(frozen=True)
class Source:
    """What is read.

    Attributes:
        path: the project's folder, or its only Compose file.
        above: the folder outside of which nothing is read, relative to the project's folder.
        files: Compose files below the folder, as `docker compose -f` has them; empty for the usual ones.
        given: `settings: values`: variables that go before `.env`.
        profiles: Compose profiles to enable; empty for those of COMPOSE_PROFILES.
        images: images of services that the project builds, by service.
        name: the project's name where neither COMPOSE_PROJECT_NAME nor a `name:` gives one; empty for the
            folder's.
        check: checks the keys of each document as it is written.
    """

    path: Path
    above: str = "."
    files: Sequence[str] = ()
    given: Mapping[str, object] = field(default_factory=dict)
    profiles: Sequence[str] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    check: Check = lambda _document, _at: None


@dataclass(frozen=True)
class Readings:
    """A project, read twice.

    Attributes:
        today: as Compose reads it today.
        site: with marks where the site sets a variable.
    """

    today: Project
    site: Project


def read_project(source: Source, templates: Templates) -> Readings:
    """Read a project as Compose does.

    Args:
        source: what is read.
        templates: renders a Compose file whose name ends with `.j2`.

    Raises:
        BundleError: Compose refuses it, or it needs what a build does not have; with file and line.
    """
    start = find_files(source, templates)
    reader, files, folder = start.reader, start.files, start.reader.folder
    name = _project_name(files, start.environment, reader, source.name)
    given = {**start.environment.given, "COMPOSE_PROJECT_NAME": name}
    environment = replace(start.environment, given=given)
    known: dict[str, str] = {}
    today = _read(reader, files, environment, source, Mode(samples=known))
    while lacking := {name: text for name, text in today[1].lacking.items() if name not in known}:
        known |= lacking
        today = _read(reader, files, environment, source, Mode(samples=known))
    bound = frozenset(today[1].used)
    read = partial(_read, reader, files, environment, source)
    site, bound = _read_for_site(read, today, bound, environment, reader.shown(files[0]))
    return Readings(
        *(
            Project(
                name=name,
                folder=folder,
                files=tuple(loader.files),
                main=tuple(files),
                data=plain(read.document),
                environment=environment,
                profiles=read.profiles,
                bound=bound,
                samples=known,
                marks=mode.marks,
                every=read.every,
                above=start.above,
                _tree=read.document,
                _shown=reader.shown,
            )
            for read, mode, loader in (today, site)
        )
    )


def _read_for_site(
    read: Callable[[Mode], _Reading],
    today: _Reading,
    bound: frozenset[str],
    environment: Environment,
    file: str,
) -> tuple[_Reading, frozenset[str]]:
    """Return the reading for the site that agrees with that of today, and the names that are bound for it.

    Raises:
        BundleError: Compose refuses it, or no choice of names makes them agree.
    """
    document, value = today[0].document, today[1].today(environment)
    while True:
        mode = Mode(site=True, bound=bound, samples=today[1].samples)
        differences: list[Difference] = []
        try:
            site = read(mode)
        except BundleError as error:
            message = unescape_marks(error.message)
            more = frozenset(use.name for use in mode.marks.uses(message)) - bound
            if not more:
                raise BundleError(mode.marks.render(message), hint=error.hint) from error
        else:
            _keep_undivided(site[0].document, value, mode.marks)
            differences = Comparison(mode.marks, value).differences(document, site[0].document)
            more = frozenset().union(*(each.names for each in differences)) - bound
            if not differences:
                return site, bound
        if not more:
            raise BundleError(
                tr(
                    "{where}: the site would read another value than Compose reads today",
                    where=describe(document, differences[0].keys, file),
                ),
                hint=tr("write the value without variables; and please report this error of the reader"),
            )
        bound |= more


def _keep_undivided(document: Map, today: Callable[[str], str | None], marks: Marks) -> None:
    """Give ports their short form again, where a variable holds more than the number, such as an address."""
    for service in document["services"].values():
        ports = service.get("ports")
        for index, port in enumerate(ports or ()):
            published = port.get("published") if isinstance(port, Map) else None
            if isinstance(published, str) and has_mark(published):
                values = {
                    use.name: value for use in marks.uses(published) if (value := today(use.name)) is not None
                }
                text = marks.bind(published, values)
                if text and not _PORTS.fullmatch(text):
                    ports[index] = f"{published}:{port['target']}/{port['protocol']}"


@dataclass(frozen=True)
class _Read:
    document: Map
    profiles: frozenset[str]
    every: Mapping[str, frozenset[str]]


_Reading = tuple[_Read, Mode, Loader]


@dataclass(frozen=True)
class Start:
    """The files that Compose is called with.

    Attributes:
        reader: reads files of the project's folder.
        environment: the variables of the project.
        files: the Compose files, in order.
        above: variables of a `.env` in another folder, from which COMPOSE_FILE leads to this one.
    """

    reader: Reader
    environment: Environment
    files: Sequence[Path]
    above: Mapping[str, str] = field(default_factory=dict)


def find_files(source: Source, templates: Templates) -> Start:
    """Find the Compose files: named ones, those of COMPOSE_FILE in `.env`, or the usual names.

    The folder of the first file that COMPOSE_FILE names is the project's. Its `.env` is read too, and that
    beside COMPOSE_FILE goes before it: docker/compose, `setEnvWithDotEnv` in cmd/compose/compose.go at
    f729794; compose-go, `GetWorkingDir` in cli/options.go at e70e961.

    Raises:
        BundleError: there is no Compose file, or one that is named is missing or outside the root.
    """
    given = source.path if source.path.is_dir() else find_compose_file(source.path).parent
    folder = Path(absolute(str(given.absolute()), Path("/")))
    reader = Reader(folder, folder / source.above, templates, source.check)
    environment = variables.read_environment(source.given, reader.variables)
    names = tuple(source.files)
    if not names and source.path.is_dir():
        names = variables.compose_files(environment)
    if not names:
        main = folder / find_compose_file(source.path).name
        override = find_override(folder) if source.path.is_dir() and main.suffix != SUFFIX else None
        return Start(reader, environment, [main] if override is None else [main, override])
    files = [Path(absolute(name, folder)) for name in names]
    start = Start(reader, environment, files)
    if not source.files and files[0].parent != folder:
        start = _start_elsewhere(start, files[0].parent, source)
    for path in files:
        if not (path.is_file() if source.files else start.reader.exists(path, ".env: COMPOSE_FILE")):
            raise BundleError(
                tr("{path}: no such file", path=path),
                hint=tr("correct COMPOSE_FILE in .env, or `settings: files`"),
            )
    return start


def _start_elsewhere(start: Start, folder: Path, source: Source) -> Start:
    """Return the start in the folder of the first file of COMPOSE_FILE."""
    reader = replace(start.reader, folder=folder, root=folder / source.above)
    above = start.environment
    names = {entry.name for entry in above.entries}
    entries = variables.read_env_files((".env",), reader.variables, above.today, optional=True)
    own = tuple(entry for entry in entries if entry.name not in names)
    return Start(reader, replace(above, entries=(*above.entries, *own)), start.files, above.values())


def _read(
    reader: Reader, files: Sequence[Path], environment: Environment, source: Source, mode: Mode
) -> _Reading:
    loader = Loader(reader, mode)
    document = loader.model(files, reader.folder, environment)
    shown = reader.shown(files[0])
    if not isinstance(document.get("services"), Map) or not document["services"]:
        raise BundleError(tr("{shown}: no `services:`", shown=shown), hint=tr("is this a Compose file?"))

    def at(*keys: str | int) -> str:
        return describe(document, keys, shown)

    for name, service in document["services"].items():
        if not isinstance(service, Map):
            raise BundleError(tr("{where}: must be a mapping", where=at("services", name)), hint=REMEDY)
    every = {
        name: frozenset(map(str, service.get("profiles") or ()))
        for name, service in document["services"].items()
    }
    profiles = variables.profiles(environment, source.profiles)
    _check_profiles(source.profiles, every.values(), shown)
    if not mode.site:
        for keys, problem in find_wrong(document):
            raise BundleError(f"{at(*keys)}: {problem}", hint=REMEDY)
    try:
        pairs_as_maps(document)
    except FormError as error:
        raise located(error, document, shown) from error
    chosen = select_services(document, profiles, at)
    if not chosen["services"]:
        raise BundleError(
            tr("{shown}: every service has a Compose profile, and none is enabled", shown=shown),
            hint=tr("enable one: `settings: profiles: [...]`"),
        )
    _set_images(chosen["services"], source.images, at)
    check_builds(chosen, at)
    interpolation, today = mode.open(environment), mode.today(environment)
    try:
        resolve_files(chosen, reader, interpolation, today, at)
    except FormError as error:
        raise located(error, document, shown) from error
    check_consistency(chosen, at)
    chosen.put("name", environment.given["COMPOSE_PROJECT_NAME"], chosen.places.get("name"))
    return _Read(chosen, profiles, every), mode, loader


def _set_images(services: Map, images: Mapping[str, str], at: Callable[..., str]) -> None:
    for name in images:
        if name not in services:
            raise BundleError(
                tr("settings: images: there is no service {name!r}", name=name),
                hint=tr("available: {names}", names=", ".join(services)),
            )
    for name, service in services.items():
        if name in images:
            service["image"] = images[name]
        if service.get("image") or service.get("provider"):
            continue
        built = "build" in service
        raise BundleError(
            f"{at('services', name)}: {tr('`build:` without `image:`') if built else tr('no `image:`')}",
            hint=tr(
                "build the image first (docker compose build), name it in the profile under "
                "`settings: images: {{{name}: NAME}}`, and add `docker` to its `sources:`",
                name=name,
            )
            if built
            else tr("set the image that the service runs"),
        )


def _check_profiles(wanted: Sequence[str], every: Collection[frozenset[str]], shown: str) -> None:
    known = frozenset().union(*every)
    for profile in wanted:
        if profile not in known and profile != "*":
            raise BundleError(
                tr("{shown}: no service has the Compose profile {profile!r}", shown=shown, profile=profile),
                hint=tr("available: {names}", names=", ".join(sorted(known)) or tr("none")),
            )


def _project_name(files: Sequence[Path], environment: Environment, reader: Reader, default: str) -> str:
    """Return the project's name: COMPOSE_PROJECT_NAME, the last `name:`, `default`, or the folder's."""
    explicit = variables.project_name(environment)
    if explicit is not None:
        if not _NAME.fullmatch(explicit):
            raise BundleError(
                tr("COMPOSE_PROJECT_NAME: {explicit!r} is no project name", explicit=explicit),
                hint=tr("lower-case letters, digits, `-` and `_`, beginning with a letter or digit"),
            )
        return explicit
    text, where = "", reader.shown(files[0])
    for path in files:
        for document in reader.sources(path):
            if isinstance(document.data.get("name"), str) and document.data["name"]:
                text, where = document.data["name"], str(document.data.places["name"])
    given = Mode().closed(environment).text(text, where)
    name = normalise_name(given) or normalise_name(default) or normalise_name(reader.folder.resolve().name)
    if not name:
        raise BundleError(
            tr("{where}: the folder's name gives no project name", where=where),
            hint=tr("add `name:` to the Compose file"),
        )
    return name
