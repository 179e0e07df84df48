"""Options that several commands share, and the objects built from them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bundler.errors import BundleError, ProfileError, UsageError
from bundler.language import tr

if TYPE_CHECKING:
    from bundler.api.images import SourceOptions
    from bundler.api.plugins import Plugins
    from bundler.build.pipeline import Job
    from bundler.cli.settings import Given, Setting, Settings
    from bundler.image.platform import Platform
    from bundler.profile.load import LoadedProfile
    from bundler.store.blobs import Store
    from bundler.terminal.progress import Reporter

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
TARGETS = "targets"
"""Key of a profile."""


def _complete_profile(
    ctx: click.Context,  # noqa: ARG001 click's signature
    param: click.Parameter,  # noqa: ARG001 likewise
    incomplete: str,
) -> list[str]:
    from bundler.profile.load import list_profiles

    return [p.name for p in list_profiles() if p.name.startswith(incomplete)]


def profile_option(text: str, *, required: bool = True) -> Decorator:
    """Return the option that names a profile; `text` is its help."""
    return click.option(
        "-p",
        "--profile",
        required=required,
        metavar="NAME|FILE",
        shell_complete=_complete_profile,
        help=text,
    )


PROFILE = profile_option("Profile to build: a name that `bundle profiles` lists, or a YAML file.")
SHARED: tuple[Decorator, ...] = (
    click.option(
        "--platform",
        "platforms",
        multiple=True,
        metavar="OS/ARCH",
        help="Target platform, for example linux/arm64; repeat for several. Default: from the profile,"
        " else from the configuration.",
    ),
    click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a profile key."),
    click.option(
        "--registry-mirror",
        "mirrors",
        multiple=True,
        metavar="HOST=MIRROR",
        help="Try MIRROR (host[:port][/prefix]) first for images of HOST, for example docker.io=mirror:5000.",
    ),
    click.option(
        "--insecure-registry",
        "insecure",
        multiple=True,
        metavar="HOST[:PORT]",
        help="Allow plain HTTP to this registry. Always allowed for loopback.",
    ),
    click.option(
        "--ca-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="PEM file with additional CA certificates for registries.",
    ),
    click.option(
        "--min-speed",
        type=click.IntRange(min=0),
        metavar="BYTES",
        help="Give up on a server that sends less than this per second for a minute; 0 waits forever."
        " Default: from the configuration, else 1000.",
    ),
    click.option("--offline", is_flag=True, help="Use only the cache; open no network connections."),
    click.option(
        "--lock-file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Lock file. Default: <profile>.lock.json beside the profile.",
    ),
)
COMMON: tuple[Decorator, ...] = (
    click.option(
        "--plugins-dir",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Folder with more plugins (*.py files or packages).",
    ),
    click.option(
        "--cache",
        "cache_dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the blob store. Default: $BUNDLE_CACHE, else from the configuration, else"
        " ~/.cache/bundle.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
    click.option("-v", "--verbose", is_flag=True, help="Say more."),
)
PLUGINS_DIR = COMMON[:1]
"""For commands that do not build."""
JSON = click.option("--json", "as_json", is_flag=True, help="JSON output.")
"""For commands with machine-readable output."""


def add(options: Sequence[Decorator]) -> Decorator:
    """Return a decorator that adds `options` in order."""

    def apply(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return apply


@dataclass(frozen=True)
class JobOptions:
    """Values of SHARED and COMMON, as click passes them."""

    profile: str
    platforms: tuple[str, ...]
    overrides: tuple[str, ...]
    mirrors: tuple[str, ...]
    insecure: tuple[str, ...]
    ca_file: Path | None
    min_speed: int | None
    offline: bool
    lock_file: Path | None
    plugins_dir: tuple[Path, ...]
    cache_dir: Path | None
    as_json: bool
    verbose: bool


def make_reporter(*, as_json: bool, verbose: bool) -> Reporter:
    """Return a reporter: bars on a terminal, lines in a log, JSON lines on request."""
    from bundler.terminal.console import is_terminal
    from bundler.terminal.progress import JsonReporter, LogHandler, LogReporter

    reporter: Reporter
    if as_json:
        reporter = JsonReporter()
    elif is_terminal(sys.stderr):
        from bundler.terminal.live import TerminalReporter

        reporter = TerminalReporter()
    else:
        reporter = LogReporter()
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[LogHandler(reporter)])
    logging.getLogger("urllib3").setLevel(logging.DEBUG if verbose else logging.ERROR)
    return reporter


def make_plugins(folders: Sequence[Path]) -> Plugins:
    """Load all plugins: the installed ones, then those of `folders`."""
    from bundler.api.plugins import Plugins

    return Plugins.load(folders)


def make_store(folder: Path | None) -> Store:
    """Return the store in `folder`, or in the cache folder that is configured."""
    from bundler.store.blobs import Store

    return Store(cache_folder(folder))


def cache_folder(given: Path | None) -> Path:
    """Return the cache folder of a command without a profile."""
    from bundler.cli.settings import find_cache
    from bundler.profile.config import load_config

    return find_cache(load_config(), given).value


def make_jobs(
    options: JobOptions,
    *,
    locked: bool,
    obey_profile: bool = False,
    ignore_lock: bool = False,
    write_once: bool = False,
) -> list[Job]:
    """Load the profile and the plugins, and return the input of the pipeline: a job for each platform.

    Args:
        options: from the command line.
        locked: refuse images that the lock file does not pin.
        obey_profile: the same if the profile says `lock: {required: true}`.
        ignore_lock: start without pins.
        write_once: as in `Job`.

    Raises:
        UsageError: an option is invalid, or a lock file is required and does not exist.
    """
    from bundler.build.lock import Lock
    from bundler.build.pipeline import Job
    from bundler.cli.settings import find_settings
    from bundler.profile.config import load_config
    from bundler.profile.load import load_profile
    from bundler.store.blobs import Store

    plugins = make_plugins(options.plugins_dir)
    loaded = load_profile(
        options.profile,
        overrides=options.overrides,
        model=lambda packer: plugins.packer(packer).profile_model,
    )
    _find_providers(plugins, loaded)
    profile = loaded.profile
    locked = locked or (obey_profile and profile.lock.required)
    path = options.lock_file or lock_path(loaded.path)
    required = locked or options.lock_file is not None
    pins = Lock(path, {}) if ignore_lock else Lock.read(path, required=required)
    settings = find_settings(load_config(loaded.path), loaded, _given(options))
    first, *others = _platforms(settings.platform)
    job = Job(
        profile=loaded,
        plugins=plugins,
        store=Store(settings.cache.value),
        platform=first,
        lock=pins,
        options=_source_options(settings, loaded, offline=options.offline),
        reporter=make_reporter(as_json=options.as_json, verbose=options.verbose),
        locked=locked,
        epoch=_epoch(),
        write_once=write_once,
    )
    return [job, *(replace(job, platform=platform) for platform in others)]


def _given(options: JobOptions) -> Given:
    from bundler.cli.settings import Given

    return Given(
        platform=",".join(options.platforms) or None,
        mirrors=_pairs("--registry-mirror", options.mirrors),
        insecure=options.insecure,
        ca_file=options.ca_file,
        min_speed=options.min_speed,
        cache=options.cache_dir,
    )


def _source_options(settings: Settings, loaded: LoadedProfile, *, offline: bool) -> SourceOptions:
    from bundler.api.images import SourceOptions
    from bundler.cli.settings import check_file

    ca_file = settings.ca_file
    if ca_file.value is not None:
        check_file(ca_file.value, f"{ca_file.origin}: registries.ca_file")
    return SourceOptions(
        mirrors={host: mirror.value for host, mirror in settings.mirrors.items()},
        insecure=frozenset(settings.insecure),
        ca_file=ca_file.value,
        archives=tuple(loaded.base / path for path in loaded.profile.archives),
        offline=offline,
        min_speed=settings.min_speed.value,
    )


def lock_path(profile: Path) -> Path:
    """Return the path of the lock file: beside the profile, or in ./profiles for a built-in profile."""
    from bundler.build.lock import SUFFIX
    from bundler.profile.load import is_builtin

    folder = Path("profiles") if is_builtin(profile) else profile.parent
    return folder / (profile.stem + SUFFIX)


def _pairs(option: str, values: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for value in values:
        key, equals, right = value.partition("=")
        if not equals or not key or not right:
            raise UsageError(
                tr("{option} {value}: not HOST=MIRROR", option=option, value=value),
                hint=tr("for example {option} docker.io=mirror:5000", option=option),
            )
        pairs[key] = right
    return pairs


def _find_providers(plugins: Plugins, loaded: LoadedProfile) -> None:
    """Refuse a profile that names what no plugin provides, or lacks a target that its packer needs."""
    profile = loaded.profile
    wanted: list[tuple[str, Callable[[str], object], str]] = [
        ("application", plugins.application, profile.application),
        *((f"targets.{number}", plugins.renderer, name) for number, name in enumerate(profile.targets)),
        *((f"sources.{number}", plugins.source, name) for number, name in enumerate(profile.sources)),
    ]
    for key, find, name in wanted:
        try:
            find(name)
        except UsageError as error:
            where = f"{loaded.origin(key)}: {key}: {error.message}"
            raise ProfileError(where, hint=error.hint) from error
    needed = plugins.packer(profile.packer).needs
    if needed is not None and needed not in profile.targets:
        without = tr(
            "the packer {packer} needs the target {needed}: it installs from that",
            packer=profile.packer,
            needed=needed,
        )
        raise ProfileError(
            f"{loaded.origin(TARGETS)}: {TARGETS}: {without}",
            hint=tr("write `targets: [{targets}]`", targets=", ".join((needed, *profile.targets))),
        )


def _platforms(setting: Setting[str]) -> list[Platform]:
    """Return the distinct platforms in order; the text may list several, as for `docker buildx`."""
    from bundler.image.platform import Platform

    try:
        found = [Platform.parse(each) for each in setting.value.split(",")]
    except BundleError as error:
        raise UsageError(f"{setting.origin}: {error.message}", hint=error.hint) from error
    return list(dict.fromkeys(found))


def _epoch() -> int | None:
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        return None
    if not text.isdecimal():
        raise UsageError(tr("SOURCE_DATE_EPOCH={text}: not a number of seconds since 1970", text=text))
    return int(text)
