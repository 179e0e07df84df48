"""Settings of the network: what listens, and which addresses can be accessed."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bundler.errors import HintedValueError
from bundler.language import tr
from bundler.profile.base import ProfileModel

NETWORKS = 6
"""Number of networks of the services."""
_DOMAIN = re.compile(
    r"\.?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)


def _check_domain(value: str) -> str:
    if _DOMAIN.fullmatch(value) is None:
        raise HintedValueError(
            tr("{value!r} is not a domain name", value=value),
            hint=tr("a full host name (llm.bank.example), or .bank.example for all below it"),
        )
    return value


def _check_cidr(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise HintedValueError(
            tr("{value!r} is not an address range", value=value),
            hint=tr("write 10.20.0.0/16, or 10.20.3.4/32 for a single address"),
        ) from error


Domain = Annotated[str, AfterValidator(_check_domain)]
"""A host name that contains a dot; a leading dot includes all subdomains."""
Cidr = Annotated[str, AfterValidator(_check_cidr)]
"""An address range without host bits."""
PortNumber = Annotated[int, Field(ge=1, le=65535)]
Rate = Annotated[int, Field(ge=1, le=100_000)]


class Tls(ProfileModel):
    """How browsers connect to the gateway."""

    mode: Literal["off", "own", "upstream"] = "own"
    """`own`: the gateway has a certificate, supplied or generated at the site, and redirects HTTP to HTTPS.
    `upstream`: a load balancer in front of it terminates TLS. `off`: plain HTTP, for trials."""
    hsts: bool = True
    """Whether to send HSTS, so that browsers use only HTTPS (for a year)."""
    trusted_proxies: tuple[Cidr, ...] = ()
    """Addresses of the load balancer in front; only requests from there can set the client's address."""

    @model_validator(mode="after")
    def _check_proxies(self) -> Self:
        if self.mode == "upstream" and not self.trusted_proxies:
            raise HintedValueError(
                tr("is missing: without it every client appears to be the load balancer"),
                hint=tr("list the load balancer's addresses, for example [10.0.0.5/32]"),
                at=("trusted_proxies",),
            )
        return self


class RateLimits(ProfileModel):
    """Limits for each client address; further requests are answered with 429."""

    enabled: bool = True
    """Whether rate limits are enabled."""
    sign_in_per_minute: Rate = 20
    """Attempts to sign in, to set up and to reset a password, per minute."""
    api_per_second: Rate = 50
    """Requests to the API, per second."""
    api_burst: Rate = 200
    """Requests to the API that are accepted at once before that rate is enforced."""
    connections: Rate = 200
    """Connections at the same time; each stream uses one."""


class Gateway(ProfileModel):
    """Requests that the gateway allows, and headers of its answers."""

    rate_limits: RateLimits = RateLimits()
    """Limits for each client."""
    allow_embedding: bool = False
    """Whether other websites can embed published applications in a frame."""
    strict_host: bool = False
    """Whether to drop requests for names other than the server's."""


class Network(ProfileModel):
    """Addresses of the containers."""

    pool: Cidr | None = None
    """IPv4 range (/21 or larger) for all networks, if Docker's own choice would conflict with the site's. The
    proxies never allow access to it."""

    @model_validator(mode="after")
    def _check_pool(self) -> Self:
        if self.pool is not None:
            network = ipaddress.ip_network(self.pool)
            if network.version != 4 or network.prefixlen > 21:  # noqa: PLR2004 see the docstring
                raise HintedValueError(
                    tr("{pool} is not an IPv4 range of at least 2048 addresses", pool=self.pool),
                    hint=tr("write for example 172.30.240.0/20"),
                    at=("pool",),
                )
        return self

    def subnets(self) -> list[str]:
        """Return a /24 for each network; empty if Docker selects them."""
        if self.pool is None:
            return []
        parts = ipaddress.ip_network(self.pool).subnets(new_prefix=24)
        return [str(part) for part, _ in zip(parts, range(NETWORKS), strict=False)]


class Ssrf(ProfileModel):
    """Addresses that workflows, tools and agents can access through the proxies, and no others."""

    domains: tuple[Domain, ...] = ()
    """Intranet hosts: llm.bank.example, or .bank.example with all its subdomains."""
    cidrs: tuple[Cidr, ...] = ()
    """Intranet address ranges."""
    connect_ports: tuple[PortNumber, ...] = ()
    """Ports of HTTPS servers in addition to 443."""
    allow_public: bool = False
    """Whether to allow addresses outside private ranges; without internet access, attempts only take time."""

    @model_validator(mode="after")
    def _check_wide(self) -> Self:
        for index, cidr in enumerate(self.cidrs):
            if ipaddress.ip_network(cidr).prefixlen == 0:
                raise HintedValueError(
                    tr("{cidr} includes every address, also those of the databases", cidr=cidr),
                    hint=tr("list the ranges of the models and tools"),
                    at=("cidrs", index),
                )
        return self
