"""SHA256SUMS: lists every file of a bundle, in the format that `sha256sum -c` reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bundler.bundle.names import PathError, PathSet, show_path
from bundler.bundle.tar import Member
from bundler.errors import VerificationError
from bundler.language import tr

SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"
PUBLIC_KEY = "SHA256SUMS.pub"
UNLISTED = frozenset({SUMS, SIGNATURE, PUBLIC_KEY})
"""Files that the checksums cannot list."""
_DIGEST: Final = re.compile("[0-9a-f]{64}")


def format_sums(members: Sequence[Member]) -> bytes:
    """Return the content of SHA256SUMS, sorted by path in byte order."""
    ordered = sorted(members, key=lambda member: member.path.encode())
    return "".join(f"{member.sha256}  {member.path}\n" for member in ordered).encode()


def parse_sums(sums: bytes) -> dict[str, str]:
    """Parse SHA256SUMS into a mapping of path to hex digest.

    Raises:
        VerificationError: a line is malformed or out of order, or has a path that is not allowed in a bundle.
    """
    listed: dict[str, str] = {}
    paths = PathSet()
    last = b""
    try:
        lines = sums.decode().split("\n")
    except UnicodeDecodeError as error:
        raise VerificationError(tr("{sums} is not UTF-8", sums=SUMS)) from error
    if lines.pop() != "":
        raise VerificationError(tr("{sums}: its last line is incomplete", sums=SUMS))
    for number, line in enumerate(lines, 1):
        digest, gap, path = line[:64], line[64:66], line[66:]
        if gap != "  " or not _DIGEST.fullmatch(digest) or path in UNLISTED:
            raise VerificationError(tr("{sums}:{number}: not a checksum line", sums=SUMS, number=number))
        try:
            paths.add(path)
        except PathError as error:
            raise VerificationError(f"{SUMS}:{number}: {show_path(path)}: {error}") from error
        if path.encode() < last:
            raise VerificationError(
                tr(
                    "{sums}:{number}: {path}: not sorted by path, in byte order",
                    sums=SUMS,
                    number=number,
                    path=path,
                )
            )
        last = path.encode()
        listed[path] = digest
    return listed
