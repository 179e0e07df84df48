"""`bundle plugins`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from bundler.cli.options import JSON, PLUGINS_DIR, add, make_plugins
from bundler.language import tr, tr_later
from bundler.terminal.console import echo, echo_json

NAMES: Final = {
    "sources": tr_later("sources"),
    "applications": tr_later("applications"),
    "renderers": tr_later("renderers"),
    "signers": tr_later("signers"),
    "packers": tr_later("packers"),
}
"""What plugins provide -> what people read."""


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
            text = tr("{name}: {text}", name=tr(NAMES[kind]), text=", ".join(names))
            echo(f"  {text}")
