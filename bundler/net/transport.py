"""HTTP: pooled connections, proxies, TLS, redirects. Independent of registries.

One `Transport` serves all servers of one kind. Redirects are followed here and not by urllib3, because each
one is a decision: which server receives the credentials, and which server may be contacted without TLS.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3 import exceptions

from bundler import __version__
from bundler.api.images import SourceOptions
from bundler.errors import FetchError
from bundler.language import tr
from bundler.net.errors import broken, explain
from bundler.net.pace import Pace, SlowError, keep_pace
from bundler.net.proxies import DEFAULT_PORTS, Proxies, is_loopback, netloc, proxy_headers, server
from bundler.net.retry import parse_retry_after
from bundler.net.tls import Certificates

MAX_REDIRECTS: Final = 5
OK: Final = 200
PARTIAL: Final = 206
UNSATISFIABLE: Final = 416
TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses after which another attempt may succeed."""
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
CONNECT_TIMEOUT: Final = 15.0
READ_TIMEOUT: Final = 60.0
"""Seconds without data after which a connection is closed."""
CONNECTIONS_PER_HOST: Final = 16
CHUNK: Final = 64 * 1024
ERROR_BODY: Final = 64 * 1024
"""Bytes of an unwanted body that are read to keep its connection; a longer body closes the connection."""
HEADERS: Final = {
    "User-Agent": f"bundle/{__version__}",
    "Accept-Encoding": "identity",  # digests are over the stored bytes, without HTTP compression
}


class _HideQueries(logging.Filter):
    """Prevents urllib3 from logging query strings: those of blob storage contain signatures."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                re.sub(r"\?\S*", "?...", arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True


_hide_queries = _HideQueries()


@dataclass(frozen=True)
class Answer:
    """A response whose body has not been read yet.

    Attributes:
        response: not decoded, not preloaded.
        url: final URL after redirects.
        foreign: whether a redirect led to another server, which received no credentials.
        pace: limits the time for a document.
    """

    response: urllib3.BaseHTTPResponse
    url: str
    foreign: bool

    pace: Pace

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return self.response.status

    @property
    def passing(self) -> bool:
        """Whether another attempt may get another response.

        A signed URL of blob storage expires (401, 403); the server that redirected to it can create a new
        one.
        """
        return self.status in TRANSIENT or (self.foreign and self.status in {401, 403})

    @property
    def retry_after(self) -> float | None:
        """Return the seconds to wait as requested by the server, or None."""
        return parse_retry_after(self.response.headers.get("Retry-After"), self.response.headers.get("Date"))

    def document(self, limit: int) -> bytes:
        """Return the whole body, decompressed (RFC 9110, 8.4).

        A body of more than `limit` bytes may be truncated, but the result then has more than `limit` bytes.

        Raises:
            TransientError: the connection broke, or the body takes too long.
            FetchError: the body has a compression that was not requested.
        """
        where = server(self.url)
        try:
            return _read_document(self.response, limit, self.pace.document if self.pace.rate else None)
        except (exceptions.HTTPError, OSError) as error:
            raise broken(error, where) from error
        except (ValueError, zlib.error) as error:
            raise FetchError(f"{where}: {error}", hint=tr("a proxy in between may be faulty")) from error
        finally:
            self.response.close()

    def text(self) -> bytes:
        """Return the body of an error response, if it is short."""
        try:
            return self.document(ERROR_BODY)
        except FetchError:
            return b""  # the status is enough

    def discard(self) -> None:
        """Read an unwanted body of known length, so that the connection can be reused."""
        if self.response.headers.keys() & {"content-length", "transfer-encoding"}:
            self.text()
        self.response.close()


def _read_document(response: urllib3.BaseHTTPResponse, limit: int, seconds: float | None) -> bytes:
    decompressor = (
        zlib.decompressobj(wbits=31) if _is_compressed(response.headers.get("Content-Encoding")) else None
    )
    began = time.monotonic()
    data = bytearray()
    while len(data) <= limit and (chunk := response.read1(CHUNK, decode_content=False)):
        data += chunk if decompressor is None else decompressor.decompress(chunk, limit + 1 - len(data))
        if seconds is not None and time.monotonic() - began > seconds:
            raise SlowError(tr("a document took longer than {seconds:.0f} s", seconds=seconds))
    if decompressor is not None and not decompressor.eof and len(data) <= limit:
        raise ValueError(tr("a compressed document is truncated"))
    return bytes(data)


def _is_compressed(encoding: str | None) -> bool:
    name = (encoding or "").strip().lower()
    if name in {"", "identity"}:
        return False
    if name in {"gzip", "x-gzip"}:  # not requested, but Docker and skopeo accept it
        return True
    raise ValueError(
        tr("a document with the Content-Encoding {name!r}, which was not requested", name=name[:40])
    )


class Transport:
    """Sends requests. Thread-safe."""

    def __init__(
        self,
        certificates: Certificates,
        *,
        insecure: frozenset[str] = frozenset(),
        anywhere: bool = False,
        environment: Mapping[str, str] | None = None,
        read_timeout: float = READ_TIMEOUT,
        pace: Pace | None = None,
    ) -> None:
        """Store the settings; connections are made on first use.

        Args:
            certificates: trusted certificates.
            insecure: `host[:port]` of servers that may be contacted over plain HTTP.
            anywhere: allow plain HTTP for all servers, and redirects between any of them. For files, whose
                digests come from elsewhere and which are requested without credentials.
            environment: environment variables for the proxies; by default, this process's.
            read_timeout: seconds without data after which a connection is closed.
            pace: minimum rate of a server.
        """
        self._anywhere = anywhere
        self._pace = pace or Pace(SourceOptions.min_speed)
        self._certificates = certificates
        self._insecure = frozenset(host.lower() for host in insecure)
        self._proxies = Proxies.from_environment(os.environ if environment is None else environment)
        self._timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=read_timeout)
        self._lock = threading.Lock()
        self._managers: dict[tuple[str | None, int], urllib3.PoolManager] = {}
        logging.getLogger("urllib3.connectionpool").addFilter(_hide_queries)

    def plain_allowed(self, host: str) -> bool:
        """Whether `host[:port]` may be contacted over plain HTTP."""
        return is_loopback(_name(host)) or host.lower() in self._insecure

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request, follow redirects, and return the response with any status.

        Args:
            method: GET, HEAD or POST; a POST is not redirected.
            url: without credentials.
            headers: `Authorization` is sent only to the server of `url`.
            form: sent as a URL-encoded body.

        Raises:
            TransientError: no connection, or the connection broke.
            TlsError: no secure connection.
            FetchError: a redirect is not allowed.
        """
        sent = {**HEADERS, **headers}
        foreign = False
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(method, url, sent, form)
            if response.status not in REDIRECTS or method == "POST":
                return Answer(response, url, foreign, self._pace)
            location = response.headers.get("Location")
            Answer(response, url, foreign, self._pace).discard()
            target = self._redirected(url, location)
            if _origin(target) != _origin(url):
                foreign = True
                sent.pop("Authorization", None)
            url = target
        raise FetchError(
            tr("{url}: more than {max_redirects} redirects", url=server(url), max_redirects=MAX_REDIRECTS)
        )

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    # ------------------------------------------------------------ inside

    def _redirected(self, url: str, location: str | None) -> str:
        if not location:
            raise FetchError(tr("{url}: a redirect without a Location header", url=server(url)))
        try:
            target = urljoin(url, location)
            parts = urlsplit(target)
            host = netloc(parts)
        except ValueError as error:
            raise FetchError(tr("{url}: a redirect to an invalid address", url=server(url))) from error
        where = tr("{url}: redirects to {scheme}://{host}", url=server(url), scheme=parts.scheme, host=host)
        if parts.scheme not in DEFAULT_PORTS or not host or "@" in parts.netloc:
            raise FetchError(tr("{where}, which is not followed", where=where))
        if self._anywhere:
            return target
        if is_loopback(parts.hostname or "") and not self._may_lead_here(url, host):
            raise FetchError(tr("{where}, which is this machine, and is not followed", where=where))
        if parts.scheme == "http":
            if url.startswith("https:"):
                raise FetchError(
                    tr("{where}, from https to plain http, which is not followed", where=where),
                    hint=tr("ask the operator of the registry for blob storage with a certificate"),
                )
            if not self.plain_allowed(host):
                raise FetchError(
                    tr("{where}, for which plain HTTP is not allowed", where=where),
                    hint=tr("if you trust the network in between: --insecure-registry {host}", host=host),
                )
        return target

    def _may_lead_here(self, url: str, host: str) -> bool:
        """Whether the server of `url` may redirect to `host`, which is on this machine."""
        return is_loopback(urlsplit(url).hostname or "") or host in self._insecure

    def plain_answers(self, asked: str, host: str) -> bool:
        """Whether the server `asked`, `host[:port]`, may direct credentials to `host` over plain HTTP."""
        if host in self._insecure:
            return True
        return is_loopback(_name(host)) and is_loopback(_name(asked))

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> urllib3.BaseHTTPResponse:
        proxy = self._proxies.choose(url)
        through = tr(" (through the proxy {proxy})", proxy=server(proxy)) if proxy else ""
        try:
            manager = self._manager(url, proxy)
            if form is not None:
                return manager.request(
                    method,
                    url,
                    fields=form,
                    encode_multipart=False,
                    headers=headers,
                    timeout=self._timeout,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
            return manager.urlopen(
                method,
                url,
                headers=headers,
                timeout=self._timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except exceptions.HTTPError as error:
            host = netloc(urlsplit(url))
            plain = (
                tr("write http:// in the URL")
                if self._anywhere
                else tr("--insecure-registry {host}", host=host)
            )
            raise explain(error, server(url) + through, host, plain) from error

    def _manager(self, url: str, proxy: str | None) -> urllib3.PoolManager:
        context = self._certificates.context(netloc(urlsplit(url))) if url.startswith("https:") else None
        key = (proxy, id(context))
        with self._lock:
            manager = self._managers.get(key)
            if manager is None:
                manager = self._managers[key] = self._new_manager(proxy, context)
                keep_pace(manager, self._pace)
        return manager

    def _new_manager(self, proxy: str | None, context: ssl.SSLContext | None) -> urllib3.PoolManager:
        if proxy is None:
            return urllib3.PoolManager(num_pools=64, maxsize=CONNECTIONS_PER_HOST, ssl_context=context)
        parts = urlsplit(proxy)
        secure = self._certificates.context(netloc(parts)) if parts.scheme == "https" else None
        return urllib3.ProxyManager(
            server(proxy),
            num_pools=64,
            maxsize=CONNECTIONS_PER_HOST,
            proxy_headers=proxy_headers(proxy),
            ssl_context=context,
            proxy_ssl_context=secure,
        )


def _name(host: str) -> str:
    """Return the name or address in `host[:port]`."""
    return urlsplit(f"//{host}").hostname or ""


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
