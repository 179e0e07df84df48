"""Formats of files that contain site values; they decide how the installer quotes or rejects a value."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final, Literal

TemplateFormat = Literal[
    "text", "nginx", "yaml", "json", "toml", "shell", "properties", "env", "ini", "xml", "html"
]

SUFFIXES: Final[dict[str, TemplateFormat]] = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".toml": "toml",
    ".sh": "shell",
    ".bash": "shell",
    ".properties": "properties",
    ".env": "env",
    ".ini": "ini",
    ".xml": "xml",
    ".html": "html",
    ".htm": "html",
}
"""Format by file name suffix. `.conf` and `.cfg` are missing because each program has its own syntax."""
_SHELL_SCRIPT: Final = re.compile(rb"#! *\S*/(?:env +)?(?:ba|da|k)?sh\b")


def guess_format(path: str, content: bytes) -> TemplateFormat:
    """Guess the format of a file from its name, or else from its first line.

    Args:
        path: below `config/`. `nginx.conf`, and `.conf` files in a folder `nginx`, have the format of nginx.
        content: the file, or its beginning.
    """
    pure = PurePosixPath(path.lower())
    if pure.suffix in SUFFIXES:
        return SUFFIXES[pure.suffix]
    if pure.name == ".env" or pure.name.startswith(".env."):
        return "env"
    if pure.name == "nginx.conf" or (pure.suffix == ".conf" and "nginx" in pure.parts[:-1]):
        return "nginx"
    return "shell" if _SHELL_SCRIPT.match(content) else "text"
