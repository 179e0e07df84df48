"""What a packer adds to the bundle format: order and modes of its files, and its keys of bundle.json."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bundler.bundle.checksums import PUBLIC_KEY, SIGNATURE, SUMS
from bundler.bundle.manifest import MANIFEST, BundleManifest
from bundler.bundle.names import FOLDERS, STATEMENTS

_HEAD: Final = (SUMS, SIGNATURE, PUBLIC_KEY, MANIFEST)
"""First files of every bundle, except the packer's own; statements follow the public keys."""
PROGRAM: Final = 0o755
"""Mode of executable files."""
PLAIN: Final = 0o644
"""Mode of all other files outside config/ and files/."""


@dataclass(frozen=True)
class Format:
    """A packer's part of the format.

    Attributes:
        first: the packer's files before the checksums, in order.
        last: the packer's files directly after bundle.json, in order; other files follow, sorted by name.
        programs: those of its files that are executable.
        modes: its tables of file modes in config/ and files/: lines of path, tab and mode.
        sidecars: small files beside the bundle, `<bundle>.<name>`.
        manifests: models of bundle.json with the packer's own keys.
    """

    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    programs: frozenset[str] = frozenset()
    modes: tuple[str, ...] = ()
    sidecars: tuple[str, ...] = ()
    manifests: tuple[type[BundleManifest], ...] = ()

    def order(self, path: str) -> tuple[int, int, bytes]:
        """Return a key to sort members by: the head, other files of the top folder, then the folders.

        Raises:
            ValueError: the path is in a folder that bundles do not have.
        """
        head = (*self.first, *_HEAD, *self.last)
        if path in head:
            return 0, head.index(path), b""
        folder, slash, _ = path.partition("/")
        if slash and folder == STATEMENTS:
            return 0, head.index(PUBLIC_KEY), path.encode()
        return 1, FOLDERS.index(folder) if slash else -1, path.encode()

    def mode(self, path: str) -> int:
        """Return the mode of a file outside config/ and files/."""
        return PROGRAM if path in self.programs else PLAIN

    def read_manifest(self, raw: bytes) -> BundleManifest:
        """Read bundle.json with the model of the packer that wrote it.

        Raises:
            VerificationError: it is damaged, or has a key that no packer knows.
        """
        return BundleManifest.from_bytes(raw, self.manifests)


def join_formats(formats: Iterable[Format]) -> Format:
    """Combine the formats of several packers; each packer's files keep their order."""
    every = tuple(formats)
    return Format(
        first=tuple(path for each in every for path in each.first),
        last=tuple(path for each in every for path in each.last),
        programs=frozenset(path for each in every for path in each.programs),
        modes=tuple(path for each in every for path in each.modes),
        sidecars=tuple(name for each in every for name in each.sidecars),
        manifests=tuple(model for each in every for model in each.manifests),
    )
