"""Formats of files in which the site's values stand: how the installer quotes a value, or refuses it."""

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
"""What a name's end says. `.conf` and `.cfg` say nothing: every program has its own."""
_SHELL_SCRIPT: Final = re.compile(rb"#! *\S*/(?:env +)?(?:ba|da|k)?sh\b")


def guess_format(path: str, content: bytes) -> TemplateFormat:
    """The format of a file by its name, else by its first line.

    Args:
        path: below `config/`. `.conf` files of a folder `nginx`, and `nginx.conf`, are nginx's.
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
