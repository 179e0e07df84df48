"""Settings of everything that listens, and of everything that may be reached."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bundler.errors import HintedValueError
from bundler.profile.base import ProfileModel

NETWORKS = 6
"""How many networks the services share."""
_DOMAIN = re.compile(
    r"\.?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)


def _check_domain(value: str) -> str:
    if _DOMAIN.fullmatch(value) is None:
        raise HintedValueError(
            f"{value!r} is not a domain name",
            hint="a full host name (llm.bank.example), or .bank.example for all below it",
        )
    return value


def _check_cidr(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise HintedValueError(
            f"{value!r} is not an address range",
            hint="write 10.20.0.0/16, or 10.20.3.4/32 for a single address",
        ) from error


Domain = Annotated[str, AfterValidator(_check_domain)]
"""A host name with a dot in it; with a dot in front, all below it too."""
Cidr = Annotated[str, AfterValidator(_check_cidr)]
"""A range of addresses, without host bits."""
PortNumber = Annotated[int, Field(ge=1, le=65535)]
Rate = Annotated[int, Field(ge=1, le=100_000)]


class Tls(ProfileModel):
    """How browsers reach the gateway."""

    mode: Literal["off", "own", "upstream"] = "own"
    """`own`: the gateway has a certificate, given or made at the site, and sends HTTP to HTTPS.
    `upstream`: a load balancer in front of it speaks TLS. `off`: plain HTTP, for trials."""
    hsts: bool = True
    """Whether browsers are told never to use HTTP again (for a year)."""
    trusted_proxies: tuple[Cidr, ...] = ()
    """Addresses of the load balancer in front; only what comes from there may say who the client is."""

    @model_validator(mode="after")
    def _check_proxies(self) -> Self:
        if self.mode == "upstream" and not self.trusted_proxies:
            raise HintedValueError(
                "is missing: without it every client appears to be the load balancer",
                hint="list the load balancer's addresses, for example [10.0.0.5/32]",
                at=("trusted_proxies",),
            )
        return self


class RateLimits(ProfileModel):
    """How much one client, that is one address, may ask; more is answered with 429."""

    enabled: bool = True
    """Whether there are limits at all."""
    sign_in_per_minute: Rate = 20
    """Attempts to sign in, to set up and to have a password reset."""
    api_per_second: Rate = 50
    """Requests to the API."""
    api_burst: Rate = 200
    """Requests to the API that may come at once before that rate is enforced."""
    connections: Rate = 200
    """Connections open at the same time; each stream is one."""


class Gateway(ProfileModel):
    """What the gateway lets through, and what it says of it."""

    rate_limits: RateLimits = RateLimits()
    """How much one client may ask."""
    allow_embedding: bool = False
    """Whether other sites may show published applications in a frame."""
    strict_host: bool = False
    """Whether requests for another name than the server's are dropped."""


class Network(ProfileModel):
    """Addresses of the containers."""

    pool: Cidr | None = None
    """An IPv4 range (/21 or wider) that all networks are cut from, where Docker's own choice would collide
    with the site's. The proxies never let anything into it."""

    @model_validator(mode="after")
    def _check_pool(self) -> Self:
        if self.pool is not None:
            network = ipaddress.ip_network(self.pool)
            if network.version != 4 or network.prefixlen > 21:  # noqa: PLR2004 see the docstring
                raise HintedValueError(
                    f"{self.pool} is not an IPv4 range of at least 2048 addresses",
                    hint="write for example 172.30.240.0/20",
                    at=("pool",),
                )
        return self

    def subnets(self) -> list[str]:
        """One /24 for each network; empty where Docker chooses."""
        if self.pool is None:
            return []
        parts = ipaddress.ip_network(self.pool).subnets(new_prefix=24)
        return [str(part) for part, _ in zip(parts, range(NETWORKS), strict=False)]


class Ssrf(ProfileModel):
    """What workflows, tools and agents may reach through the proxies. Nothing else can be reached."""

    domains: tuple[Domain, ...] = ()
    """Intranet hosts: llm.bank.example, or .bank.example for all below it."""
    cidrs: tuple[Cidr, ...] = ()
    """Intranet addresses."""
    connect_ports: tuple[PortNumber, ...] = ()
    """Ports of HTTPS servers besides 443."""
    allow_public: bool = False
    """Whether addresses outside private ranges may be tried; without internet they only cost time."""

    @model_validator(mode="after")
    def _check_wide(self) -> Self:
        for index, cidr in enumerate(self.cidrs):
            if ipaddress.ip_network(cidr).prefixlen == 0:
                raise HintedValueError(
                    f"{cidr} includes every address, also those of the databases",
                    hint="list the ranges of the models and tools",
                    at=("cidrs", index),
                )
        return self
