"""`bundle config`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.options import JSON, PLUGINS_DIR, add, make_plugins, profile_option
from bundler.language import tr
from bundler.terminal.console import echo, echo_json
from bundler.terminal.table import echo_table

if TYPE_CHECKING:
    from bundler.cli.settings import Settings
    from bundler.profile.config import Config


@click.command("config")
@profile_option("Show what holds for this profile.", required=False)
@JSON
@add(PLUGINS_DIR)
def config_command(profile: str | None, as_json: bool, plugins_dir: tuple[Path, ...]) -> None:
    """Show the configuration that holds, and where each value comes from.

    A value comes from the first of: command line, environment, profile, project ([tool.bundle] of the
    pyproject.toml beside the profile, or above its folder `profiles`), user (~/.config/bundle/config.toml,
    or the file that $BUNDLE_CONFIG names), default. Mirrors are chosen so for each host.
    """
    from bundler.cli.settings import DEFAULT, find_settings
    from bundler.profile.config import load_config
    from bundler.profile.load import load_profile

    loaded = None
    if profile is not None:
        plugins = make_plugins(plugins_dir)
        loaded = load_profile(profile, model=lambda packer: plugins.packer(packer).profile_model)
    config = load_config(loaded.path if loaded else None)
    settings = find_settings(config, loaded)
    rows = [_lang(config), *_rows(settings)]
    if as_json:
        echo_json(
            {
                "values": [{"key": key, "value": value, "from": origin} for key, value, origin in rows],
                "files": [{"path": str(path), "read": path in _read(config)} for path in config.looked],
            }
        )
        return
    shown = [(key, value, tr(origin) if origin == DEFAULT else origin) for key, value, origin in rows]
    echo_table((tr("key"), tr("value"), tr("from")), shown)
    echo()
    for path in config.looked:
        missing = tr("has no [tool.bundle]") if path.is_file() else tr("does not exist")
        echo(f"{path}: {tr('read') if path in _read(config) else missing}")


def _lang(config: Config) -> tuple[str, str, str]:
    """Return the row of the language, without `--lang`."""
    from bundler.cli.language import locale_language
    from bundler.cli.settings import DEFAULT, find_lang

    configured = find_lang(config)
    if configured is not None:
        return "lang", configured.value, configured.origin
    value, origin = locale_language()
    return "lang", value, origin or DEFAULT


def _read(config: Config) -> list[Path]:
    return [layer.path for layer in config.layers]


def _rows(settings: Settings) -> list[tuple[str, str, str]]:
    """Return key, value and origin of each value; a key with several values has a row for each."""
    rows = [("platform", settings.platform.value, settings.platform.origin)]
    rows += [("keys", key, settings.keys.origin) for key in settings.keys.value]
    rows += [
        ("trusted_keys", str(path), settings.trusted_keys.origin) for path in settings.trusted_keys.value
    ]
    rows.append(("cache", str(settings.cache.value), settings.cache.origin))
    rows.append(("min_speed", str(settings.min_speed.value), settings.min_speed.origin))
    rows += [
        (f'registries.mirrors."{host}"', mirror.value, mirror.origin)
        for host, mirror in sorted(settings.mirrors.items())
    ]
    rows += [("registries.insecure", each.value, each.origin) for each in settings.insecure.values()]
    if settings.ca_file.value is not None:
        rows.append(("registries.ca_file", str(settings.ca_file.value), settings.ca_file.origin))
    return rows
