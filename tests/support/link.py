"""A network between a client and a server with limited rate, latency and random disconnects."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from types import TracebackType
from typing import Final, Self

PIECE: Final = 16 * 1024
SLACK: Final = 0.05
"""Seconds by which the line may catch up, since this process does not wake up exactly on time."""


class Link:
    """Listens on loopback and forwards to a server like a slow line.

    Attributes:
        delivered: bytes sent to the client, including HTTP headers.
        connections: number of connections made.
        cuts: number of connections cut.
    """

    def __init__(
        self,
        server: str,
        *,
        rate: float,
        latency: float,
        cut_after: tuple[int, int] | None = None,
        seed: int = 1,
    ) -> None:
        """Describe the line.

        Args:
            server: `host:port` to which connections are forwarded.
            rate: bytes per second towards the client, over all connections.
            latency: round-trip time in seconds.
            cut_after: minimum and maximum number of bytes after which a connection is cut.
            seed: of the random cuts.
        """
        host, _, port = server.rpartition(":")
        self._server = host, int(port)
        self._rate = rate
        self._latency = latency / 2
        self._cut_after = cut_after
        self._random = random.Random(seed)  # noqa: S311 not cryptography
        self._free = 0.0
        self.delivered = 0
        self.connections = 0
        self.cuts = 0
        self.host = ""
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._accept, "127.0.0.1", 0), self._loop
        ).result()
        self.host = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        self._listening = listening
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._listening.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        server, requests = await asyncio.open_connection(*self._server)
        up = asyncio.ensure_future(self._pass_up(client, requests))
        try:
            await self._pass_down(server, answers)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client disconnected, or the test is over
        finally:
            up.cancel()
            for writer in (answers, requests):
                writer.close()
                with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                    await writer.wait_closed()

    async def _pass_up(self, client: asyncio.StreamReader, requests: asyncio.StreamWriter) -> None:
        while data := await client.read(PIECE):
            await asyncio.sleep(self._latency)
            requests.write(data)
        requests.close()

    async def _pass_down(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        left = self._random.randint(*self._cut_after) if self._cut_after else None
        on_the_way: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
        deliver = asyncio.ensure_future(self._deliver(on_the_way, answers))
        while data := await server.read(PIECE if left is None else min(PIECE, left)):
            now = self._loop.time()
            self._free = max(self._free, now - SLACK) + len(data) / self._rate
            on_the_way.put_nowait((self._free + self._latency, data))
            await asyncio.sleep(max(0.0, self._free - now))
            if left is not None:
                left -= len(data)
                if left <= 0:
                    self.cuts += 1
                    break
        on_the_way.put_nowait(None)
        await deliver

    async def _deliver(
        self, on_the_way: asyncio.Queue[tuple[float, bytes] | None], answers: asyncio.StreamWriter
    ) -> None:
        while (entry := await on_the_way.get()) is not None:
            due, data = entry
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            answers.write(data)
            await answers.drain()
            self.delivered += len(data)
