"""SHA-256 digests in OCI notation: image-spec, descriptor.md, "Digests"."""

from __future__ import annotations

import hashlib
import re

from bundler.errors import FetchError
from bundler.language import tr

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def check_digest(digest: object, where: str = "") -> str:
    """Return `digest` if it is `sha256:` and 64 lower-case hex digits; `where` is for messages.

    Raises:
        FetchError: it is anything else (image-spec, descriptor.md, "Digests"). Other algorithms are refused,
            because engines load only sha256.
    """
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise FetchError(
            f"{where}: " * bool(where) + tr("not a sha256 digest: {digest!r}", digest=str(digest)[:90])
        )
    return digest


def digest_of(data: bytes) -> str:
    """Return the sha256 digest of `data`, as `sha256:<hex>`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
