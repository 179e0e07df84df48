"""Finds and loads plugins, and keeps the providers that they register, by name.

A plugin is a module with functions marked `@hookimpl`: an entry point of the group `bundler.plugins`, or a
`*.py` file (or package) in a folder given by `--plugins-dir`. Built-in plugins are loaded in the same way as
third-party ones.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pluggy

from bundler.api import hookspecs
from bundler.bundle.format import Format, join_formats
from bundler.errors import PluginError, UsageError, did_you_mean
from bundler.language import tr, tr_later

if TYPE_CHECKING:
    from bundler.api.application import Application
    from bundler.api.images import SourceFactory
    from bundler.api.output import Packer, Renderer
    from bundler.api.signing import Signer

GROUP: Final = "bundler.plugins"
HOOKS: Final = tuple(name for name in dir(hookspecs) if name.startswith("bundler_"))


@dataclass(frozen=True)
class PluginInfo:
    """A loaded plugin: its name, its origin, and what it provides (`kind: names`)."""

    name: str
    origin: str
    provides: Mapping[str, tuple[str, ...]]


class Plugins:
    """All loaded plugins and their providers."""

    KINDS: Final[Mapping[str, str]] = {
        "sources": tr_later("source"),
        "applications": tr_later("application"),
        "renderers": tr_later("renderer"),
        "signers": tr_later("signer"),
        "packers": tr_later("packer"),
    }
    """What plugins provide -> what people call one of it."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("bundler")
        self._manager.add_hookspecs(hookspecs)
        self._origins: dict[str, str] = {}
        self._providers: dict[str, dict[str, tuple[Any, str]]] = {kind: {} for kind in self.KINDS}

    @classmethod
    def load(cls, folders: Iterable[Path] = ()) -> Plugins:
        """Load every installed plugin, then those in `folders`.

        Raises:
            PluginError: a plugin cannot be imported, implements a hook that does not exist, or registers a
                name that is already registered; the message names the plugin.
        """
        plugins = cls()
        plugins._load_installed()
        for folder in folders:
            plugins._load_folder(folder)
        plugins._collect()
        return plugins

    def register(self, name: str, module: ModuleType, origin: str) -> None:
        """Add a plugin.

        Raises:
            PluginError: a plugin of that name exists, or one of its hooks does not match the specification.
        """
        self._claim(name, origin)
        try:
            self._manager.register(module, name=name)
        except pluggy.PluginValidationError as error:
            raise self._misfit(name, error) from error

    def _claim(self, name: str, origin: str) -> None:
        if name in self._origins:
            raise PluginError(
                tr(
                    "plugin {name!r} is defined twice: {origins} and {origin}",
                    name=name,
                    origins=self._origins[name],
                    origin=origin,
                ),
                hint=tr("uninstall or rename one of them"),
            )
        self._origins[name] = origin

    def _load_installed(self) -> None:
        for entry in importlib.metadata.entry_points(group=GROUP):
            origin = entry.dist.name if entry.dist else tr("unknown distribution")
            self._claim(entry.name, f"{entry.value} ({origin})")
        try:
            self._manager.load_setuptools_entrypoints(GROUP)
        except pluggy.PluginValidationError as error:
            raise self._misfit(self._failed(error.plugin), error) from error
        except Exception as error:
            name = self._failed(None)
            raise _broken(name, self._origins[name], error) from error

    def _failed(self, module: object) -> str:
        """Return the name of the installed plugin that failed.

        pluggy loads in this order and stops at the first failure.
        """
        waiting = (name for name in self._origins if not self._manager.has_plugin(name))
        return self._manager.get_name(module) or next(waiting)

    def _load_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(tr("--plugins-dir {folder}: no such folder", folder=folder))
        for path in sorted(folder.iterdir()):
            source = path / "__init__.py" if path.is_dir() else path
            if source.suffix != ".py" or not source.is_file() or path.name.startswith("_"):
                continue
            name = path.stem
            spec = importlib.util.spec_from_file_location(
                f"bundler_plugins_dir.{name}",
                source,
                submodule_search_locations=[str(path)] if path.is_dir() else None,
            )
            if spec is None or spec.loader is None:
                raise PluginError(
                    tr("plugin {name!r} ({source}): cannot be imported", name=name, source=source)
                )
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            try:
                spec.loader.exec_module(module)
            except Exception as error:
                raise _broken(name, str(source), error) from error
            self.register(name, module, str(source))

    def _collect(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise self._misfit(self._manager.get_name(error.plugin), error) from error
        every = self._manager.list_name_plugin()
        for plugin, module in every:
            others = [other for _, other in every if other is not module]
            for kind in self.KINDS:
                # one plugin at a time, so that results and errors can be attributed to it
                self._add(kind, plugin, self._manager.subset_hook_caller(f"bundler_{kind}", others))

    def _add(self, kind: str, plugin: str, hook: pluggy.HookCaller) -> None:
        try:
            provided = [provider for providers in hook() for provider in providers]
        except Exception as error:
            raise _broken(plugin, self._origins[plugin], error) from error
        for provider in provided:
            name = getattr(provider, "name", None)
            if not isinstance(name, str) or not name:
                raise PluginError(
                    tr(
                        "plugin {plugin!r}: a {kind} of it is unnamed",
                        plugin=plugin,
                        kind=tr(self.KINDS[kind]),
                    )
                )
            if name in self._providers[kind]:
                other = self._providers[kind][name][1]
                raise PluginError(
                    tr(
                        "plugins {other!r} and {plugin!r} both provide the {kind} {name!r}",
                        other=other,
                        plugin=plugin,
                        kind=tr(self.KINDS[kind]),
                        name=name,
                    ),
                    hint=tr("uninstall one of them"),
                )
            self._providers[kind][name] = (provider, plugin)

    def _misfit(self, name: str | None, error: pluggy.PluginValidationError) -> PluginError:
        """Return the error for a plugin with an unknown hook, or with a hook that takes other arguments."""
        unknown = [
            name
            for name in dir(error.plugin)
            if name not in HOOKS and self._manager.parse_hookimpl_opts(error.plugin, name) is not None
        ]
        hint = did_you_mean(unknown[0], HOOKS, tr("the hooks are")) if unknown else None
        return PluginError(tr("plugin {name!r}: {error}", name=name, error=error), hint=hint)

    # ------------------------------------------------------------ by name

    def _get(self, kind: str, name: str) -> Any:  # noqa: ANN401 typed by the callers below
        found = self._providers[kind].get(name)
        if found is None:
            hint = did_you_mean(name, sorted(self._providers[kind]), tr("there are"))
            raise UsageError(tr("no {kind} named {name!r}", kind=tr(self.KINDS[kind]), name=name), hint=hint)
        return found[0]

    def source(self, name: str) -> SourceFactory:
        """Return the source of that name.

        Raises:
            UsageError: no plugin provides it; likewise below.
        """
        factory: SourceFactory = self._get("sources", name)
        return factory

    def application(self, name: str) -> Application:
        """Return the application of that name."""
        application: Application = self._get("applications", name)
        return application

    def renderer(self, name: str) -> Renderer:
        """Return the renderer of that name."""
        renderer: Renderer = self._get("renderers", name)
        return renderer

    def signer(self, name: str) -> Signer:
        """Return the signature scheme of that name."""
        signer: Signer = self._get("signers", name)
        return signer

    def packer(self, name: str) -> Packer:
        """Return the packer of that name."""
        packer: Packer = self._get("packers", name)
        return packer

    def packers(self) -> dict[str, Packer]:
        """Return all packers by name."""
        return {name: found[0] for name, found in sorted(self._providers["packers"].items())}

    def format(self) -> Format:
        """Return the combined bundle format of all packers."""
        return join_formats(packer.format for packer in self.packers().values())

    def applications(self) -> dict[str, Application]:
        """Return all applications by name."""
        return {name: found[0] for name, found in sorted(self._providers["applications"].items())}

    def infos(self) -> list[PluginInfo]:
        """Return the loaded plugins, for `bundle plugins`."""
        return [
            PluginInfo(
                name,
                origin,
                {
                    kind: names
                    for kind in self.KINDS
                    if (names := tuple(sorted(n for n, (_, p) in self._providers[kind].items() if p == name)))
                },
            )
            for name, origin in sorted(self._origins.items())
        ]


def _broken(name: str, origin: str, error: Exception) -> PluginError:
    return PluginError(
        tr(
            "plugin {name!r} ({origin}) cannot be loaded: {error_name}: {error}",
            name=name,
            origin=origin,
            error_name=type(error).__name__,
            error=error,
        ),
        hint=tr("repair or uninstall it"),
    )
