"""Adds signatures to a finished bundle: changes only the two members that no checksum covers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from bundler.api.signing import PrivateKey, Signer
from bundler.bundle.checksums import PUBLIC_KEY, SIGNATURE, SUMS, UNLISTED, parse_sums
from bundler.bundle.tar import BLOCK, RECORD, ArchiveReader, Entry, header, padded
from bundler.errors import UsageError, VerificationError
from bundler.io.files import read_at, whole_file, write_whole
from bundler.language import tr
from bundler.trust.keys import PublicKey
from bundler.trust.signatures import read_lines, sign_text
from bundler.trust.signers import carried_keys, match_signatures

_SMALL = 16 << 20
"""Largest SHA256SUMS in bytes."""


def countersign(
    path: Path, keys: Sequence[PrivateKey], signer: Signer, sidecars: Sequence[str]
) -> tuple[PublicKey, ...]:
    """Add signatures by `keys` to the bundle and return all keys that have signed it.

    Args:
        path: the bundle's file.
        keys: keys to sign with.
        signer: checks the existing signatures.
        sidecars: name suffixes of small files beside the bundle, which are signed too.

    Raises:
        VerificationError: the file is not a bundle, or an existing signature is wrong.
        UsageError: one of the keys has already signed the bundle.
    """
    new = tuple(PublicKey.read(key.public_key) for key in keys)
    with path.open("rb") as file:
        reader = ArchiveReader(file, lambda size: file.seek(size, os.SEEK_CUR))
        heads: dict[str, bytes] = {}
        entries: list[Entry] = []
        for entry, body in reader:
            entries.append(entry)
            if entry.path in {SUMS, SIGNATURE, PUBLIC_KEY} and entry.size <= _SMALL:
                heads[entry.path] = b"".join(body)
        sums, text = heads.get(SUMS), heads.get(SIGNATURE, b"")
        if sums is None or reader.top is None or reader.mtime is None:
            raise VerificationError(tr("{path}: not a bundle: it has no {sums}", path=path, sums=SUMS))
        there = carried_keys(heads) if text else ()
        match_signatures(sums, read_lines(text, SIGNATURE) if text else [], there, (), signer)
        for key in new:
            if key in there:
                raise UsageError(
                    tr(
                        "{path} is already signed with the key {fingerprint}",
                        path=path,
                        fingerprint=key.fingerprint,
                    )
                )
        added = {
            SIGNATURE: text + sign_text(sums, keys),
            PUBLIC_KEY: b"".join(key.pem for key in (*there, *new)),
        }
        top = (reader.top, reader.mtime)
        _replace(path, _rewrite(file, entries, added, top, parse_sums(sums)))
    for name in sidecars:
        _sign_sidecar(path.with_suffix(f".{name}"), keys)
    return (*there, *new)


def _rewrite(
    file: BinaryIO,
    entries: Sequence[Entry],
    added: dict[str, bytes],
    archive: tuple[str, int],
    listed: dict[str, str],
) -> Iterator[bytes]:
    """Yield the archive's bytes, with the two members directly after SHA256SUMS.

    Raises:
        VerificationError: a file does not match SHA256SUMS, so the bundle must not be signed.
    """
    top, mtime = archive
    if listed.keys() != {entry.path for entry in entries} - UNLISTED:
        raise VerificationError(tr("the files in the bundle differ from those listed in {sums}", sums=SUMS))
    at = 0
    for entry in entries:
        if entry.path in added:
            continue
        head = header(f"{top}/{entry.path}", entry.mode, entry.size, mtime)
        yield head
        digest = hashlib.sha256()
        for chunk in read_at(file.fileno(), entry.offset, entry.size):
            digest.update(chunk)
            yield chunk
        if entry.path not in UNLISTED and digest.hexdigest() != listed[entry.path]:
            raise VerificationError(
                tr("{entry_path} does not match {sums}", entry_path=entry.path, sums=SUMS)
            )
        yield bytes(padded(entry.size) - entry.size)
        at += len(head) + padded(entry.size)
        if entry.path == SUMS:
            for name, content in added.items():
                head = header(f"{top}/{name}", 0o644, len(content), mtime)
                yield head + content + bytes(padded(len(content)) - len(content))
                at += len(head) + padded(len(content))
    yield bytes(-(-(at + 2 * BLOCK) // RECORD) * RECORD - at)


def _replace(path: Path, chunks: Iterator[bytes]) -> None:
    """Write the new file, replace the old one when it is complete, and update its .sha256."""
    digest = hashlib.sha256()
    with whole_file(path, path.stat().st_mode & 0o777, lasting=True) as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
    beside = path.with_name(f"{path.name}.sha256")
    if beside.exists():
        write_whole(beside, f"{digest.hexdigest()}  {path.name}\n".encode())


def _sign_sidecar(sidecar: Path, keys: Sequence[PrivateKey]) -> None:
    if sidecar.is_file():
        signatures = sidecar.with_name(f"{sidecar.name}.sig")
        there = signatures.read_bytes() if signatures.is_file() else b""
        write_whole(signatures, there + sign_text(sidecar.read_bytes(), keys))
