"""Selects the proxy for a URL from environment variables.

`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or lower case, are interpreted as in Docker:
`NO_PROXY` may contain `*`, host names (including their subdomains), `.suffix`, addresses and networks
(`10.0.0.0/8`), each with or without a port. Loopback addresses are never reached through a proxy.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

from bundler.errors import FetchError
from bundler.language import tr

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Whether `host` (without port or brackets) is this machine: 127.0.0.0/8, ::1 or localhost."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def server(url: str) -> str:
    """Return `scheme://host[:port]` of a URL, which is safe to show."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{netloc(parts)}"


def netloc(parts: SplitResult) -> str:
    """Return `host[:port]` without credentials; an IPv6 address keeps its brackets."""
    return parts.netloc.rpartition("@")[2].lower()


def proxy_headers(proxy: str) -> Mapping[str, str] | None:
    """Return the headers for a proxy: the credentials in its URL, or None.

    Args:
        proxy: `http[s]://[user:password@]host[:port]`.

    Raises:
        FetchError: the URL has another form.
    """
    import urllib3  # noqa: PLC0415 only needed for fetching

    parts = urlsplit(proxy)
    if parts.scheme not in DEFAULT_PORTS:
        raise FetchError(
            tr("the proxy {proxy} is not supported", proxy=server(proxy)),
            hint=tr("set HTTPS_PROXY to an HTTP proxy: http://host:port"),
        )
    if parts.username is None:
        return None
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return urllib3.make_headers(proxy_basic_auth=login)


@dataclass(frozen=True)
class Proxies:
    """The proxy settings of one environment."""

    http: str | None = None
    https: str | None = None
    exceptions: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables; lower case takes precedence, as in curl."""

        def value(name: str) -> str:
            return (environment.get(name) or environment.get(name.upper()) or "").strip()

        fallback = value("all_proxy")
        exceptions = value("no_proxy").replace(",", " ").split()
        return cls(
            _with_scheme(value("http_proxy") or fallback),
            _with_scheme(value("https_proxy") or fallback),
            tuple(exceptions),
        )

    def choose(self, url: str) -> str | None:
        """Return the proxy for `url`, or None for a direct connection."""
        parts = urlsplit(url)
        proxy = self.https if parts.scheme == "https" else self.http
        if proxy is None or is_loopback(parts.hostname or "") or self._excepted(parts):
            return None
        return proxy

    def _excepted(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        return any(_matches(rule, host, port) for rule in self.exceptions)


def _with_scheme(proxy: str) -> str | None:
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _matches(rule: str, host: str, port: int) -> bool:
    rule = rule.lower()
    if rule == "*":
        return True
    address = _address(host)
    if "/" in rule:
        try:
            return address is not None and address in ipaddress.ip_network(rule, strict=False)
        except ValueError:
            return False
    name, wanted = _split_port(rule)
    if wanted is not None and wanted != port:
        return False
    if address is not None:
        return _address(name) == address
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith("." + name))


def _split_port(rule: str) -> tuple[str, int | None]:
    if rule.startswith("["):
        name, _, rest = rule[1:].partition("]")
        port = rest.removeprefix(":")
    elif rule.count(":") == 1:
        name, _, port = rule.partition(":")
    else:
        name, port = rule, ""
    return name, int(port) if port.isdecimal() else None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
