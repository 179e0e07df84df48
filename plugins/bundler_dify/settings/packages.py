"""Settings of packages for code: package indexes of the intranet, and wheels for Code nodes."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from bundler.errors import HintedValueError
from bundler.language import tr
from bundler.profile.base import LocalPath, ProfileModel
from bundler.profile.values import Url
from bundler_dify.settings.network import Ssrf

HTTPS = 443


def _check_requirement(value: str) -> str:
    if not value or value.startswith(("-", ".", "/")) or "://" in value or not value.isprintable():
        raise HintedValueError(
            tr("{value!r} is not a package", value=value),
            hint=tr("write a name and a version, for example numpy==2.2.1"),
        )
    return value


Requirement = Annotated[str, AfterValidator(_check_requirement)]
"""A requirement in pip's syntax."""


class Mirrors(ProfileModel):
    """Package indexes of the intranet. `ssrf` must also allow their hosts."""

    pip: Url | None = None
    """Index of Python packages: for plugins (unless `plugin_index` is set), for the `requirements` of Code
    nodes and for agents."""
    npm: Url | None = None
    """Registry of npm packages, for agents. No other part of Dify uses them: plugins are Python, and the
    sandbox of Code nodes does not install npm packages."""


class CodePackages(ProfileModel):
    """Python packages for Code nodes, installed when their sandbox starts."""

    requirements: tuple[Requirement, ...] = ()
    """Packages, in pip's syntax. If only `wheels` is set, all of the wheels are installed."""
    wheels: tuple[LocalPath, ...] = ()
    """Wheel files to carry in the bundle: the packages and all their dependencies. The sandbox installs only
    from them."""
    python: Annotated[str, Field(pattern=r"^3\.[0-9]{1,2}$")] | None = None
    """Python version of the sandbox's image, for example `3.13`: upstream does not pin it. Wheels are checked
    against it."""

    @property
    def used(self) -> bool:
        """Whether there are any packages."""
        return bool(self.requirements or self.wheels)


def check_packages(packages: CodePackages, mirrors: Mirrors, ssrf: Ssrf) -> None:
    """Refuse packages that cannot be installed.

    Raises:
        HintedValueError: there is one.
    """
    if packages.wheels and packages.python is None:
        raise HintedValueError(
            tr("is missing: wheels are built for one Python version"),
            hint="docker run --rm --entrypoint /opt/python/bin/python3 langgenius/dify-sandbox:TAG --version",
            at=("code_packages", "python"),
        )
    if packages.requirements and not packages.wheels and mirrors.pip is None:
        raise HintedValueError(
            tr("no source is set for the sandbox's packages"),
            hint=tr("set `wheels`, or `mirrors: {pip: https://…}`"),
            at=("code_packages", "requirements"),
        )
    for name, url in (("pip", mirrors.pip), ("npm", mirrors.npm)):
        if url is not None:
            _check_reached(url, ssrf, name)


def _check_reached(url: str, ssrf: Ssrf, name: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not ssrf.allow_public and not _allowed(host, ssrf):
        raise HintedValueError(
            tr("the proxies do not allow the sandbox to reach {host}", host=host),
            hint=tr(
                "add it to `ssrf: domains:` or `cidrs:`, for example `ssrf: {{domains: [{host}]}}`", host=host
            ),
            at=("mirrors", name),
        )
    port = parts.port or HTTPS
    if parts.scheme == "https" and port not in {HTTPS, *ssrf.connect_ports}:
        raise HintedValueError(
            tr("the proxies allow HTTPS only on port {https}", https=HTTPS),
            hint=tr("add `ssrf: {{connect_ports: [{port}]}}`", port=port),
            at=("mirrors", name),
        )


def _allowed(host: str, ssrf: Ssrf) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        lower = host.lower()
        return any(
            lower == domain.lower().lstrip(".") or (domain.startswith(".") and lower.endswith(domain.lower()))
            for domain in ssrf.domains
        )
    return any(address in ipaddress.ip_network(cidr) for cidr in ssrf.cidrs)
