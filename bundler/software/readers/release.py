"""The name and version of a distribution: os-release(5)."""

from __future__ import annotations

import re
from typing import Final

from bundler.software.readers.content import Content, lines_of

_LINE: Final = re.compile(r"""(ID|VERSION_ID)=["']?([A-Za-z0-9._+~-]{0,100})["']?\s*""")


def read_release(content: Content) -> str:
    """Return identifier and version with a TAB between them; nothing if the file has no identifier."""
    lines = map(_LINE.fullmatch, lines_of(content, strict=False))
    found = {line[1]: line[2] for line in lines if line}
    name = found.get("ID", "")
    return f"{name.lower()}\t{found.get('VERSION_ID', '')}" if name else ""
