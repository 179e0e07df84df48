"""`bundle profiles`."""

from __future__ import annotations

import click

from bundler.cli.options import JSON
from bundler.language import tr
from bundler.terminal.console import echo_json
from bundler.terminal.table import echo_table


@click.command("profiles")
@JSON
def profiles_command(as_json: bool) -> None:
    """List the profiles in ./profiles and in your configuration folder, and the built-in ones."""
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
    rows = [(p.name, p.origin, ", ".join(p.extends), p.description) for p in found]
    echo_table((tr("profile"), tr("from"), tr("extends"), tr("description")), rows)
