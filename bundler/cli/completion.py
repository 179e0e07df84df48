"""`bundle completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from bundler.language import tr
from bundler.terminal.console import echo

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion_command(shell: str) -> None:
    """Print the completion script for SHELL, for the name by which the command is called.

    For bash: bundle completion bash > ~/.local/share/bash-completion/completions/bundle,
    and airbundle completion bash > ~/.local/share/bash-completion/completions/airbundle
    """
    from bundler.cli.main import bundle, called_as

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(tr("shell {shell} is not supported", shell=shell))
    name = called_as()
    echo(kind(bundle, {}, name, f"_{name.upper()}_COMPLETE").source(), lines=True)
