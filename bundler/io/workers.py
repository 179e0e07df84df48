"""Jobs on a few threads; the first failure ends the others."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from bundler.errors import FetchError

CONNECTIONS = 6
"""Blobs fetched at once. More do not fill a link better and cost a registry more."""

CORES = min(os.cpu_count() or 1, 16)
"""Files hashed at once. With more than sixteen it is memory that is waited for."""


class Crew:
    """Threads that work until all is done, one fails, or the block is left.

    Attributes:
        failed: whether a job has failed.
    """

    def __init__(self, size: int, name: str) -> None:
        self.failed = False
        self._pool = ThreadPoolExecutor(size, name)
        self._jobs: list[Future[None]] = []
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What is on its way ends at its next `check`: after a failure, or Ctrl-C."""
        self._ended = True
        self._pool.shutdown(cancel_futures=True)

    def submit(self, job: Callable[[], None], ended: Callable[[], None] = lambda: None) -> None:
        """Have `job` done, in the order of the calls; `ended` is called when it is, or has failed."""

        def run() -> None:
            try:
                job()
            except BaseException:
                self.failed = True
                raise
            finally:
                ended()

        self._jobs.append(self._pool.submit(run))

    def check(self) -> None:
        """For jobs to call every now and then.

        Raises:
            FetchError: the block was left; nobody wants the rest.
        """
        if self._ended:
            raise FetchError("cancelled: another blob failed")

    def wait(self) -> None:
        """Wait until all jobs are done; raises what the first failed job raised."""
        done, _ = wait(self._jobs, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
