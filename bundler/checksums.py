"""SHA256SUMS: the text that lists every file of a bundle, as `sha256sum -c` reads it."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.archive import Member
from bundler.errors import VerificationError

SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"
PUBLIC_KEY = "SHA256SUMS.pub"
UNLISTED = frozenset({SUMS, SIGNATURE, PUBLIC_KEY})
"""The files that the checksums cannot list."""


def format_sums(members: Sequence[Member]) -> bytes:
    """The text of SHA256SUMS, sorted by path in byte order."""
    ordered = sorted(members, key=lambda member: member.path.encode())
    return "".join(f"{member.sha256}  {member.path}\n" for member in ordered).encode()


def parse_sums(sums: bytes) -> dict[str, str]:
    """SHA256SUMS -> path: hex digest.

    Raises:
        VerificationError: a line has another form, or a path stands there twice.
    """
    listed: dict[str, str] = {}
    try:
        lines = sums.decode().split("\n")
    except UnicodeDecodeError as error:
        raise VerificationError(f"{SUMS} is not UTF-8") from error
    if lines.pop() != "":
        raise VerificationError(f"{SUMS}: its last line is cut off")
    for number, line in enumerate(lines, 1):
        digest, gap, path = line[:64], line[64:66], line[66:]
        if gap != "  " or len(digest) != 64 or not path or path in listed:  # noqa: PLR2004 hex SHA-256
            raise VerificationError(f"{SUMS}:{number}: not a checksum line")
        listed[path] = digest
    return listed
