"""Names of images in the site's registry, as `sh install push` gives them."""

from __future__ import annotations

import re
from typing import Final

_HUB: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


def pushed_name(tag: str) -> str:
    """Return what follows the registry and its prefix: first the source registry, unless it is docker.io."""
    head, slash, rest = tag.partition("/")
    is_host = bool(slash) and (bool(re.search("[.:]", head)) or head == "localhost" or head != head.lower())
    host, path = (head.lower(), rest) if is_host else ("", tag)
    if host in _HUB or not host:
        return path if "/" in path else f"library/{path}"
    return f"{re.sub(r'[^a-z0-9.-]+', '-', host).strip('.-')}/{path}"
