"""Decides when to retry and when to give up."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

from bundler.errors import FetchError
from bundler.language import tr
from bundler.net.errors import GaveUpError, TransientError

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """Limits for retries. Times are in seconds.

    Attributes:
        attempts: attempts in a row without progress, including the first.
        connect_attempts: the same if no connection could be established.
        base: the first wait; doubles with every consecutive failure.
        cap: the longest wait between attempts, unless the server sets one.
        retry_after_cap: the longest wait that a server may request.
        progress: bytes that count as progress and reset the number of attempts.
        flow: bytes since the previous failure after which a broken connection is re-established at once.
        slow_attempts: attempts at a server that is too slow, until it has proved faster.
        steady: bytes that prove it.
        patience: time without progress after which no further attempt is made.
    """

    attempts: int = 6
    connect_attempts: int = 4
    base: float = 0.25
    cap: float = 20.0
    retry_after_cap: float = 60.0
    progress: int = 16 * 1024
    flow: int = 256 * 1024
    slow_attempts: int = 2
    steady: int = 64 * 1024
    patience: float = 240.0


class Pause:
    """Waits until the time is over or `cancel` is called."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def __call__(self, seconds: float) -> None:
        """Wait.

        Raises:
            FetchError: the wait was cancelled.
        """
        if self._cancelled.wait(seconds):
            raise FetchError(tr("cancelled: the run is ending"))

    def cancel(self) -> None:
        """Cancel all current and future waits."""
        self._cancelled.set()


class Retry:
    """Counts the failures of one operation, and waits between its attempts."""

    def __init__(self, what: str, policy: RetryPolicy, pause: Callable[[float], None]) -> None:
        self._what = what
        self._policy = policy
        self._pause = pause
        self._failures = 0
        self._arrived = 0
        self._flown = 0
        self._slow = 0
        self._steady = 0
        self._moved = time.monotonic()

    def progress(self, size: int) -> None:
        """Record that `size` bytes arrived; enough of them reset the number of failures."""
        self._flown += size
        self._moved = time.monotonic()
        self._steady += size
        if self._steady >= self._policy.steady:
            self._slow = 0
        if self._failures:
            self._arrived += size
            if self._arrived >= self._policy.progress:
                self._failures = 0

    def wait(self, error: TransientError) -> None:
        """Wait before the next attempt.

        Raises:
            GaveUpError: this was the last attempt.
        """
        self._failures += 1
        self._arrived = 0
        flowing, self._flown = self._flown >= self._policy.flow, 0
        policy = self._policy
        if error.slow:
            self._slow += 1
            self._steady = 0
        if (
            self._failures >= (policy.attempts if error.connected else policy.connect_attempts)
            or self._slow >= policy.slow_attempts
            or time.monotonic() - self._moved > policy.patience
        ):
            raise GaveUpError(error, max(self._failures, self._slow), self._what) from error
        if error.retry_after is None and flowing:
            seconds = 0.0
        elif error.retry_after is None:
            longest = min(policy.cap, policy.base * 2 ** (self._failures - 1))
            seconds = longest * random.uniform(0.5, 1)  # noqa: S311 jitter, not cryptography
        else:
            seconds = min(error.retry_after, policy.retry_after_cap)
        log.info(tr("%s: %s; trying again in %.1f s"), self._what, error.message, seconds)
        self._pause(seconds)

    def run(self, attempt: Callable[[], T]) -> T:
        """Call `attempt` until it succeeds.

        Raises:
            GaveUpError: too many attempts failed.
        """
        while True:
            try:
                return attempt()
            except TransientError as error:
                self.wait(error)


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """Return the seconds that a `Retry-After` header requests: RFC 9110, 10.2.3.

    Args:
        value: the header: seconds or an HTTP date.
        date: `Date` of the same response, so that the local clock does not matter.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return float(value[:12])
    until = _timestamp(value)
    if until is None:
        return None
    now = _timestamp(date) if date else None
    return max(0.0, until - (time.time() if now is None else now))


def _timestamp(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, IndexError, TypeError):
        return None  # ignore an invalid date
