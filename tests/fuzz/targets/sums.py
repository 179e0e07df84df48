"""SHA256SUMS texts: only texts that the builder would write are accepted."""

from __future__ import annotations

from pathlib import Path

from bundler.bundle.checksums import format_sums, parse_sums
from bundler.bundle.content import InMemory
from bundler.bundle.tar import Member
from tests.fuzz.mutations import NAMES, Random, damage_lines

PATHS = (
    "bundle.env",
    "bundle.json",
    "config/compose.yaml",
    "config/\u914d\u7f6e",
    "images/blobs/sha256/00",
    "install",
)


def make(random: Random) -> bytes:
    """Damage a text, or list damaged paths."""
    more = [random.choice(("", "config/")) + random.choice(NAMES) for _ in range(random.randrange(3))]
    paths = [*PATHS, *more]
    members = [Member(path, 0, f"{random.getrandbits(256):064x}", InMemory(b"")) for path in paths]
    lines = [f"{member.sha256}  {member.path}\n" for member in members]
    raw = "".join(sorted(lines, key=lambda line: line[66:])).encode("utf-8", "surrogatepass")
    return raw if random.randrange(4) == 0 else damage_lines(random, raw)


def check(data: bytes, folder: Path) -> bool:
    """Parse the text; raise AssertionError if it is accepted in another form."""
    listed = parse_sums(data)
    if format_sums([Member(path, 0, digest, InMemory(b"")) for path, digest in listed.items()]) != data:
        raise AssertionError("taken, and not in the form that is written")
    return True
