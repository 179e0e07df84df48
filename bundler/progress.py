"""What a run tells the one who waits: a bar on a terminal, lines in a log, JSON lines for machines."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

REFRESH = 0.1
"""Seconds between two drawings of a bar."""
LOG_EVERY = 5.0
"""Seconds between two lines about one transfer in a log."""


class Transfer(Protocol):
    """Bytes on their way, in all and by item. Methods may be called from any thread."""

    def advance(self, item: str, size: int) -> None:
        """`size` more bytes of `item` are here."""


class Reporter(Protocol):
    """Where progress goes."""

    def step(self, name: str) -> Any:  # noqa: ANN401 a context manager; typing it drags in generics
        """A context: the thing that is done inside it, timed."""

    def transfer(self, name: str, total: int) -> Any:  # noqa: ANN401 likewise
        """A context that gives a `Transfer` of `total` bytes."""

    def info(self, text: str) -> None:
        """Something worth knowing."""

    def warn(self, text: str) -> None:
        """Something that may become a problem."""


def format_bytes(size: float) -> str:
    """`size` for people: 1.5 MB (powers of 1000, as disks and networks are sold)."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":  # noqa: PLR2004 the step between units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError


def format_seconds(seconds: float) -> str:
    """`seconds` for people: 4.2 s, 3 min 05 s."""
    if seconds < 60:  # noqa: PLR2004 a minute
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class _Count:
    """Bytes in all and of each item."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.items: dict[str, int] = {}
        self.started = time.monotonic()

    def add(self, item: str, size: int) -> None:
        self.done += size
        self.items[item] = self.items.get(item, 0) + size

    @property
    def rate(self) -> float:
        return self.done / max(time.monotonic() - self.started, 1e-6)

    def summary(self) -> str:
        left = (self.total - self.done) / self.rate if self.done else 0.0
        text = f"{format_bytes(self.done)} of {format_bytes(self.total)}"
        text += f"  {format_bytes(self.rate)}/s"
        return text + (f"  {format_seconds(left)} left" if self.done < self.total else "")


class LogReporter:
    """Plain lines, for logs and pipes."""

    def __init__(self, out: TextIO | None = None, *, verbose: bool = False) -> None:
        self._out = out or sys.stderr
        self._verbose = verbose
        self._lock = threading.Lock()

    def _line(self, text: str) -> None:
        with self._lock:
            print(text, file=self._out, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """See `Reporter.step`."""
        self._line(f"{name} ...")
        started = time.monotonic()
        yield
        self._line(f"{name}: {format_seconds(time.monotonic() - started)}")

    @contextmanager
    def transfer(self, name: str, total: int) -> Iterator[Transfer]:
        """See `Reporter.transfer`."""
        count = _Count(total)
        lock = threading.Lock()
        shown = time.monotonic()
        reporter = self

        class Lines:
            def advance(self, item: str, size: int) -> None:
                nonlocal shown
                with lock:
                    count.add(item, size)
                    now = time.monotonic()
                    if now - shown < LOG_EVERY:
                        return
                    shown = now
                    text = count.summary()
                reporter._line(f"  {name}: {text}")

        yield Lines()
        if total:
            self._line(f"  {name}: {format_bytes(count.done)} at {format_bytes(count.rate)}/s")

    def info(self, text: str) -> None:
        """See `Reporter.info`."""
        self._line(text)

    def warn(self, text: str) -> None:
        """See `Reporter.warn`."""
        self._line(f"warning: {text}")


class TerminalReporter(LogReporter):
    """One line a step, with bars that move: the total, and the blobs that are on their way."""

    ITEMS = 4

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """See `Reporter.step`."""
        started = time.monotonic()
        yield
        self._line(f"\033[32m✓\033[0m {name}  \033[2m{format_seconds(time.monotonic() - started)}\033[0m")

    @contextmanager
    def transfer(self, name: str, total: int) -> Iterator[Transfer]:
        """See `Reporter.transfer`."""
        count = _Count(total)
        lock = threading.Lock()
        recent: dict[str, float] = {}
        stop = threading.Event()
        drawn = 0

        class Bars:
            def advance(self, item: str, size: int) -> None:
                with lock:
                    count.add(item, size)
                    recent[item] = time.monotonic()

        def draw() -> None:
            nonlocal drawn
            with lock:
                share = count.done / total if total else 1.0
                lines = [f"  {name}  [{_bar(share)}] {count.summary()}"]
                now = time.monotonic()
                moving = sorted((i for i, t in recent.items() if now - t < 1), key=recent.__getitem__)
                lines += [
                    f"    \033[2m{item}  {format_bytes(count.items[item])}\033[0m"
                    for item in moving[-self.ITEMS :]
                ]
            with self._lock:
                up = f"\033[{drawn}A" if drawn else ""
                self._out.write(up + "".join(f"\r\033[K{line}\n" for line in lines) + "\033[J")
                self._out.flush()
            drawn = len(lines)

        def run() -> None:
            while not stop.wait(REFRESH):
                draw()

        painter = threading.Thread(target=run, daemon=True)
        painter.start()
        try:
            yield Bars()
        finally:
            stop.set()
            painter.join()
            with self._lock:
                self._out.write((f"\033[{drawn}A" if drawn else "") + "\r\033[J")
                self._out.flush()

    def warn(self, text: str) -> None:
        """See `Reporter.warn`."""
        self._line(f"\033[33mwarning:\033[0m {text}")


def _bar(share: float, width: int = 24) -> str:
    full = int(min(share, 1.0) * width)
    return "#" * full + "." * (width - full)


class JsonReporter:
    """One JSON object a line: `{"event": "step" | "progress" | "info" | "warning", ...}`."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._lock = threading.Lock()

    def _emit(self, event: str, **fields: object) -> None:
        with self._lock:
            print(
                json.dumps({"event": event, **fields}, ensure_ascii=False),
                file=self._out,
                flush=True,
            )

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
        count = _Count(total)
        lock = threading.Lock()
        emit = self._emit
        shown = time.monotonic()

        class Events:
            def advance(self, item: str, size: int) -> None:
                nonlocal shown
                with lock:
                    count.add(item, size)
                    now = time.monotonic()
                    if now - shown < 1.0:
                        return
                    shown = now
                emit("progress", name=name, done=count.done, total=total, rate=round(count.rate))

        yield Events()
        emit("progress", name=name, done=count.done, total=total, rate=round(count.rate))

    def info(self, text: str) -> None:
        """See `Reporter.info`."""
        self._emit("info", text=text)

    def warn(self, text: str) -> None:
        """See `Reporter.warn`."""
        self._emit("warning", text=text)
