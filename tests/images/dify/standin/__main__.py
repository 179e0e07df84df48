"""Run the stand-in for this image's program; in the API's image, MODE selects the program."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from standin import peers, programs, proving, queues, sandbox, server
from standin.peers import need

ALIVE = 20
"""Time after its last report for which a worker counts as alive, in seconds."""


def say(text: str) -> None:
    """Write to the container's log."""
    print(text, flush=True)  # noqa: T201 a container's log


def call_out() -> None:
    """Contact every internet host that the variables do not disable, as the real program does."""
    if programs.program() == "weaviate":
        # Happens at every start, even with telemetry disabled; nothing is logged.
        with contextlib.suppress(OSError):
            socket.create_connection(("169.254.169.254", 80), timeout=1).close()
    for variable, host in programs.called_out(programs.program()).items():
        say(f"CALLS OUT to {host}: {variable}={os.environ.get(variable)!r}")
        try:
            socket.create_connection((host, 443), timeout=5).close()
        except OSError as error:
            say(f"{host}: {error}")


def keep_alive(name: str) -> None:
    """Report a live worker as long as all its peers respond."""
    health = server.Health()
    while True:
        try:
            if not health.failing():
                peers.by_url("CELERY_BROKER_URL").set(f"standin:worker:{name}", "alive", ex=ALIVE)
        except Exception as error:  # noqa: BLE001 may succeed next time
            say(f"broker: {error}")
        time.sleep(4)


def work() -> None:
    """MODE=worker: take tasks; record each one in the storage and in the database."""
    name = f"celery@{os.uname().nodename}"
    threading.Thread(target=keep_alive, args=(name,), daemon=True).start()
    threading.Thread(target=queues.take_tasks, args=(name,), daemon=True).start()
    while True:
        try:
            broker = peers.by_url("CELERY_BROKER_URL")
            task = broker.blpop(["standin:tasks"], timeout=5)
            if isinstance(task, (list, tuple)):
                identifier = task[1].decode()
                (Path(programs.STORAGE) / identifier).write_text(name)
                peers.query(programs.database(), "INSERT INTO work VALUES (%s, %s)", identifier, name)
                broker.rpush(f"standin:done:{identifier}", name)
        except Exception as error:  # noqa: BLE001 may succeed next time
            say(f"task: {error}")
            time.sleep(1)


def beat() -> None:
    """MODE=beat: append to the schedule file in the working folder, as Celery's scheduler does."""
    while True:
        with Path("celerybeat-schedule").open("a") as schedule:
            schedule.write(f"{time.time()}\n")
        time.sleep(60)


def stop(*_: object) -> None:
    """Exit gracefully; the vector store leaves a marker file in its data folder."""
    if programs.program() == "weaviate":
        (Path(need("PERSISTENCE_DATA_PATH")) / "stopped").write_text(str(time.time()))
    os._exit(0)


def main() -> None:
    """Start the program."""
    signal.signal(signal.SIGTERM, stop)
    name = programs.program()
    mode = os.environ.get("MODE", "api") if name == "api" else ""
    migrates = mode == "migration"
    if mode and migrates != (os.environ.get("MIGRATION_ENABLED") == "true"):
        sys.exit(
            f"MODE={mode}, MIGRATION_ENABLED={os.environ.get('MIGRATION_ENABLED')}: one job alone migrates"
        )
    if migrates:
        programs.migrate()
        return
    if mode == "worker":
        queues.become_worker()
    threading.Thread(target=call_out, daemon=True).start()
    if name == "sandbox":
        sandbox.prepare()
    if mode == "worker":
        work()
    elif mode == "beat":
        beat()
    elif "websocket" in os.environ.get("SERVER_WORKER_CLASS", ""):
        name = "api_websocket"
    say(f"{name}: a stand-in, at work")
    proving.serve(name)


main()
