"""The command `bundle`. The only place that prints errors and exits.

Commands are imported when they are called, so that `bundle --help` does not load cryptography, HTTP or YAML.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
import traceback
from typing import Any, NoReturn

import click

from bundler import __version__
from bundler.cli.language import find_language, localised
from bundler.errors import BundleError, CombinedError, ExitCode, UsageError, did_you_mean
from bundler.language import speaking, tr
from bundler.terminal import console

COMMANDS = {
    "build": "Build a bundle.",
    "plan": "Show what a build would do, without writing anything.",
    "lock": "Pin the images of a profile by digest.",
    "verify": "Verify a bundle's signature and every file in it.",
    "inspect": "Show what a bundle contains; reads only its beginning.",
    "report": "Write one HTML page about a bundle, or about what a build would make.",
    "diff": "Show what changes from one bundle to another, and what a site lacks of it.",
    "receipt": "Verify and show the receipt of a site.",
    "rehearse": "Try a finished bundle on a throwaway site on this machine.",
    "init": "Create a profile for an existing Compose project.",
    "keygen": "Generate a key pair for signing bundles, or rotate to a new one.",
    "sign": "Add a signature to a finished bundle.",
    "revoke": "Revoke a key.",
    "profiles": "List the available profiles.",
    "config": "Show the configuration that holds, and where it comes from.",
    "plugins": "List the plugins and what they provide.",
    "schema": "Print the JSON Schema of profiles, for editors.",
    "cache": "Show, check or prune the blob cache.",
    "docs": "Open the documentation, offline.",
    "completion": "Print a shell completion script.",
}
"""Name -> help line. The module `bundler.cli.<name>` has a click command `<name>_command`."""
INTERRUPTED = 130
"""Exit code that shells use for a program ended by SIGINT."""
NAMES = ("bundle", "airbundle")
"""Names of the command. On many machines `bundle` is Ruby's Bundler; nothing else has the second name."""


class LazyGroup(click.Group):
    """A group that lists its commands without importing them, and imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        """Return all names in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command and return it."""
        if cmd_name not in COMMANDS:
            if ctx.resilient_parsing:  # called for shell completion
                return None
            hint = did_you_mean(cmd_name, COMMANDS, tr("the commands are"))
            raise UsageError(tr("unknown command {name!r}", name=cmd_name), hint=hint)
        module = importlib.import_module(f"bundler.cli.{cmd_name}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return localised(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands from the table above."""
        with formatter.section(tr("Commands")):
            formatter.write_dl([(name, tr(text)) for name, text in COMMANDS.items()])


EPILOG = """
Start with `bundle init --from compose.yaml`, then `bundle keygen` and `bundle build --profile NAME`.
Exit codes: 0 success, 1 failure, 2 usage or profile error, 3 this machine cannot rehearse, 4 verification
failed, 130 stopped by Ctrl-C.
"""


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name=NAMES[0])
def bundle() -> None:
    """Deliver containerized applications to places without internet.

    One signed file holds images, configuration and an installer, which does the rest there.
    """


def show_error(error: BundleError, *, as_json: bool = False) -> None:
    """Print an error and its hint."""
    if as_json:
        fields: dict[str, object] = {
            "message": error.message,
            "hint": error.hint,
            "exit_code": int(error.exit_code),
        }
        if isinstance(error, CombinedError):
            fields["causes"] = [
                {"message": cause.message, "images": cause.about, "hint": cause.hint}
                for cause in error.causes
            ]
        console.echo_json({"event": "error", **fields}, err=True)
        return
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    console.echo_error(error.message, colour=colour)
    if error.hint:
        console.echo("  " + tr("hint: {hint}", hint=error.hint), lines=True, err=True)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with the documented code.

    Expected errors are printed without a traceback, bugs with one.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if arguments is None:  # the command line of the process, not a call from a test
        console.prepare()
    # start-up creates many long-lived objects; repeated garbage collection would take 5 to 8 % of its time
    gc.set_threshold(50_000, 50, 50)
    atexit.register(gc.freeze)  # skips the final collection: 50 ms
    # otherwise pydantic reads the metadata of every installed package to find its own plugins
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")
    as_json = "--json" in words
    with speaking(find_language(words, as_json=as_json)):
        code = _run(words, as_json=as_json)
    sys.exit(code)


def called_as() -> str:
    """Return which of `NAMES` the process was started by; the first for `python -m bundler`."""
    name = os.path.basename(sys.argv[0])  # noqa: PTH119 pathlib costs start-up time
    return name if name in NAMES else NAMES[0]


def _run(words: list[str], *, as_json: bool) -> int:
    expected: BundleError
    try:
        result: Any = localised(bundle).main(words, prog_name=called_as(), standalone_mode=False)
    except BundleError as error:
        expected = error
    except click.exceptions.NoArgsIsHelpError as error:
        console.echo(error.format_message(), lines=True, err=True)
        return int(ExitCode.USAGE)
    except click.ClickException as error:
        expected = _usage_error(error)
    except (click.Abort, KeyboardInterrupt):
        console.echo(err=True)
        console.echo(tr("stopped; the cache is kept, and the next build continues from there"), err=True)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        expected = BundleError(f"{where}{error.strerror or error}")
        if os.environ.get("BUNDLE_DEBUG"):
            console.echo(traceback.format_exc(), lines=True, err=True, end="")
    else:
        return result if isinstance(result, int) else int(ExitCode.OK)  # the exit code of --help is a result
    show_error(expected, as_json=as_json)
    return int(expected.exit_code)


def _usage_error(error: click.ClickException) -> UsageError:
    """Convert an error of click to an error of this program."""
    context = getattr(error, "ctx", None)
    message = error.format_message().rstrip(".\u3002")
    command = context.command_path if context is not None else called_as()
    return UsageError(
        message[:1].lower() + message[1:], hint=tr("`{command} --help` shows the options", command=command)
    )


if __name__ == "__main__":
    main()
