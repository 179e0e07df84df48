"""Files from web servers, by the proxies and authorities that the environment and the user name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.api.images import SourceOptions
from bundler.errors import FetchError
from bundler.net.proxies import Proxies, proxy_headers, server
from bundler.net.tls import trusting_context

if TYPE_CHECKING:
    import urllib3

CONNECT_LIMIT, READ_LIMIT = 30, 120
"""Seconds until a server answers, and between two of its packets."""
_OK = 200


@dataclass(frozen=True)
class Downloader:
    """Opens URLs.

    Attributes:
        ca_file: PEM file with private certificate authorities, trusted besides the system's.
        environment: where the proxies are read from.
        min_speed: as in `bundler.api.images.SourceOptions`.
        window: seconds over which it is taken.
    """

    ca_file: Path | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    min_speed: int = SourceOptions.min_speed
    window: float = 60.0

    @contextmanager
    def open(self, url: str) -> Iterator[urllib3.BaseHTTPResponse]:
        """The bytes behind `url`, as a stream; redirects are followed.

        Raises:
            FetchError: they cannot be had, or break off while they are read.
        """
        import urllib3  # noqa: PLC0415 only builds that download need it

        from bundler.net.pace import slowness  # noqa: PLC0415 likewise

        try:
            response = self._manager(url).request("GET", url, preload_content=False, decode_content=False)
            try:
                if response.status != _OK:
                    raise FetchError(f"{url}: HTTP {response.status}", hint="check the URL")
                yield response
            finally:
                response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            slow = slowness(error)
            if slow is not None:
                raise FetchError(
                    f"{url}: the server is too slow: {slow}",
                    hint="build again, or let it be as slow as it is: --min-speed 0",
                ) from error
            raise FetchError(
                f"{url}: {error}", hint="check the URL and the proxy, then build again"
            ) from error

    def _manager(self, url: str) -> urllib3.PoolManager:
        import urllib3  # noqa: PLC0415 likewise

        from bundler.net.pace import Pace, keep_pace  # noqa: PLC0415 likewise

        timeout = urllib3.Timeout(connect=CONNECT_LIMIT, read=READ_LIMIT)
        context = trusting_context(self.ca_file)
        proxy = Proxies.from_environment(self.environment).choose(url)
        manager = (
            urllib3.PoolManager(timeout=timeout, ssl_context=context)
            if proxy is None
            else urllib3.ProxyManager(
                server(proxy), proxy_headers=proxy_headers(proxy), timeout=timeout, ssl_context=context
            )
        )
        keep_pace(manager, Pace(self.min_speed, self.window))
        return manager
