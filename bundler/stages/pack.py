"""Members -> one file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from bundler.archive import Archive, Member
from bundler.archive_writer import write_archive
from bundler.checksums import PUBLIC_KEY, SIGNATURE, SUMS
from bundler.errors import BundleError
from bundler.incoming import Incoming
from bundler.progress import Reporter, Transfer, format_bytes
from bundler.store import Store

HEAD = ("install", SUMS, SIGNATURE, PUBLIC_KEY, "bundle.json", "bundle.env")
"""The first members, in order; then the flat facts, then the folders."""
FOLDERS = ("config", "attestations", "files", "images")


@dataclass(frozen=True)
class PackedBundle:
    """The result of a build."""

    path: Path
    size: int
    """Bytes."""
    sha256: str
    """Hex digits, over the whole file."""
    signed: bool
    sidecars: tuple[Path, ...] = ()
    """Small files beside the bundle, to be sent ahead of it."""


def member_order(member: Member) -> tuple[int, int, bytes]:
    """Small things first: the head, the flat facts, then the folders."""
    if member.path in HEAD:
        return 0, HEAD.index(member.path), b""
    folder, slash, _ = member.path.partition("/")
    rank = FOLDERS.index(folder) if slash else -1
    return 1, rank, member.path.encode()


def pack(
    archive: Archive,
    output: Path,
    store: Store,
    reporter: Reporter,
    *,
    sidecars: Sequence[Member] = (),
) -> PackedBundle:
    """Write `<output>/<top>.tar`, `<top>.<sidecar>` and a `.sha256` for each, whole or not at all.

    Args:
        archive: its members in any order.
        output: folder.
        store: remembers the digest of the whole, by which the next run knows the same archive.
        reporter: told of progress.
        sidecars: small files beside the bundle.

    Raises:
        BundleError: the disk has too little room, or a source file changed under the build.
        FetchError: a layer that was still to be fetched cannot be had or is wrong.
    """
    archive = replace(archive, members=sorted(archive.members, key=member_order))
    top, size = archive.top, archive.size
    output.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(output).free
    target = output / f"{top}.tar"
    if free < size:
        raise BundleError(
            f"{output}: the bundle has {format_bytes(size)}, the disk has {format_bytes(free)} free",
            hint="free some room, or choose another folder with --output",
        )
    with tempfile.NamedTemporaryFile(dir=output, prefix=f".{top}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            with reporter.transfer("pack", sum(member.size for member in archive.members)) as transfer:
                digest = _write_archive(cast("BinaryIO", file), archive, store, transfer)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            beside = tuple(_write_sidecar(output, top, sidecar) for sidecar in sidecars)
            _write_sum(output, target.name, digest)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    signed = any(member.path == SIGNATURE for member in archive.members)
    return PackedBundle(target, size, digest, signed, beside)


def _write_archive(file: BinaryIO, archive: Archive, store: Store, transfer: Transfer) -> str:
    incoming = [member.source for member in archive.members if isinstance(member.source, Incoming)]
    for source in incoming:
        transfer.expect(source.label, source.blob.size)
    name = f"archive {archive.key}"
    known = None if incoming else store.recall(name)
    digest = write_archive(file, archive, transfer.advance, known and known.removeprefix("sha256:"))
    store.remember(name, f"sha256:{digest}")
    return digest


def _write_sidecar(output: Path, top: str, sidecar: Member) -> Path:
    target = output / f"{top}.{sidecar.path}"
    _write_file(target, sidecar.content, sidecar.mode)
    _write_sum(output, target.name, sidecar.sha256)
    return target


def _write_sum(output: Path, name: str, digest: str) -> None:
    _write_file(output / f"{name}.sha256", f"{digest}  {name}\n".encode(), 0o644)


def _write_file(target: Path, content: bytes, mode: int) -> None:
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
