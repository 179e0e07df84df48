"""Terminal output of a run, drawn by rich. Imported only if there is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bundler.language import tr
from bundler.terminal.console import clean
from bundler.terminal.progress import REFRESH, Count, LogReporter, Transfer, format_seconds


def make_console(out: TextIO) -> Console:
    """Return a console for untrusted text: it interprets no markup and highlights nothing."""
    return Console(file=out, force_terminal=True, markup=False, highlight=False, emoji=False)


class TerminalReporter(LogReporter):
    """Prints one line per finished step; below them, redraws running steps, the total and blobs."""

    ITEMS = 4
    BAR = 24

    def __init__(self, out: TextIO | None = None, *, verbose: bool = False) -> None:
        super().__init__(out, verbose=verbose)
        self._console = make_console(out or sys.stderr)
        self._shown: list[Callable[[], list[RenderableType]]] = []
        self._live: Live | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """See `Reporter.step`."""
        name = clean(name)
        started = time.monotonic()

        def taken() -> str:
            return format_seconds(time.monotonic() - started)

        try:
            with self._show(lambda: [Text(f"· {name}  {taken()}", style="dim")]):
                yield
        except BaseException:
            self._print(Text.assemble(("✗", "red"), f" {name}  ", (taken(), "dim")))
            raise
        self._print(Text.assemble(("✓", "green"), f" {name}  ", (taken(), "dim")))

    @contextmanager
    def transfer(self, name: str, total: int) -> Iterator[Transfer]:
        """See `Reporter.transfer`."""
        count = Count(total)
        name = clean(name)

        def rows() -> list[RenderableType]:
            with count.lock:
                bar = ProgressBar(
                    total or 1,
                    min(count.done, total) if total else 1,
                    width=self.BAR,
                    style="dim",
                    complete_style="green",
                    finished_style="green",
                )
                items = [f"    {clean(item)}  {state}" for item, state in count.moving()[-self.ITEMS :]]
                summary = count.summary()
            first = Table.grid(padding=(0, 2, 0, 0))
            for _ in range(3):
                first.add_column(no_wrap=True, overflow="ellipsis")
            first.add_row(Text(f"  {name}"), bar, Text(summary))
            return [first, *(Text(item, style="dim") for item in items)]

        with self._show(rows):
            yield count

    def warn(self, text: str) -> None:
        """See `Reporter.warn`."""
        self._print(Text.assemble((tr("warning: "), "yellow"), clean(text)))

    def _line(self, text: str) -> None:
        self._print(Text(text))

    def _print(self, text: Text) -> None:
        with self._lock:
            self._console.print(text, soft_wrap=True)

    # ------------------------------------------------------------ drawing

    @contextmanager
    def _show(self, rows: Callable[[], list[RenderableType]]) -> Iterator[None]:
        with self._lock:
            self._shown.append(rows)
            if self._live is None:
                self._live = Live(
                    get_renderable=lambda: _Rows(list(self._shown)),
                    console=self._console,
                    refresh_per_second=1 / REFRESH,
                    transient=True,
                    redirect_stdout=False,
                    redirect_stderr=False,
                )
                self._live.start(refresh=True)  # else a line printed before the first frame is not erased
        try:
            yield
        finally:
            with self._lock:
                self._shown.remove(rows)
                if not self._shown and self._live is not None:
                    self._live.stop()
                    self._live = None


class _Rows:
    """Rows on the screen that never reach the last column: a wrapped row would take two."""

    def __init__(self, parts: list[Callable[[], list[RenderableType]]]) -> None:
        self._parts = parts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        options = options.update(width=options.max_width - 1, no_wrap=True, overflow="ellipsis")
        for part in self._parts:
            for row in part():
                yield from console.render(row, options)


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to the terminal on standard output; long cells are wrapped."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in head:
        table.add_column(Text(name.upper()), overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    make_console(sys.stdout).print(table)


def print_markdown(text: str) -> None:
    """Print Markdown of this program to the terminal on standard output, formatted."""
    from rich.markdown import Markdown  # noqa: PLC0415 its parser costs 30 ms, and one command needs it

    make_console(sys.stdout).print(Markdown(clean(text, lines=True)))
