"""Runs jobs on a few threads; the first failure stops the others."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from bundler.errors import FetchError
from bundler.language import tr

CONNECTIONS = 6
"""Blobs fetched at once. More do not use a link better, and put more load on a registry."""

CORES = min(os.cpu_count() or 1, 16)
"""Files hashed at once. With more than sixteen, memory bandwidth is the limit."""


class Crew:
    """Threads that work until all jobs are done, one fails, or the block is left.

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
        """Stop running jobs at their next `check`, for example after a failure or Ctrl-C."""
        self._ended = True
        self._pool.shutdown(cancel_futures=True)

    def submit(self, job: Callable[[], None], ended: Callable[[], None] = lambda: None) -> None:
        """Queue `job`; jobs start in order. `ended` is called when it has finished or failed."""

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
        """Stop the calling job if its result is no longer needed. Jobs call this regularly.

        Raises:
            FetchError: the block was left.
        """
        if self._ended:
            raise FetchError(tr("cancelled: another blob failed"))

    def wait(self) -> None:
        """Wait until all jobs are done; raise the exception of the first job that failed."""
        done, _ = wait(self._jobs, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
