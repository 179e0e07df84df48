"""`bundle schema`."""

from __future__ import annotations

from pathlib import Path

import click

from bundler.cli.options import PLUGINS_DIR, add, make_plugins
from bundler.terminal.console import echo_json


@click.command("schema")
@click.argument("what", type=click.Choice(["profile", "receipt"]), default="profile")
@add(PLUGINS_DIR)
def schema_command(what: str, plugins_dir: tuple[Path, ...]) -> None:
    """Print the JSON Schema of profiles, or that of receipts.

    Editors with a YAML language server read it: `# yaml-language-server: $schema=profile.schema.json`.
    """
    if what == "receipt":
        from bundler.trust.receipts import receipt_schema

        echo_json(receipt_schema(), indent=2)
        return
    from bundler.profile.load import profile_schema

    plugins = make_plugins(plugins_dir)
    models = {name: provider.settings_model for name, provider in plugins.applications().items()}
    packers = [packer.profile_model for packer in plugins.packers().values()]
    echo_json(profile_schema(models, packers), indent=2)
