"""Reads bundles: `bundle verify` checks every byte, `bundle inspect` reads only the head."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from bundler.api.signing import Signer
from bundler.bundle.checksums import PUBLIC_KEY, SIGNATURE, SUMS, UNLISTED, parse_sums
from bundler.bundle.format import Format
from bundler.bundle.manifest import MANIFEST, MANIFEST_LIMIT, BundleManifest
from bundler.bundle.tar import COPY, WHICH, ArchiveReader, Entry
from bundler.errors import UsageError, VerificationError
from bundler.io.files import read_at
from bundler.io.workers import CORES, Crew
from bundler.language import tr
from bundler.trust.keys import PublicKey
from bundler.trust.signers import Trust, check_signatures, is_statement
from bundler.trust.statements import LIMIT

_MODE: Final = re.compile("0[0-7]{3}")
LIMITS: Final = {
    SUMS: 8 << 20,
    SIGNATURE: 64 << 10,
    PUBLIC_KEY: 64 << 10,
    MANIFEST: MANIFEST_LIMIT,
}
"""Size limits in bytes of the files that are held in memory, by path."""
TABLE_LIMIT: Final = 8 << 20
"""Largest table of file modes in bytes."""
MOST_STATEMENTS: Final = 256
"""Most rotations and revocations in a bundle, because they are held in memory too."""


@dataclass(frozen=True)
class Verified:
    """The result of verifying a bundle."""

    manifest: BundleManifest
    files: int
    """Number of files that the checksums list, as the site counts them."""
    size: int
    """Bytes of the bundle's file."""
    signers: tuple[PublicKey, ...]
    """Trusted keys that signed it; empty if signatures were not checked, which the caller allowed."""
    kept: Mapping[str, bytes] = field(default_factory=dict)
    """Content of the files that the caller asked for, by path: those that the bundle has."""


def verify(
    path: Path,
    signer: Signer,
    trust: Trust | None,
    *,
    allow_unsigned: bool,
    advance: Callable[[int], None],
    form: Format,
    keep: Mapping[str, int] | None = None,
) -> Verified:
    """Check signature and structure, then every byte, once, on all cores.

    Args:
        path: the bundle's file.
        signer: checks a signature.
        trust: trusted public keys; those inside the bundle are never trusted.
        allow_unsigned: whether a bundle without a signature is accepted.
        advance: called with the number of bytes hashed, from any thread.
        form: combined format of the packers that may have made the bundle.
        keep: files to return, by path, with the most bytes that each may have; larger ones are passed over.

    Raises:
        VerificationError: anything differs from what was signed.
    """
    if not allow_unsigned:
        _require_key(trust)
    _require_file(path)
    head = _Head(form, keep or {})
    listed: dict[str, str] | None = None
    signers: tuple[PublicKey, ...] = ()
    modes: dict[str, int] = {}
    with path.open("rb") as file, Crew(CORES, "hash") as crew:
        hashing = _Hashing(file.fileno(), crew, advance)
        reader = _reader(file)
        for entry, body in reader:
            head.take(entry, body)
            if _is_of_site(entry.path):
                modes[entry.path] = entry.mode
            elif entry.mode != form.mode(entry.path):
                raise VerificationError(tr("{path}: wrong mode {mode:o}", path=entry.path, mode=entry.mode))
            if entry.path == MANIFEST:  # the head is complete: report errors in it before hashing gigabytes
                signers = check_signatures(head.files, signer, trust, allow_unsigned=allow_unsigned)
                listed = parse_sums(head.files[SUMS])
            if listed is not None and entry.path not in listed:
                raise _unlike([tr("{entry_path}: not listed", entry_path=entry.path)])
            hashing.begin(entry)
        crew.wait()
    head.check()
    listed = listed or {}
    _compare(listed, hashing.found, head.files)
    _compare_modes(modes, {path: head.files[path] for path in form.modes if path in head.files})
    manifest = form.read_manifest(head.files[MANIFEST])
    _compare_place(manifest, reader)
    kept = _kept(head.files, keep or {}, listed)
    return Verified(manifest, len(listed), path.stat().st_size, signers, kept)


def _compare_place(manifest: BundleManifest, reader: ArchiveReader) -> None:
    if reader.top != manifest.top or reader.mtime != manifest.created:
        raise VerificationError(
            tr(
                "bundle.json says {top}, {created}; the archive has a different folder or time",
                top=manifest.top,
                created=manifest.created,
            ),
            hint=tr(COPY),
        )


def _kept(files: Mapping[str, bytes], keep: Mapping[str, int], listed: Mapping[str, str]) -> dict[str, bytes]:
    """Return those of `keep` that the bundle has; the bytes in memory are compared, not those of the file."""
    kept = {path: files[path] for path in keep if path in files}
    changed = [path for path, data in kept.items() if hashlib.sha256(data).hexdigest() != listed[path]]
    if changed:
        raise _unlike([tr("{path}: changed", path=path) for path in changed])
    return kept


def _require_key(trust: Trust | None) -> None:
    if trust is None:
        raise UsageError(
            tr("there is no public key to verify the bundle with"),
            hint=tr(
                "use --key bundle.pub, a file that you got from the bundle's publisher over another channel"
            ),
        )


def _require_file(path: Path) -> None:
    if not path.is_file():  # opening a pipe could block for ever
        raise UsageError(
            tr("{path}: not a regular file, which parallel reading requires", path=path), hint=tr(WHICH)
        )


def _reader(file: BinaryIO) -> ArchiveReader:
    size = os.fstat(file.fileno()).st_size
    return ArchiveReader(file, lambda size: file.seek(size, os.SEEK_CUR), size)


class _Head:
    """The files that are held in memory, each within its limit: a bundle's beginning, and what is asked for.

    Attributes:
        files: content by path.
    """

    def __init__(self, form: Format, keep: Mapping[str, int]) -> None:
        self._form = form
        self._keep = keep
        self.files: dict[str, bytes] = {}
        self._last: tuple[int, int, bytes] | None = None
        self._statements = 0

    def take(self, entry: Entry, body: Iterator[bytes]) -> None:
        """Record a member, and read it if it belongs to the head.

        Raises:
            VerificationError: the member is out of order, or larger than its name allows.
        """
        try:
            place = self._form.order(entry.path)
        except ValueError as error:
            raise VerificationError(
                tr("{entry_path}: not a folder of a bundle", entry_path=entry.path), hint=tr(WHICH)
            ) from error
        if self._last is not None and place <= self._last:
            raise VerificationError(
                tr("{entry_path}: out of order in the archive", entry_path=entry.path), hint=tr(WHICH)
            )
        self._last = place
        limit = TABLE_LIMIT if entry.path in self._form.modes else LIMITS.get(entry.path)
        if is_statement(entry.path):
            limit = LIMIT
            self._statements += 1
            if self._statements > MOST_STATEMENTS:
                raise VerificationError(
                    tr(
                        "more than {most_statements} rotations and revocations",
                        most_statements=MOST_STATEMENTS,
                    ),
                    hint=tr(WHICH),
                )
        if place > self._form.order(MANIFEST):
            self.check()
        if limit is None and entry.size <= self._keep.get(entry.path, -1):
            limit = entry.size
        if limit is None:
            return
        if entry.size > limit:
            raise VerificationError(
                tr(
                    "{entry_path}: {size} bytes, over the limit of {limit}",
                    entry_path=entry.path,
                    size=entry.size,
                    limit=limit,
                ),
                hint=tr(WHICH),
            )
        self.files[entry.path] = b"".join(body)

    def check(self) -> None:
        """Raise VerificationError if the head lacks a file that every bundle has."""
        for path in (SUMS, MANIFEST):
            if path not in self.files:
                raise VerificationError(
                    tr("not a bundle: it does not start with {path}", path=path),
                    hint=tr(
                        "{which}; for one of another packer, give its plugin too (--plugins-dir)",
                        which=tr(WHICH),
                    ),
                )


class _Hashing:
    """Members of an archive, hashed by several threads.

    Attributes:
        found: hex digits by path; complete once the crew is done.
    """

    def __init__(self, file: int, crew: Crew, advance: Callable[[int], None]) -> None:
        self.found: dict[str, str] = {}
        self._file = file
        self._crew = crew
        self._advance = advance

    def begin(self, entry: Entry) -> None:
        """Queue the bytes of `entry` for hashing."""
        self._crew.submit(partial(self._hash, entry))

    def _hash(self, entry: Entry) -> None:
        digest = hashlib.sha256()
        for chunk in read_at(self._file, entry.offset, entry.size):  # the reader reports an early end
            self._crew.check()
            digest.update(chunk)
            self._advance(len(chunk))
        self.found[entry.path] = digest.hexdigest()


def _is_of_site(path: str) -> bool:
    """Whether the site takes a file's mode from the table."""
    return path.startswith(("config/", "files/"))


def _compare_modes(modes: dict[str, int], tables: dict[str, bytes]) -> None:
    """Compare the modes in the archive with the signed ones. Bundles of older builders have no table."""
    said = {path: 0o755 if mode == 0o755 else 0o644 for path, mode in modes.items()}  # noqa: PLR2004 rwxr-xr-x
    for name, table in tables.items():
        lines = [line for line in table.decode("utf-8", "replace").split("\n") if line[:1] != "#"]
        rows = [line.partition("\t") for line in lines[:-1]]
        said = {path: int(mode, 8) for path, _, mode in rows if _MODE.fullmatch(mode)}
        if len(said) != len(rows) or lines[-1] or said.keys() != modes.keys():
            raise VerificationError(
                tr("{name} does not list each file of config/ and files/ exactly once", name=name)
            )
    for path, mode in modes.items():
        if said[path] != mode:
            raise VerificationError(
                tr(
                    "{path}: has mode {mode:o}, but {said:o} was signed",
                    path=path,
                    mode=mode,
                    said=said[path],
                ),
                hint=tr(COPY),
            )


def _compare(listed: dict[str, str], found: dict[str, str], head: dict[str, bytes]) -> None:
    there = {path: digest for path, digest in found.items() if path not in UNLISTED}
    problems = [
        *(
            tr("{path}: changed", path=path)
            for path in listed
            if path in there and there[path] != listed[path]
        ),
        *(tr("{path}: missing", path=path) for path in listed if path not in there),
        *(tr("{path}: not listed", path=path) for path in there if path not in listed),
    ]
    if (SIGNATURE in head) != (PUBLIC_KEY in head):
        problems.append(
            tr(
                "{signature} and {public_key}: one exists without the other",
                signature=SIGNATURE,
                public_key=PUBLIC_KEY,
            )
        )
    if problems:
        raise _unlike(problems)


def _unlike(problems: Sequence[str]) -> VerificationError:
    shown = list(problems[:10])  # a screenful
    if problems[10:]:
        shown.append(tr("and {count} more", count=len(problems[10:])))
    return VerificationError(
        "\n  ".join([tr("the bundle differs from what was signed:"), *shown]), hint=tr(COPY)
    )


@dataclass(frozen=True)
class Inspected:
    """The content of a bundle's head, not verified."""

    manifest: BundleManifest
    signed: bool
    public_keys: bytes | None
    """PEM, one block per signer."""
    files: int
    top: str


def inspect(path: Path, form: Format) -> Inspected:
    """Read the head of a bundle: some kilobytes, regardless of its size.

    Raises:
        VerificationError: the file is not a bundle.
        UsageError: it is not a regular file.
    """
    _require_file(path)
    head = _Head(form, {})
    with path.open("rb") as file:
        reader = _reader(file)
        for entry, body in reader:
            head.take(entry, body)
            if entry.path == MANIFEST:
                break
        top = reader.top or ""
    head.check()
    manifest = form.read_manifest(head.files[MANIFEST])
    files = len(parse_sums(head.files[SUMS]))
    return Inspected(manifest, SIGNATURE in head.files, head.files.get(PUBLIC_KEY), files, top)
