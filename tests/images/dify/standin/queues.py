"""Celery's queues, as workers take tasks from them and clients inspect them; README.md has the sources."""

from __future__ import annotations

import json
import os
import queue
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from standin.peers import by_url

QUEUES = (
    "api_token", "dataset", "dataset_summary", "priority_dataset", "priority_pipeline", "pipeline", "mail",
    "ops_trace", "app_deletion", "app_rbac", "plugin", "workflow_storage", "conversation", "workflow",
    "schedule_poller", "schedule_executor", "triggered_workflow_dispatcher", "trigger_refresh_publisher",
    "trigger_refresh_executor", "retention", "workflow_based_app_execution",
)  # fmt: skip
"""Queues of a self-hosted edition: langgenius/dify, api/docker/entrypoint.sh, 07119e3f009d."""
ALIVE = 10
"""Time after its last report for which a worker counts as alive, in seconds."""
_KEY = "standin:queues"


def become_worker() -> None:
    """Re-execute with a worker's command line: the real entry point is `celery ... worker ... -Q QUEUES`."""
    if "worker" not in sys.argv:
        arguments = ["-A", "celery_entrypoint.celery", "worker", "-P", "gevent", "-Q", ",".join(QUEUES)]
        os.execv(sys.executable, [sys.executable, "-m", "standin", *arguments])  # noqa: S606 no shell needed


def take_tasks(name: str) -> None:
    """Announce the worker's queues, and forward the arguments of the tasks in them."""
    while True:
        try:
            broker = by_url("CELERY_BROKER_URL")
            broker.set(f"{_KEY}:worker:{name}", ",".join(QUEUES), ex=ALIVE)
            task = broker.blpop([f"{_KEY}:{one}" for one in QUEUES], timeout=2)
            if isinstance(task, (list, tuple)):
                message = json.loads(task[1])
                if message["until"] > time.time():
                    broker.rpush(message["link"], json.dumps(message["arguments"]))
        except Exception as error:  # noqa: BLE001 may succeed next time
            print(f"queues: {error}", flush=True)  # noqa: T201 a container's log
            time.sleep(1)


class Application:
    """The parts of a Celery application that inspect workers and send tasks."""

    def __init__(self) -> None:
        self.control = self

    def inspect(self, timeout: float, limit: int | None = None) -> Application:
        """Return the inspector; workers have already reported."""
        return self

    def active_queues(self) -> dict[str, list[dict[str, str]]] | None:
        """Return worker -> queues that it takes tasks from; None if no worker has reported."""
        broker = by_url("CELERY_BROKER_URL")
        found = {}
        for key in broker.keys(f"{_KEY}:worker:*"):
            names = broker.get(key)
            if isinstance(names, bytes):
                worker = key.decode().removeprefix(f"{_KEY}:worker:")
                found[worker] = [{"name": name} for name in names.decode().split(",")]
        return found or None

    def active(self) -> dict[str, list[object]] | None:
        """Return worker -> running tasks."""
        return {worker: [] for worker in self.active_queues() or {}} or None

    def signature(self, task: str, **options: str) -> dict[str, Any]:
        """Return the signature of a task."""
        return {"task": task, **options}

    def send_task(
        self,
        name: str,
        *,
        args: tuple[str, ...],
        kwargs: Mapping[str, int],
        queue: str,
        expires: float,
        link: Mapping[str, str],
    ) -> None:
        """Send the only supported task, which returns one of its arguments."""
        if name != "celery.accumulate":
            raise ValueError(name)
        message = {
            "arguments": [args[kwargs["index"]]],
            "link": f"{_KEY}:{link['queue']}",
            "until": time.time() + expires,
        }
        by_url("CELERY_BROKER_URL").rpush(f"{_KEY}:{queue}", json.dumps(message))

    @contextmanager
    def connection_or_acquire(self) -> Iterator[Connection]:
        """Yield a connection to the broker."""
        yield Connection()


class Connection:
    """Connection to the broker."""

    @contextmanager
    def SimpleQueue(self, name: str) -> Iterator[Answers]:  # noqa: N802 name set by kombu
        """Yield a private queue."""
        yield Answers(f"{_KEY}:{name}")


class Message:
    """Received message; it is put back into the queue unless it is acknowledged."""

    def __init__(self, key: str, content: bytes) -> None:
        by_url("CELERY_BROKER_URL").rpush(key, content)
        self._key = key

    def ack(self) -> None:
        """Acknowledge the message."""
        by_url("CELERY_BROKER_URL").lpop(self._key)


class Answers:
    """Messages that arrive in a private queue."""

    def __init__(self, key: str) -> None:
        self._key = key
        self.queue = self

    def get(self, timeout: int) -> Message:
        """Return the next message; a message that is not acknowledged is delivered again."""
        found = by_url("CELERY_BROKER_URL").blpop([self._key], timeout=timeout)
        if not isinstance(found, (list, tuple)):
            raise queue.Empty
        return Message(self._key, found[1])

    def delete(self) -> None:
        """Delete the queue."""
        by_url("CELERY_BROKER_URL").delete(self._key)
