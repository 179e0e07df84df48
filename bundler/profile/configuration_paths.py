"""Where configuration is, as texts: every command asks, and `pathlib` would cost each of them 10 ms."""

from __future__ import annotations

import os
from typing import Final

PROJECT_FILE: Final = "pyproject.toml"
VARIABLE: Final = "BUNDLE_CONFIG"
"""Names the user's file; empty for none."""


def user_directory() -> str:
    """Return the user's folder. A relative XDG_CONFIG_HOME is ignored, as specified."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    return os.path.join(home if os.path.isabs(home) else os.path.expanduser("~/.config"), "bundle")


def user_configuration() -> str | None:
    """Return the user's configuration: `$BUNDLE_CONFIG`, else `$XDG_CONFIG_HOME/bundle/config.toml`."""
    named = os.environ.get(VARIABLE)
    if named is None:
        return os.path.join(user_directory(), "config.toml")
    return named or None
