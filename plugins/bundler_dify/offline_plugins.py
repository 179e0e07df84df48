"""Fetches, checks and repackages the Dify plugin packages to carry, with a command that installs them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path

from bundler.api.application import ApplicationContext, ConfigFile
from bundler.errors import BundleError, FetchError
from bundler.image.platform import Platform
from bundler.language import tr
from bundler.net.download import WHICH, Downloader, downloaded
from bundler.store.blobs import Store, default_root
from bundler_dify.local_files import read_file
from bundler_dify.repackage import gather_wheels, repackage
from bundler_dify.settings.model import DifySettings
from bundler_dify.settings.plugins import Plugin

FOLDER = "dify-plugins"
WHEELS = "plugin-wheels"
RECIPE = "1"
"""Part of the cache key: increase it when `repackage` changes its output for the same package."""


def plugin_files(settings: DifySettings, context: ApplicationContext) -> tuple[ConfigFile, ...]:
    """Return the packages and the command that installs them, below `files/`.

    Args:
        settings: list the packages and their modes.
        context: supplies the platform of the wheels, the profile's folder and the cache.

    Raises:
        BundleError: a package is missing, does not match its digest, or cannot be repackaged.
        FetchError: a download fails.
    """
    if not settings.plugins:
        return ()
    largest = settings.uploads.plugin_mb * 2**20
    packages = []
    for plugin in settings.plugins:
        path = _prepared(plugin, context)
        size = path.stat().st_size
        if size > largest:
            raise BundleError(
                tr(
                    "{target}: {size} bytes; the site accepts at most {largest}",
                    target=plugin.target,
                    size=size,
                    largest=largest,
                ),
                hint=tr("settings: uploads: plugin_mb: {value} or more", value=size // 2**20 + 1),
            )
        packages.append(ConfigFile(f"{FOLDER}/{plugin.target}", path))
    source = resources.files("bundler_dify") / "site"
    return (
        *packages,
        ConfigFile(f"{FOLDER}/install.sh", (source / "install.sh").read_bytes(), 0o755),
        ConfigFile(f"{FOLDER}/install_plugins.py", (source / "install_plugins.py").read_bytes()),
    )


def wheel_files(settings: DifySettings, context: ApplicationContext) -> tuple[ConfigFile, ...]:
    """Return wheels for the packages that are carried unchanged, below `config/` for the plugin daemon.

    Raises:
        BundleError: a package is missing or has no wheels for the platform.
        FetchError: a download fails.
    """
    if not settings.carries_plugins:
        return ()
    wheels: dict[str, Path] = {}
    for plugin in settings.plugins:
        if plugin.mode == "carry":
            package = read_file(_fetched(plugin, context), "plugins")
            folder = _made(
                f"{_key(package, context.platform)}-wheels",
                partial(_gather_wheels, package, plugin.target, context.platform),
                plugin,
                context,
            )
            wheels |= {path.name: path for path in folder.iterdir()}
    # With this file, the folder exists even if all packages contain their own wheels.
    about = ConfigFile(f"{WHEELS}/README", b"Wheels for the plugin packages in files/dify-plugins.\n")
    return (about, *(ConfigFile(f"{WHEELS}/{name}", path) for name, path in sorted(wheels.items())))


def _gather_wheels(package: bytes, name: str, platform: Platform, folder: Path) -> None:
    wheels = gather_wheels(package, name, platform)
    folder.mkdir()
    for wheel, content in wheels.items():
        (folder / wheel).write_bytes(content)


def _prepared(plugin: Plugin, context: ApplicationContext) -> Path:
    source = _fetched(plugin, context)
    if plugin.mode == "carry":
        return source
    package = read_file(source, "plugins")
    name = source.name if plugin.path else plugin.target

    def make(path: Path) -> None:
        path.write_bytes(repackage(package, name, context.platform))

    return _made(f"{_key(package, context.platform)}.difypkg", make, plugin, context)


def _made(name: str, make: Callable[[Path], None], plugin: Plugin, context: ApplicationContext) -> Path:
    """Return the cached result of an earlier build for the package, or create it."""
    cache = _store(context).cache(FOLDER)
    found = cache.find(name)
    if found is None:
        _refuse_offline(tr("the wheels of {target}", target=plugin.target), context)
        found = cache.keep(name, make)
    return found


def _key(package: bytes, platform: Platform) -> str:
    return f"{hashlib.sha256(package).hexdigest()}-{platform}-{RECIPE}".replace("/", "-")


def _fetched(plugin: Plugin, context: ApplicationContext) -> Path:
    if plugin.path is None:
        return _downloaded(str(plugin.address), str(plugin.sha256), context)
    source = context.base / plugin.path
    found = hashlib.sha256(read_file(source, "plugins")).hexdigest()
    if plugin.sha256 is not None and found != plugin.sha256:
        raise BundleError(
            tr(
                "{path}: its sha256 is {found}, but the profile says {sha256}",
                path=plugin.path,
                found=found,
                sha256=plugin.sha256,
            ),
            hint=tr(WHICH),
        )
    return source


def _downloaded(url: str, sha256: str, context: ApplicationContext) -> Path:
    store = _store(context)
    path = downloaded(url, sha256, store)
    if path is None:
        _refuse_offline(url, context)
        path = Downloader(context.ca_file, min_speed=context.min_speed).fetch(url, sha256, store)
    return path


def _refuse_offline(what: str, context: ApplicationContext) -> None:
    if context.offline:
        raise FetchError(
            tr("plugins: {what}: not in the cache {root}", what=what, root=_store(context).root),
            hint=tr("build once without --offline to fill the cache"),
        )


def _store(context: ApplicationContext) -> Store:
    return context.store or Store(default_root())
