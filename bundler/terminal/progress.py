"""Progress of a run: bars on a terminal, lines in a log, JSON lines for machines."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

from bundler.language import tr
from bundler.terminal.console import clean, to_json

REFRESH = 0.1
"""Seconds between two updates of a bar."""
LOG_EVERY = 5.0
"""Seconds between two log lines about one transfer."""
JSON_EVERY = 1.0
"""Seconds between two progress events for machines."""
WINDOW = 5.0
"""Seconds over which the rate is averaged."""


class Transfer(Protocol):
    """A transfer of bytes, in total and by item. Methods may be called from any thread."""

    def expect(self, item: str, size: int) -> None:
        """Begin `item`, which has `size` bytes in total."""

    def advance(self, item: str, size: int) -> None:
        """Add `size` bytes to `item`."""


class Reporter(Protocol):
    """Receives progress."""

    def step(self, name: str) -> Any:  # noqa: ANN401 a context manager; typing it drags in generics
        """Return a context manager that times and reports the step in its block."""

    def transfer(self, name: str, total: int) -> Any:  # noqa: ANN401 likewise
        """Return a context manager for a `Transfer` of `total` bytes."""

    def info(self, text: str) -> None:
        """Report useful information."""

    def warn(self, text: str) -> None:
        """Report something that may become a problem."""


def format_bytes(size: float) -> str:
    """Format `size` for people: 1.5 MB (powers of 1000, as usual for disks and networks)."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":  # noqa: PLR2004 the step between units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError


def format_counts(counts: Mapping[str, int]) -> str:
    """Format numbers of several kinds for people: deb 312, pypi 40."""
    return ", ".join(f"{kind} {number}" for kind, number in counts.items())


def format_seconds(seconds: float) -> str:
    """Format `seconds` for people: 4.2 s, 3 min 05 s."""
    if seconds < 60:  # noqa: PLR2004 a minute
        return tr("{seconds:.1f} s", seconds=seconds)
    return tr("{minutes} min {seconds:02d} s", minutes=int(seconds) // 60, seconds=int(seconds) % 60)


class _Item:
    """One item of a transfer. `total` is 0 if unknown; `moved` is on the monotonic clock."""

    def __init__(self, total: int = 0) -> None:
        self.total = total
        self.done = 0
        self.moved = time.monotonic()

    @property
    def whole(self) -> bool:
        return 0 < self.total <= self.done

    def __str__(self) -> str:
        return format_bytes(self.done) + (
            tr(" of {total}", total=format_bytes(self.total)) if self.total else ""
        )


class Count:
    """A `Transfer` that counts. The rate is averaged over the last seconds, so that a stall is visible."""

    def __init__(self, total: int, changed: Callable[[Count, str], None] | None = None) -> None:
        self.total = total
        self.done = 0
        self.items: dict[str, _Item] = {}
        self.lock = threading.Lock()
        self._changed = changed
        self._started = time.monotonic()
        self._samples: deque[tuple[float, int]] = deque([(self._started, 0)])

    def expect(self, item: str, size: int) -> None:
        """See `Transfer.expect`."""
        with self.lock:
            self.items.setdefault(item, _Item()).total = size

    def advance(self, item: str, size: int) -> None:
        """See `Transfer.advance`."""
        now = time.monotonic()
        with self.lock:
            self.done += size
            entry = self.items.setdefault(item, _Item())
            entry.done += size
            entry.moved = now
            if now - self._samples[-1][0] >= REFRESH:
                self._samples.append((now, self.done))
            while len(self._samples) > 1 and now - self._samples[1][0] > WINDOW:
                self._samples.popleft()
        if self._changed:
            self._changed(self, item)

    @property
    def rate(self) -> float:
        """Return the current rate in bytes a second."""
        then, done = self._samples[0]
        return (self.done - done) / max(time.monotonic() - then, 1e-6)

    @property
    def mean(self) -> float:
        """Return the average rate in bytes a second since the start."""
        return self.done / max(time.monotonic() - self._started, 1e-6)

    def moving(self) -> list[tuple[str, _Item]]:
        """Return the unfinished items, the most recently advanced ones last."""
        now = time.monotonic()
        found = [(n, i) for n, i in self.items.items() if not i.whole and (i.total or now - i.moved < 1)]
        return sorted(found, key=lambda pair: pair[1].moved)

    def summary(self) -> str:
        """Return the total as a line of text."""
        text = tr(
            "{done} of {total}  {rate}/s",
            done=format_bytes(self.done),
            total=format_bytes(self.total),
            rate=format_bytes(self.rate),
        )
        if self.done < self.total:
            left = format_seconds((self.total - self.done) / self.rate) if self.rate else "?"
            text += "  " + tr("{time} left", time=left)
        return text


class _Every:
    """A callable that returns True at most once per interval. Thread-safe."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = time.monotonic()
        self._lock = threading.Lock()

    def due(self) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self._last < self._seconds:
                return False
            self._last = now
            return True


class LogReporter:
    """Plain lines, for logs and pipes."""

    def __init__(self, out: TextIO | None = None, *, verbose: bool = False) -> None:
        self._out = out or sys.stderr
        self._verbose = verbose
        self._lock = threading.Lock()

    def _line(self, text: str) -> None:
        """Print a line; untrusted text in it has been cleaned."""
        with self._lock:
            print(text, file=self._out, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """See `Reporter.step`."""
        name = clean(name)
        self._line(f"{name} ...")
        started = time.monotonic()
        yield
        taken = format_seconds(time.monotonic() - started)
        self._line(tr("{name}: {text}", name=name, text=taken))

    @contextmanager
    def transfer(self, name: str, total: int) -> Iterator[Transfer]:
        """See `Reporter.transfer`."""
        every = _Every(LOG_EVERY)
        name = clean(name)

        def changed(count: Count, item: str) -> None:
            if self._verbose and count.items[item].whole:
                text = tr("{name}: {text}", name=clean(item), text=count.items[item])
                self._line(f"  {text}")
            if every.due():
                text = tr("{name}: {text}", name=name, text=count.summary())
                self._line(f"  {text}")

        count = Count(total, changed)
        yield count
        if total:
            done, mean = format_bytes(count.done), format_bytes(count.mean)
            self._line("  " + tr("{name}: {size} at {rate}/s", name=name, size=done, rate=mean))

    def info(self, text: str) -> None:
        """See `Reporter.info`."""
        self._line(clean(text))

    def warn(self, text: str) -> None:
        """See `Reporter.warn`."""
        self._line(tr("warning: {text}", text=clean(text)))


class JsonReporter:
    """Writes a JSON object per line: `{"event": "step" | "progress" | "info" | "warning" | "error", ...}`."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._lock = threading.Lock()

    def _emit(self, event: str, **fields: object) -> None:
        with self._lock:
            print(to_json({"event": event, **fields}), file=self._out, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """See `Reporter.step`."""
        started = time.monotonic()
        self._emit("step", name=name, state="started")
        yield
        self._emit("step", name=name, state="done", seconds=round(time.monotonic() - started, 3))

    @contextmanager
    def transfer(self, name: str, total: int) -> Iterator[Transfer]:
        """See `Reporter.transfer`."""
        every = _Every(JSON_EVERY)

        def emit(count: Count) -> None:
            with count.lock:
                items = [{"name": n, "done": i.done, "total": i.total} for n, i in count.moving()]
            rate = round(count.rate)
            self._emit("progress", name=name, done=count.done, total=total, rate=rate, items=items)

        count = Count(total, lambda count, _: emit(count) if every.due() else None)
        yield count
        emit(count)

    def info(self, text: str) -> None:
        """See `Reporter.info`."""
        self._emit("info", text=text)

    def warn(self, text: str) -> None:
        """See `Reporter.warn`."""
        self._emit("warning", text=text)


class LogHandler(logging.Handler):
    """Passes log records to a reporter, so that they do not disrupt its bars or JSON lines."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        text = self.format(record)
        if record.levelno >= logging.WARNING:
            self._reporter.warn(text)
        else:
            self._reporter.info(text)
