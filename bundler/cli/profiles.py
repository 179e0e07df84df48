"""`bundle profiles`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import click

from bundler.cli.options import JSON
from bundler.language import tr, tr_later
from bundler.terminal.console import echo_json
from bundler.terminal.table import echo_table

if TYPE_CHECKING:
    from bundler.profile.load import Origin

ORIGINS: Final[Mapping[Origin, str]] = {
    "project": tr_later("project"),
    "user": tr_later("user"),
    "built-in": tr_later("built-in"),
}
"""Where a profile is -> what people read."""


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
    rows = [
        (
            p.name,
            tr(ORIGINS[p.origin]),
            ", ".join(p.extends),
            tr(p.description) if p.origin == "built-in" else p.description,
        )
        for p in found
    ]
    echo_table((tr("profile"), tr("from"), tr("extends"), tr("description")), rows)
