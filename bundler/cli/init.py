"""`bundle init`."""

from __future__ import annotations

from pathlib import Path

import click

from bundler.cli.options import PLUGINS_DIR, add, make_plugins
from bundler.errors import UsageError
from bundler.language import tr
from bundler.terminal.console import echo


@click.command("init")
@click.option(
    "--from",
    "source",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Compose file, or a folder that contains one.",
)
@click.option(
    "--to",
    "target",
    default="profiles",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the profile.",
)
@click.option("--application", default="compose", show_default=True, help="Kind of project.")
@add(PLUGINS_DIR)
def init_command(source: Path, target: Path, application: str, plugins_dir: tuple[Path, ...]) -> None:
    """Create a working profile for an existing project, and show how to build it."""
    from bundler.api.application import Initializer

    provider = make_plugins(plugins_dir).application(application)
    if not isinstance(provider, Initializer):
        raise UsageError(tr("the application {application} cannot create profiles", application=application))
    result = provider.init(source, target)
    echo(tr("wrote {file}", file=result.path))
    for image in result.images:
        echo(tr("  image {image}", image=image))
    for note in result.notes:
        echo(tr("  note: {note}", note=note))
    echo()
    echo(tr("Next:"))
    echo("  bundle keygen")
    echo(f"  bundle build --profile {result.path.stem}")
