"""What holds for a command, and where each value comes from.

A value comes from the first of: command line, environment, profile, project (`[tool.bundle]` of its
pyproject.toml), user (`~/.config/bundle/config.toml`), default. This holds for mirrors host by host; hosts
with plain HTTP add up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from bundler.errors import UsageError
from bundler.language import tr, tr_later

if TYPE_CHECKING:
    from bundler.profile.config import Config
    from bundler.profile.configuration import Configuration
    from bundler.profile.load import LoadedProfile

T = TypeVar("T")
DEFAULT = tr_later("default")
MIN_SPEED = 1000
"""Bytes per second, by default."""


@dataclass(frozen=True)
class Setting(Generic[T]):
    """A value.

    Attributes:
        value: what holds.
        origin: where it comes from: an option, `$VARIABLE`, `file:line`, or `default`.
    """

    value: T
    origin: str


@dataclass(frozen=True)
class Given:
    """What the command line says; None or empty for nothing."""

    platform: str | None = None
    mirrors: Mapping[str, str] = field(default_factory=dict)
    insecure: Sequence[str] = ()
    ca_file: Path | None = None
    min_speed: int | None = None
    cache: Path | None = None


@dataclass(frozen=True)
class Settings:
    """All that can be configured. The docstrings of `Configuration` describe the values."""

    platform: Setting[str]
    keys: Setting[tuple[str, ...]]
    trusted_keys: Setting[tuple[Path, ...]]
    cache: Setting[Path]
    min_speed: Setting[int]
    mirrors: Mapping[str, Setting[str]]
    insecure: Mapping[str, Setting[str]]
    ca_file: Setting[Path | None]


def find_settings(
    config: Config, profile: LoadedProfile | None = None, given: Given | None = None
) -> Settings:
    """Return what holds.

    Args:
        config: the files of the project and the user.
        profile: the profile of the command, if it has one.
        given: what the command line says.
    """
    said = given or Given()
    return Settings(
        platform=_platform(config, profile, said),
        keys=find_keys(config),
        trusted_keys=find_trusted_keys(config),
        cache=find_cache(config, said.cache),
        min_speed=Setting(said.min_speed, "--min-speed")
        if said.min_speed is not None
        else _configured(config, ("min_speed",), lambda v: v.min_speed) or Setting(MIN_SPEED, DEFAULT),
        mirrors=_mirrors(config, profile, said),
        insecure=_insecure(config, profile, said),
        ca_file=_ca_file(config, profile, said),
    )


def _configured(
    config: Config, keys: tuple[str, ...], read: Callable[[Configuration], T | None]
) -> Setting[T] | None:
    """Return what the first of the files says that has the key."""
    from bundler.profile.config import set_keys

    for layer, origin in set_keys(config, *keys):
        value = read(layer.values)
        if value is not None:
            return Setting(value, origin)
    return None


def _platform(config: Config, profile: LoadedProfile | None, given: Given) -> Setting[str]:
    from bundler.profile.model import Profile

    if given.platform:
        return Setting(given.platform, "--platform")
    if profile is not None and profile.origin("platform") != DEFAULT:
        return Setting(profile.profile.platform, profile.origin("platform"))
    default: str = Profile.model_fields["platform"].default
    return _configured(config, ("platform",), lambda v: v.platform) or Setting(default, DEFAULT)


def find_lang(config: Config) -> Setting[str] | None:
    """Return the language that is configured; None if none is."""
    return _configured(config, ("lang",), lambda v: v.lang)


def find_keys(config: Config) -> Setting[tuple[str, ...]]:
    """Return the private keys to sign with."""
    named = tuple(filter(None, map(str.strip, os.environ.get("BUNDLE_KEY", "").splitlines())))
    if named:
        return Setting(named, "$BUNDLE_KEY")
    configured = _configured(config, ("keys",), lambda v: v.keys or None)
    return configured or Setting(("bundle.key",), DEFAULT)


def find_trusted_keys(config: Config) -> Setting[tuple[Path, ...]]:
    """Return the files with trusted public keys."""
    found = _configured(config, ("trusted_keys",), lambda v: v.trusted_keys or None)
    if found is not None:
        return found
    beside = Path("bundle.pub")
    return Setting((beside,) if beside.is_file() else (), DEFAULT)


def find_cache(config: Config, given: Path | None) -> Setting[Path]:
    """Return the folder of the blob store; `given` is that of the command line."""
    from bundler.store.blobs import default_root

    if given:
        return Setting(given, "--cache")
    if os.environ.get("BUNDLE_CACHE"):
        return Setting(default_root(), "$BUNDLE_CACHE")
    return _configured(config, ("cache",), lambda v: v.cache) or Setting(default_root(), DEFAULT)


def _mirrors(config: Config, profile: LoadedProfile | None, given: Given) -> dict[str, Setting[str]]:
    found: dict[str, Setting[str]] = {}
    for layer in reversed(config.layers):
        for host, mirror in layer.values.registries.mirrors.items():
            found[host] = Setting(mirror, layer.origin("registries", "mirrors", host) or DEFAULT)
    if profile is not None:
        for host, mirror in profile.profile.registries.mirrors.items():
            found[host] = Setting(mirror, profile.origin(("registries", "mirrors", host)))
    return {**found, **{host: Setting(one, "--registry-mirror") for host, one in given.mirrors.items()}}


def _insecure(config: Config, profile: LoadedProfile | None, given: Given) -> dict[str, Setting[str]]:
    found: dict[str, Setting[str]] = {}
    for layer in reversed(config.layers):
        for number, host in enumerate(layer.values.registries.insecure):
            found[host] = Setting(host, layer.origin("registries", "insecure", number) or DEFAULT)
    if profile is not None:
        for number, host in enumerate(profile.profile.registries.insecure):
            found[host] = Setting(host, profile.origin(("registries", "insecure", number)))
    return {**found, **{host: Setting(host, "--insecure-registry") for host in given.insecure}}


def _ca_file(config: Config, profile: LoadedProfile | None, given: Given) -> Setting[Path | None]:
    if given.ca_file is not None:
        return Setting(given.ca_file, "--ca-file")
    if profile is not None and profile.profile.registries.ca_file is not None:
        own = profile.base / profile.profile.registries.ca_file
        return Setting(own, profile.origin("registries.ca_file"))
    found = _configured(config, ("registries", "ca_file"), lambda v: v.registries.ca_file)
    return Setting(None, DEFAULT) if found is None else Setting(found.value, found.origin)


def check_file(path: Path, where: str) -> None:
    """Refuse a configured file that is not there; `where` says what names it.

    Raises:
        UsageError: there is none.
    """
    if not path.is_file():
        raise UsageError(
            tr("{where}: {path} does not exist", where=where, path=path),
            hint=tr("`bundle config` shows what holds, and where it comes from"),
        )
