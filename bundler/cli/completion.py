"""`bundle completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from bundler.terminal.console import echo

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion_command(shell: str) -> None:
    """Print the completion script for SHELL.

    For bash: bundle completion bash > ~/.local/share/bash-completion/completions/bundle
    """
    from bundler.cli.main import bundle

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"shell {shell} is not supported")
    echo(kind(bundle, {}, "bundle", "_BUNDLE_COMPLETE").source(), lines=True)
