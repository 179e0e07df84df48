"""Packs the members of a bundle into one file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from bundler.bundle.checksums import SIGNATURE
from bundler.bundle.format import PLAIN, Format
from bundler.bundle.tar import Archive, Member
from bundler.bundle.write import is_archive, write_archive, write_known_archive
from bundler.errors import BundleError
from bundler.io.files import explain_full_disk, whole_file, write_whole
from bundler.language import tr, tr_later
from bundler.store.blobs import Store
from bundler.terminal.progress import Reporter, Transfer, format_bytes

SIGNATURE_SUFFIX = ".sig"
"""Suffix of a sidecar's signature file."""
ELSEWHERE = tr_later("free some space, or choose another folder with --output")
"""What to do if the bundle does not fit on its disk."""


@dataclass(frozen=True)
class PackedBundle:
    """The result of a build."""

    path: Path
    size: int
    """Bytes."""
    sha256: str
    """Digest of the whole file, hex digits."""
    signed: bool
    sidecars: tuple[Path, ...] = ()
    """Small files beside the bundle, to be sent ahead of it."""


def pack(
    archive: Archive,
    form: Format,
    output: Path,
    store: Store,
    reporter: Reporter,
    *,
    sidecars: Sequence[Member] = (),
) -> PackedBundle:
    """Write `<output>/<top>.tar`, `<top>.<sidecar>` and a `.sha256` for both, each atomically.

    If the bundle already exists with the same content, it is verified and left unchanged.

    Args:
        archive: members in any order.
        form: determines the order of members.
        output: folder for the files.
        store: records the digest of the whole bundle, by which a later run recognises the same archive.
        reporter: receives progress.
        sidecars: small files beside the bundle.

    Raises:
        BundleError: there is not enough free space, a folder is in the way, or a source file changed during
            the build.
        FetchError: a layer that was still to be fetched is unavailable or invalid.
    """
    archive = replace(archive, members=sorted(archive.members, key=lambda member: form.order(member.path)))
    output.mkdir(parents=True, exist_ok=True)
    target = output / f"{archive.top}.tar"
    note = tr("archive {archive_key}", archive_key=archive.key)
    known = store.recall(note)
    if target.is_dir():
        raise BundleError(
            tr("{target}: the bundle's path is a folder", target=target),
            hint=tr("remove it, or choose another folder with --output"),
        )
    if known and _is_there(target, archive, reporter):
        reporter.info(tr("{target}: already up to date, byte for byte; left unchanged", target=target))
        return _packed(target, archive, known, sidecars)
    free = shutil.disk_usage(output).free
    if free < archive.size:
        raise BundleError(
            tr(
                "{output}: the bundle needs {size}, but the disk has {free} free",
                output=output,
                size=format_bytes(archive.size),
                free=format_bytes(free),
            ),
            hint=tr(ELSEWHERE),
        )
    with explain_full_disk(tr("the bundle"), output, tr(ELSEWHERE)), whole_file(target, PLAIN) as file:
        with reporter.transfer(tr("pack"), _total(archive)) as transfer:
            digest = _write_archive(file, archive, known, transfer)
        packed = _packed(target, archive, digest, sidecars)
    store.remember(note, digest)
    return packed


def _is_there(target: Path, archive: Archive, reporter: Reporter) -> bool:
    """Whether the file already has exactly this content; if so, set its mode and update its time stamp."""
    try:
        if target.is_symlink() or target.stat().st_size != archive.size:
            return False
        with target.open("rb") as file, reporter.transfer(tr("check"), _total(archive)) as transfer:
            there = is_archive(file, archive, transfer.advance)
            if there:
                os.fchmod(file.fileno(), PLAIN)
                os.utime(file.fileno())
            return there
    except OSError:  # missing or unreadable: it is replaced
        return False


def _write_archive(file: BinaryIO, archive: Archive, known: str | None, transfer: Transfer) -> str:
    incoming = [found for member in archive.members if (found := member.content.incoming)]
    if known and not incoming:
        write_known_archive(file, archive, transfer.advance)
        return known
    for source in incoming:
        transfer.expect(source.label, source.blob.size)
    return "sha256:" + write_archive(file, archive, transfer.advance)


def _total(archive: Archive) -> int:
    return sum(member.size for member in archive.members)


def _packed(target: Path, archive: Archive, digest: str, sidecars: Sequence[Member]) -> PackedBundle:
    """Write the files beside the bundle and return its description."""
    beside = tuple(_write_sidecar(target.parent, archive.top, sidecar) for sidecar in sidecars)
    sha256 = digest.removeprefix("sha256:")
    _write_sum(target.parent, target.name, sha256)
    signed = any(member.path == SIGNATURE for member in archive.members)
    return PackedBundle(target, archive.size, sha256, signed, beside)


def _write_sidecar(output: Path, top: str, sidecar: Member) -> Path:
    target = output / f"{top}.{sidecar.path}"
    write_whole(target, sidecar.read(), sidecar.mode)
    if target.suffix != SIGNATURE_SUFFIX:
        target.with_name(target.name + SIGNATURE_SUFFIX).unlink(missing_ok=True)  # left by an earlier build
        _write_sum(output, target.name, sidecar.sha256)
    return target


def _write_sum(output: Path, name: str, digest: str) -> None:
    write_whole(output / f"{name}.sha256", f"{digest}  {name}\n".encode(), PLAIN)
