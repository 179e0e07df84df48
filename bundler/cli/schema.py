"""`bundle schema`."""

from __future__ import annotations

from pathlib import Path

import click

from bundler.cli.options import PLUGINS_DIR, add, make_plugins
from bundler.terminal.console import echo_json


@click.command("schema")
@add(PLUGINS_DIR)
def schema_command(plugins_dir: tuple[Path, ...]) -> None:
    """Print the JSON Schema of profiles.

    Editors with a YAML language server read it: `# yaml-language-server: $schema=profile.schema.json`.
    """
    from bundler.profile.load import profile_schema

    applications = make_plugins(plugins_dir).applications()
    models = {name: provider.settings_model for name, provider in applications.items()}
    echo_json(profile_schema(models), indent=2)
