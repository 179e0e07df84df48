"""Count file reads with the kernel's inotify, which needs neither tracing nor root."""

from __future__ import annotations

import ctypes
import os
import struct
from collections import Counter
from pathlib import Path
from typing import Self

ACCESS, CLOSE_NOWRITE, OPEN = 0x01, 0x10, 0x20
EVENT = struct.Struct("iIII")
"""`struct inotify_event`: watch, mask, cookie, length of the name that follows."""


class Reads:
    """Counts, while entered, how often each file of `folder` was opened, read and closed."""

    def __init__(self, folder: Path) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._folder = folder
        self._queue = -1

    def __enter__(self) -> Self:
        """Start to count."""
        self._queue = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        watch = self._library.inotify_add_watch(
            self._queue, os.fsencode(self._folder), ACCESS | CLOSE_NOWRITE | OPEN
        )
        if self._queue < 0 or watch < 0:
            raise OSError(ctypes.get_errno(), "inotify", str(self._folder))
        return self

    def __exit__(self, *_: object) -> None:
        """Stop counting."""
        os.close(self._queue)

    def count(self) -> Counter[str]:
        """Map file names to how often they were opened and read since the last call."""
        found: Counter[str] = Counter()
        touched = set()
        for name, mask in self._events():
            if not name:  # an event of the folder
                continue
            if mask & ACCESS:
                touched.add(name)
            elif mask & CLOSE_NOWRITE and name in touched:
                touched.remove(name)
                found[name] += 1
        return found

    def _events(self) -> list[tuple[str, int]]:
        events: list[tuple[str, int]] = []
        while True:
            try:
                raw = os.read(self._queue, 1 << 20)
            except BlockingIOError:
                return events
            at = 0
            while at < len(raw):
                _, mask, _, length = EVENT.unpack_from(raw, at)
                at += EVENT.size
                events.append((os.fsdecode(raw[at : at + length].rstrip(b"\0")), mask))
                at += length
