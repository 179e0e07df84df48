"""Keys whose values are settled at the build, because the bundle depends on them."""

from __future__ import annotations

from typing import Final

from bundler_compose.reading.tree import Path, Patterns

BOUND: Final = {
    "name": "names the bundle, and the containers of the site",
    "include": "says which files are read",
    "services.*.extends": "says which files are read",
    "services.*.image": "the bundle carries this image",
    "services.*.platform": "the bundle carries the image for this platform",
    "services.*.pull_policy": "nothing is pulled at the site",
    "services.*.build": "nothing is built at the site",
    "services.*.develop": "nothing is developed at the site",
    "services.*.profiles": "says which services the bundle carries",
    "services.*.provider": "says what else the service needs",
    "services.*.models": "says what else the service needs",
    "services.*.env_file": "says which files are read",
    "services.*.label_file": "says which files are read",
    "services.*.depends_on": "says for what the installer waits",
    "services.*.volumes": "says which files the bundle carries, and where data lie",
    "services.*.volumes_from": "says which volumes are mounted",
    "services.*.network_mode": "says which networks the services share",
    "services.*.links": "names other services",
    "services.*.configs": "says which files are mounted",
    "services.*.secrets": "says which files are mounted",
    "services.*.healthcheck.disable": "says for what the installer waits",
    "services.*.x-bundle-expect": "says for what the installer waits",
    "services.*.pre_start.*.image": "the bundle carries this image",
    "services.*.pre_start.*.volumes": "says which files the bundle carries, and where data lie",
    "services.*.pre_start.*.env_file": "says which files are read",
    "configs.*.file": "the bundle carries this file",
    "configs.*.external": "says what the site must have",
    "configs.*.environment": "names a variable",
    "secrets.*.file": "the bundle carries this file",
    "secrets.*.external": "says what the site must have",
    "secrets.*.environment": "names a variable",
    "networks.*.external": "says what the site must have",
    "volumes.*.external": "says what the site must have",
    "volumes.*.driver": "says where data lie",
    "volumes.*.driver_opts": "says where data lie",
    "models": "says what else the services need",
}
"""Patterns of paths whose values, and all below them, are settled at the build, with the reason."""
_PATTERNS: Final = Patterns(BOUND)


def bound_reason(path: Path) -> str | None:
    """Return why the value at `path` is settled at the build; None if the site may set it."""
    reason: str | None = _PATTERNS.find_above(path)
    return reason
