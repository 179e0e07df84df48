"""Reads bundles back: `bundle verify` checks every byte, `bundle inspect` reads only the head."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bundler.archive import WHICH, ArchiveReader, Entry
from bundler.checksums import PUBLIC_KEY, SIGNATURE, SUMS, UNLISTED, parse_sums
from bundler.crew import CORES, Crew
from bundler.errors import UsageError, VerificationError
from bundler.keys import PublicKey
from bundler.manifest import BundleManifest
from bundler.receive import read_at
from bundler.signers import Trust, check_signatures, is_statement
from bundler.signing import Signer
from bundler.statements import LIMIT

SMALL = 16 << 20
"""Bytes that a head file may have at most: it is held in memory."""


@dataclass(frozen=True)
class Verified:
    """What was found to be true of a bundle."""

    manifest: BundleManifest
    files: int
    """Those that the checksums list, as the site counts them."""
    size: int
    """Bytes of the file."""
    signers: tuple[PublicKey, ...]
    """The trusted keys that it is signed by; none: not checked, and allowed so."""


def verify(
    path: Path,
    signer: Signer,
    trust: Trust | None,
    *,
    allow_unsigned: bool,
    advance: Callable[[int], None],
) -> Verified:
    """Check signature and structure, then every byte, once, on all cores.

    Args:
        path: the bundle's file.
        signer: checks a signature.
        trust: the public keys that are trusted; those inside the bundle never are.
        allow_unsigned: whether a bundle without a signature may pass.
        advance: told of the bytes hashed, from any thread.

    Raises:
        VerificationError: anything is not as it was signed.
    """
    if trust is None and not allow_unsigned:
        raise UsageError(
            "no public key to verify with",
            hint="give --key bundle.pub, the file that came from the bundle's maker by another way",
        )
    if not path.is_file():
        raise UsageError(f"{path}: not a file that can be read in several places at once", hint=WHICH)
    heads: dict[str, bytes] = {}
    with path.open("rb") as file, Crew(CORES, "hash") as crew:
        hashing = _Hashing(file.fileno(), crew, advance)
        for entry, body in ArchiveReader(file, lambda size: file.seek(size, os.SEEK_CUR)):
            _check_mode(entry)
            hashing.begin(entry)
            if is_statement(entry.path) and entry.size > LIMIT:
                raise VerificationError(f"{entry.path}: too large for a statement about keys")
            if entry.path in UNLISTED or entry.path == "bundle.json" or is_statement(entry.path):
                heads[entry.path] = b"".join(body)
            if entry.path == "bundle.json":  # the head is complete: fail before the gigabytes
                check_signatures(heads, signer, trust, allow_unsigned=allow_unsigned)
        crew.wait()
    sums = heads.get(SUMS)
    if sums is None or "bundle.json" not in heads:
        raise VerificationError(f"{path}: not a bundle: no {SUMS} or no bundle.json in it")
    signers = check_signatures(heads, signer, trust, allow_unsigned=allow_unsigned)
    listed = parse_sums(sums)
    _compare(listed, hashing.found)
    manifest = BundleManifest.from_bytes(heads["bundle.json"])
    return Verified(manifest, len(listed), path.stat().st_size, signers)


class _Hashing:
    """Members of an archive, each hashed by whoever is free.

    Attributes:
        found: hex digits by path; all of them once the crew is done.
    """

    def __init__(self, file: int, crew: Crew, advance: Callable[[int], None]) -> None:
        self.found: dict[str, str] = {}
        self._file = file
        self._crew = crew
        self._advance = advance

    def begin(self, entry: Entry) -> None:
        """Have the bytes of `entry` hashed, soon."""
        self._crew.submit(partial(self._hash, entry))

    def _hash(self, entry: Entry) -> None:
        digest = hashlib.sha256()
        for chunk in read_at(self._file, entry.offset, entry.size):  # where it ends early, its reader says so
            self._crew.check()
            digest.update(chunk)
            self._advance(len(chunk))
        self.found[entry.path] = digest.hexdigest()


def _check_mode(entry: Entry) -> None:
    if (entry.path == "install") != (entry.mode == 0o755) and not entry.path.startswith(  # noqa: PLR2004 rwxr-xr-x
        ("config/", "files/")
    ):
        raise VerificationError(f"{entry.path}: has the mode {entry.mode:o}")


def _compare(listed: dict[str, str], found: dict[str, str]) -> None:
    there = {path: digest for path, digest in found.items() if path not in UNLISTED}
    problems = [
        *(f"{path}: changed" for path in listed if path in there and there[path] != listed[path]),
        *(f"{path}: missing" for path in listed if path not in there),
        *(f"{path}: not listed" for path in there if path not in listed),
    ]
    if problems:
        shown = problems[:10] + ([f"and {len(problems) - 10} more"] if len(problems) > 10 else [])  # noqa: PLR2004 a screenful
        raise VerificationError(
            "the bundle is not what was signed:\n  " + "\n  ".join(shown),
            hint="copy the file again and compare it with its .sha256",
        )


@dataclass(frozen=True)
class Inspected:
    """What the head of a bundle says of itself. Nothing of it is verified."""

    manifest: BundleManifest
    signed: bool
    public_keys: bytes | None
    """PEM, one block a signer."""
    files: int
    top: str


def inspect(path: Path) -> Inspected:
    """Read the head of a bundle, some kilobytes whatever its size.

    Raises:
        VerificationError: it is not a bundle.
    """
    with path.open("rb") as file:
        reader = ArchiveReader(file)
        heads = dict(_heads(reader))
        top = reader.top or ""
    if "bundle.json" not in heads or SUMS not in heads:
        raise VerificationError(f"{path}: not a bundle: its head has no {SUMS} or bundle.json")
    manifest = BundleManifest.from_bytes(heads["bundle.json"])
    files = len(parse_sums(heads[SUMS]))
    return Inspected(manifest, SIGNATURE in heads, heads.get(PUBLIC_KEY), files, top)


def _heads(reader: ArchiveReader) -> Iterator[tuple[str, bytes]]:
    for entry, body in reader:
        if entry.size > SMALL:
            raise VerificationError(f"{entry.path}: too large for the head of a bundle")
        yield entry.path, b"".join(body)
        if entry.path == "bundle.json":
            return
