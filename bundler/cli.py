"""The command `bundle`. The only place that prints errors and exits.

Commands are imported when they are called: `bundle --help` must not pay for cryptography, HTTP or YAML.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any

import click

from bundler import __version__
from bundler.errors import BundleError, ExitCode

COMMANDS = {
    "build": ("bundler.commands.build", "Build a bundle."),
    "plan": ("bundler.commands.build", "Show what a build would do; write nothing."),
    "lock": ("bundler.commands.build", "Pin the images of a profile by digest."),
    "verify": ("bundler.commands.read", "Check a bundle's signature and every byte of it."),
    "inspect": ("bundler.commands.read", "Show what is in a bundle; reads only its head."),
    "init": ("bundler.commands.profiles", "Write a profile for an existing Compose project."),
    "keygen": ("bundler.commands.keys", "Make a key pair to sign bundles with."),
    "profiles": ("bundler.commands.profiles", "List the profiles that can be built."),
    "plugins": ("bundler.commands.profiles", "List the plugins and what they provide."),
    "schema": ("bundler.commands.profiles", "Print the JSON Schema of profiles, for editors."),
    "cache": ("bundler.commands.cache", "Show or prune the blobs kept between builds."),
    "completion": ("bundler.commands.completion", "Print the shell completion script."),
}
"""Name -> module and help line. The module has a click command of that name, with `_command` added."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called for, and listed without."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        """All names, in the order of work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


EPILOG = """
Begin with `bundle init --from compose.yaml`, then `bundle keygen` and `bundle build --profile NAME`.
Exit codes: 0 ok, 1 failed, 2 wrong usage or profile, 4 verification failed.
"""


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="bundle")
def bundle() -> None:
    """Carry containerised applications into places without internet.

    One signed file holds images, configuration and an installer; `sh install` does the rest there.
    """


def show_error(error: BundleError) -> None:
    """Print a message and what to do about it."""
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    click.echo(click.style("error: ", fg="red", bold=True) if colour else "error: ", nl=False, err=True)
    click.echo(error.message, err=True)
    if error.hint:
        click.echo(f"  hint: {error.hint}", err=True)


def main(arguments: list[str] | None = None) -> Any:  # noqa: ANN401 click returns what commands return
    """Run the command line and exit with the documented code.

    Expected errors are printed without a traceback, bugs with one.
    """
    try:
        bundle.main(arguments, prog_name="bundle", standalone_mode=False)
    except BundleError as error:
        show_error(error)
        code = int(error.exit_code)
    except click.ClickException as error:
        error.show()
        code = int(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nstopped; what was fetched is kept and the next build goes on from there", err=True)
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = int(ExitCode.FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        show_error(BundleError(f"{where}{error.strerror or error}"))
        if os.environ.get("BUNDLE_DEBUG"):
            traceback.print_exc()
        code = int(ExitCode.FAILED)
    except click.exceptions.Exit as error:
        code = error.exit_code
    else:
        code = int(ExitCode.OK)
    sys.exit(code)


if __name__ == "__main__":
    main()
