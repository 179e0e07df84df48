"""`bundle init`, `profiles`, `plugins` and `schema`."""

from __future__ import annotations

from pathlib import Path

import click

from bundler.cli.options import COMMON, add, make_plugins
from bundler.errors import UsageError
from bundler.terminal.console import echo, echo_json
from bundler.terminal.table import format_table

PLUGINS_DIR = COMMON[:1]
JSON = click.option("--json", "as_json", is_flag=True, help="JSON for machines.")


@click.command("init")
@click.option(
    "--from",
    "source",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Compose file, or folder with one.",
)
@click.option(
    "--to",
    "target",
    default="profiles",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the profile.",
)
@click.option("--application", default="compose", show_default=True, help="What kind of project it is.")
@add(PLUGINS_DIR)
def init_command(source: Path, target: Path, application: str, plugins_dir: tuple[Path, ...]) -> None:
    """Write a working profile for an existing project, and say how to build it."""
    from bundler.api.application import Initializer

    provider = make_plugins(plugins_dir).application(application)
    if not isinstance(provider, Initializer):
        raise UsageError(f"the application {application} cannot write profiles")
    result = provider.init(source, target)
    echo(f"wrote {result.path}")
    for image in result.images:
        echo(f"  image {image}")
    for note in result.notes:
        echo(f"  note: {note}")
    echo()
    echo("Next:")
    echo("  bundle keygen")
    echo(f"  bundle build --profile {result.path.stem}")


@click.command("profiles")
@JSON
def profiles_command(as_json: bool) -> None:
    """List the profiles of ./profiles, of your configuration folder, and the built-in ones."""
    from bundler.profile.load import list_profiles

    found = list_profiles()
    if as_json:
        echo_json(
            [
                {"name": p.name, "path": str(p.path), "origin": p.origin, "description": p.description}
                for p in found
            ]
        )
        return
    rows = [(p.name, p.origin, _text(p.extends), p.description or "") for p in found]
    echo(format_table(("profile", "from", "extends", "description"), rows), lines=True)


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value) if value else ""


@click.command("plugins")
@JSON
@add(PLUGINS_DIR)
def plugins_command(as_json: bool, plugins_dir: tuple[Path, ...]) -> None:
    """List the plugins that are loaded and what each provides."""
    infos = make_plugins(plugins_dir).infos()
    if as_json:
        rows = [{"name": i.name, "origin": i.origin, "provides": dict(i.provides)} for i in infos]
        echo_json(rows)
        return
    for info in infos:
        echo(f"{info.name}  {info.origin}")
        for kind, names in info.provides.items():
            echo(f"  {kind}: {', '.join(names)}")


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
