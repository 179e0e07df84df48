"""Members -> one file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from bundler.archive import Member, archive_size, write_archive
from bundler.checksums import PUBLIC_KEY, SIGNATURE, SUMS
from bundler.errors import BundleError
from bundler.progress import Reporter, format_bytes

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


def member_order(member: Member) -> tuple[int, int, bytes]:
    """Small things first: the head, the flat facts, then the folders."""
    if member.path in HEAD:
        return 0, HEAD.index(member.path), b""
    folder, slash, _ = member.path.partition("/")
    rank = FOLDERS.index(folder) if slash else -1
    return 1, rank, member.path.encode()


def pack(members: Sequence[Member], top: str, mtime: int, output: Path, reporter: Reporter) -> PackedBundle:
    """Write `<output>/<top>.tar` and `<top>.tar.sha256`, whole or not at all.

    Raises:
        BundleError: the disk has too little room, or a source file changed under the build.
    """
    ordered = sorted(members, key=member_order)
    size = archive_size(top, ordered, mtime)
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
            content = sum(member.size for member in ordered)
            with reporter.transfer("pack", content) as transfer:
                digest = write_archive(
                    cast("BinaryIO", file),
                    top,
                    ordered,
                    mtime,
                    lambda count: transfer.advance(target.name, count),
                )
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            _write_sum(output, target.name, digest)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    signed = any(member.path == SIGNATURE for member in ordered)
    return PackedBundle(target, size, digest, signed)


def _write_sum(output: Path, name: str, digest: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=output, prefix=f".{name}.", delete=False) as file:
        file.write(f"{digest}  {name}\n")
    Path(file.name).chmod(0o644)
    Path(file.name).replace(output / f"{name}.sha256")
