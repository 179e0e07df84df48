"""Help texts in another language than English."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterable

import click

from bundler.language import tr
from bundler.terminal.table import width
from bundler.terminal.wrap import wrap


class Formatter(click.HelpFormatter):
    """Formats help in which characters take two columns and lines break without spaces."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line; a full-width colon needs no space behind it."""
        super().write_usage(prog, args, tr("Usage:") if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        """Write the head of a section."""
        self.write(f"{'':{self.current_indent}}{heading}\uff1a\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs."""
        for number, paragraph in enumerate(re.split(r"\n\s*\n", text)):
            if number:
                self.write("\n")
            for line in wrap(" ".join(paragraph.split()), self.width - self.current_indent):
                self.write(f"{'':{self.current_indent}}{line}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write a table of names and texts."""
        rows = list(rows)
        first = min(max(width(name) for name, _ in rows), col_max) + col_spacing
        beside = self.current_indent + first
        for name, text in rows:
            lines = wrap(text.replace("[required]", tr("[required]")), max(self.width - beside, 10))
            head = f"{'':{self.current_indent}}{name}"
            if not lines or width(name) > first - col_spacing:
                self.write(f"{head}\n")
            else:
                self.write(f"{head}{' ' * (first - width(name))}{lines.pop(0)}\n")
            for line in lines:
                self.write(f"{'':{beside}}{line}\n")


class Context(click.Context):
    """The context of a translated command."""

    formatter_class = Formatter


def translate(command: click.Command) -> None:
    """Translate the help texts of a command, in place."""
    command.context_class = Context
    command.help = translated(command.help)
    command.epilog = translated(command.epilog)
    command.params = [_translated(each) for each in command.params]


def translated(text: str | None) -> str | None:
    """Return a help text, which may be a docstring, in the language."""
    return tr(inspect.cleandoc(text)) if text else text


def _translated(parameter: click.Parameter) -> click.Parameter:
    found = copy.copy(parameter)
    if isinstance(found, click.Option):
        found.help = translated(found.help)
    return found
