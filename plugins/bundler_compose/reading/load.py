"""Loads Compose files into one canonical document: values, includes, extensions and overrides, as Compose.

Source: compose-go v2.16.1, `loader/loader.go` (`loadYamlModel`, `loadYamlFile`), `loader/include.go`,
`loader/extends.go`, `loader/environment.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from bundler.errors import BundleError
from bundler.language import tr, tr_later
from bundler_compose.reading.environment import Environment, read_env_files
from bundler_compose.reading.files import Reader
from bundler_compose.reading.forms import canonical, with_defaults, without_empty
from bundler_compose.reading.merge import enforce_unique, into_items, merge, merge_services
from bundler_compose.reading.paths import absolute, is_remote, resolve_paths
from bundler_compose.reading.schema import check_values
from bundler_compose.reading.shape import find_misshapen, wrong_include
from bundler_compose.reading.tree import FormError, Items, Map, Path, clone, describe
from bundler_compose.reading.values import Mode, Values

SECTIONS: Final = ("services", "volumes", "networks", "secrets", "configs", "models")
"""Sections that an included project brings."""
REMEDY: Final = tr_later(
    "see https://docs.docker.com/reference/compose-file/ for its form: Docker Compose refuses this one"
)


@dataclass
class Loader:
    """Loads the files of one project in one mode.

    Attributes:
        reader: reads files.
        mode: how variables are replaced.
        files: every Compose file that was read, in order.
    """

    reader: Reader
    mode: Mode
    files: list[FilePath] = field(default_factory=list)

    def model(
        self,
        files: Sequence[FilePath],
        folder: FilePath,
        environment: Environment,
        included: tuple[FilePath, ...] = (),
    ) -> Map:
        """Return the canonical document of a project.

        Args:
            files: its Compose files; each is merged into those before it.
            folder: where relative paths start.
            environment: its variables.
            included: files whose inclusion is under way.

        Raises:
            BundleError: Compose refuses it, or it needs what a build does not have.
        """
        values = Values.of(environment, self.mode)
        document = Map()
        for path in files:
            _File(self, path, folder, environment, values, included).into(document)
        try:
            with_defaults(document)
            resolve_paths(document, folder)
        except FormError as error:
            raise located(error, document, self.reader.shown(files[0])) from error
        _pass_environment(document, values)
        return document


def located(error: FormError, document: Map, file: str) -> BundleError:
    """Return the error with its place, and with a remedy if it has none."""
    return BundleError(
        f"{describe(document, error.keys, file)}: {error.message}", hint=error.hint or tr(REMEDY)
    )


def _pass_environment(document: Map, values: Values) -> None:
    """Give names without a value in a list of `environment` the value that the project's variables have."""
    for service in (document.get("services") or {}).values():
        environment = service.get("environment") if isinstance(service, Map) else None
        if not isinstance(environment, Items):
            continue
        for index, entry in enumerate(environment):
            found = values.open.lookup(entry) if isinstance(entry, str) and "=" not in entry else None
            if isinstance(found, str):
                environment[index] = f"{entry}={found}"


@dataclass(frozen=True)
class _Base:
    """Services of a file that others extend."""

    services: Map
    resets: tuple[Path, ...]


class _File:
    """One Compose file on its way into a document."""

    def __init__(  # noqa: PLR0917 all that a file is read with
        self,
        loader: Loader,
        path: FilePath,
        folder: FilePath,
        environment: Environment,
        values: Values,
        included: tuple[FilePath, ...],
    ) -> None:
        self._loader = loader
        self._path = path
        self._folder = folder
        self._environment = environment
        self._values = values
        self._included = (*included, path)
        self._name = loader.reader.shown(path)
        self._bases: dict[FilePath, _Base] = {}

    def into(self, document: Map, *, as_base: bool = False) -> tuple[Path, ...]:
        """Merge the file into `document`; return the resets of its last document.

        Args:
            document: what earlier files gave.
            as_base: whether others extend its services: then nothing is included or extended.
        """
        resets: tuple[Path, ...] = ()
        if self._path not in self._loader.files:
            self._loader.files.append(self._path)
        for source in self._loader.reader.sources(self._path):
            resets = source.resets
            data = self._values.resolve(source.data, (), None)
            self._check_shape(data)
            if not as_base:
                self._include(data, resets)
            reset(document, resets)
            if not as_base:
                self._extend_all(data, resets)
            self._finish(document, data, check=not as_base and not self._loader.mode.site)
        return resets

    def _finish(self, document: Map, data: Map, *, check: bool) -> None:
        try:
            merge(document, data)
            enforce_unique(document)
            if check:  # of a file that is extended Compose checks what the services take from it
                check_values(document)
            document.pop("version", None)
            canonical(document)
            without_empty(document)
            enforce_unique(document)
        except FormError as error:
            raise located(error, document, self._name) from error

    def _at(self, data: Map) -> Callable[..., str]:
        return lambda *keys: describe(data, keys, self._name)

    def _check_shape(self, data: Map) -> None:
        found = find_misshapen(data)
        if found is not None:
            keys, words = found
            raise BundleError(
                tr("{where}: must be {words}", where=self._at(data)(*keys), words=words), hint=tr(REMEDY)
            )

    # -- include

    def _include(self, data: Map, resets: tuple[Path, ...]) -> None:
        at = self._at(data)
        entries = data.get("include")
        if entries is not None and not isinstance(entries, Items):
            raise BundleError(tr("{where}: must be a list", where=at("include")), hint=tr(REMEDY))
        for index, entry in enumerate(entries or ()):
            where = at("include", index)
            given = Map({"path": entry}) if isinstance(entry, str) else Map() if entry is None else entry
            problem = wrong_include(given)
            if problem is not None:
                raise BundleError(f"{where}{problem}", hint=tr(REMEDY))
            imported = self._included_model(given, where)
            for section in SECTIONS:
                if imported.get(section):
                    self._import(imported[section], data, section, resets, where)
        data.pop("include", None)

    def _included_model(self, given: Map, where: str) -> Map:
        names = [str(name) for name in into_items(given.get("path"))]
        for name in names:
            if is_remote(name):
                raise BundleError(
                    tr("{where}: {name!r} is not on this machine", where=where, name=name),
                    hint=tr("copy it into the project: a build reads local files only"),
                )
        paths = [FilePath(absolute(name, self._folder)) for name in names]
        for path in paths:
            if not self._loader.reader.exists(path, where):
                raise BundleError(
                    tr("{where}: {path}: no such file", where=where, path=self._loader.reader.shown(path)),
                    hint=tr("add the file, or correct its path"),
                )
        if not paths:
            self._included_environment(given, self._folder, where)
            return Map()  # Compose includes nothing
        if paths[0] in self._included:
            chain = " includes ".join(map(self._loader.reader.shown, (*self._included, paths[0])))
            raise BundleError(tr("{where}: the files include each other: {chain}", where=where, chain=chain))
        folder = paths[0].parent
        if given.get("project_directory"):
            folder = FilePath(absolute(str(given["project_directory"]), self._folder))
        environment = self._included_environment(given, folder, where)
        return self._loader.model(paths, folder, environment, self._included)

    def _included_environment(self, given: Map, folder: FilePath, where: str) -> Environment:
        every = into_items(given.get("env_file"))
        names = [str(name) for name in every if name != "/dev/null"]
        paths = [absolute(name or ".", self._folder) for name in names] if every else [str(folder / ".env")]
        try:
            entries = read_env_files(
                paths, self._loader.reader.variables, self._environment.today, optional=not every
            )
        except BundleError as error:
            raise BundleError(f"{where}: {error.message}", hint=error.hint) from error
        return self._environment.including(entries)

    def _import(self, found: Map, data: Map, section: str, resets: tuple[Path, ...], where: str) -> None:
        own = data.get(section)
        target = own if isinstance(own, Map) else Map()
        for name, value in found.items():
            if name in target and target[name] != value:
                reset(Map({section: Map({name: value})}), resets)
                try:
                    merged = merge(value, target[name], (section, name))
                except FormError as error:
                    raise BundleError(f"{where}: {error.shown()}", hint=error.hint or tr(REMEDY)) from error
                target.put(name, merged, target.places.get(name))
            elif name not in target:
                target.put(name, value, found.places.get(name))
        data.put(section, target, data.places.get(section) or found.places.get(next(iter(found), "")))

    # -- extends

    def _extend_all(self, data: Map, resets: tuple[Path, ...]) -> None:
        services = data.get("services")
        if not isinstance(services, Map):
            return
        for name in list(services):
            services[name] = self._extended(name, services, self._path, resets, ())

    def _extended(
        self,
        name: str,
        services: Map,
        file: FilePath,
        resets: tuple[Path, ...],
        chain: tuple[tuple[FilePath, str], ...],
    ) -> Any:  # noqa: ANN401 a mapping, or None
        service = services.get(name)
        if not isinstance(service, Map) or "extends" not in service:
            return service
        given = service["extends"]
        place = service.places.get("extends")
        where = f"{place or self._name}: services.{name}.extends"
        extends = given if isinstance(given, Map) else Map({"service": given})
        wanted = extends.get("service")
        if not isinstance(wanted, str):
            raise BundleError(tr("{where}: no service", where=where), hint=tr("add `service:`"))
        found, base_file, base_resets = services, file, resets
        if extends.get("file") is not None:
            base_file = self._base_file(str(extends["file"]), file, where)
            base = self._base(base_file)
            found, base_resets = clone(base.services), base.resets
        if wanted not in found:
            raise BundleError(
                tr(
                    "{where}: {path} has no service {wanted!r}",
                    where=where,
                    path=self._loader.reader.shown(base_file),
                    wanted=wanted,
                ),
                hint=tr("available: {names}", names=", ".join(found) or tr("none")),
            )
        step = (file, name)
        if step in chain:
            raise BundleError(tr("{where}: the services extend each other", where=where))
        base_service = self._extended(wanted, found, base_file, base_resets, (*chain, step))
        if base_service is None:
            return service
        source = clone(base_service)
        reset(Map({"services": Map({name: source})}), resets)
        try:
            merged = merge_services(source, service, name)
        except FormError as error:
            raise BundleError(f"{where}: {error.shown()}", hint=error.hint or tr(REMEDY)) from error
        merged.pop("extends", None)
        services[name] = merged
        return merged

    def _base_file(self, name: str, file: FilePath, where: str) -> FilePath:
        if is_remote(name):
            raise BundleError(
                tr("{where}: {name!r} is not on this machine", where=where, name=name),
                hint=tr("copy it into the project: a build reads local files only"),
            )
        folder = self._folder if file == self._path else file.parent
        path = FilePath(absolute(name, folder))
        if not self._loader.reader.exists(path, where):
            raise BundleError(
                tr("{where}: {path}: no such file", where=where, path=self._loader.reader.shown(path)),
                hint=tr("add the file, or correct its path"),
            )
        return path

    def _base(self, path: FilePath) -> _Base:
        if path not in self._bases:
            document = Map()
            file = _File(self._loader, path, path.parent, self._environment, self._values, ())
            resets = file.into(document, as_base=True)
            services = document.get("services")
            if not isinstance(services, Map):
                raise BundleError(tr("{path}: no `services:`", path=self._loader.reader.shown(path)))
            resolve_paths(document, path.parent)
            self._bases[path] = _Base(services, resets)
        return self._bases[path]


def reset(document: Map, resets: tuple[Path, ...], path: Path = ()) -> None:
    """Remove the values that a later file resets or overrides; items of lists stay, as in Compose."""
    if not resets:
        return
    for key in list(document):
        below = (*path, key)
        if below in resets:
            del document[key]
        elif isinstance(document[key], Map):
            reset(document[key], resets, below)
