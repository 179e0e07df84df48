"""`bundle plugins`."""

from __future__ import annotations

from pathlib import Path

import click

from bundler.cli.options import JSON, PLUGINS_DIR, add, make_plugins
from bundler.terminal.console import echo, echo_json


@click.command("plugins")
@JSON
@add(PLUGINS_DIR)
def plugins_command(as_json: bool, plugins_dir: tuple[Path, ...]) -> None:
    """List the loaded plugins and what each provides."""
    infos = make_plugins(plugins_dir).infos()
    if as_json:
        rows = [{"name": i.name, "origin": i.origin, "provides": dict(i.provides)} for i in infos]
        echo_json(rows)
        return
    for info in infos:
        echo(f"{info.name}  {info.origin}")
        for kind, names in info.provides.items():
            echo(f"  {kind}: {', '.join(names)}")
