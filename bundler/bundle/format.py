"""What a packer adds to the format of bundles: where its files stand, and which keys bundle.json has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bundler.bundle.checksums import PUBLIC_KEY, SIGNATURE, SUMS
from bundler.bundle.manifest import MANIFEST, BundleManifest
from bundler.bundle.names import FOLDERS, STATEMENTS

_HEAD: Final = (SUMS, SIGNATURE, PUBLIC_KEY, MANIFEST)
"""What every bundle begins with, but for the packer's own files; statements stand behind the keys."""
PROGRAM: Final = 0o755
"""Mode of the files that are run."""
PLAIN: Final = 0o644
"""Mode of all others that are neither in config/ nor in files/."""


@dataclass(frozen=True)
class Format:
    """A packer's part of the format.

    Attributes:
        first: its files that stand before the checksums, in their order.
        last: its files right behind bundle.json, in their order; others follow by name.
        programs: those of its files that are run.
        modes: its tables of the modes that files of config/ and files/ have: lines of path, tab and mode.
        sidecars: small files beside the bundle, `<bundle>.<name>`.
        manifests: bundle.json with the packer's own keys.
    """

    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    programs: frozenset[str] = frozenset()
    modes: tuple[str, ...] = ()
    sidecars: tuple[str, ...] = ()
    manifests: tuple[type[BundleManifest], ...] = ()

    def order(self, path: str) -> tuple[int, int, bytes]:
        """A key to sort members by: the head, other files of the top folder, then the folders.

        Raises:
            ValueError: it is in a folder that bundles do not have.
        """
        head = (*self.first, *_HEAD, *self.last)
        if path in head:
            return 0, head.index(path), b""
        folder, slash, _ = path.partition("/")
        if slash and folder == STATEMENTS:
            return 0, head.index(PUBLIC_KEY), path.encode()
        return 1, FOLDERS.index(folder) if slash else -1, path.encode()

    def mode(self, path: str) -> int:
        """The mode of a file that is neither in config/ nor in files/."""
        return PROGRAM if path in self.programs else PLAIN

    def read_manifest(self, raw: bytes) -> BundleManifest:
        """Read bundle.json, with the keys of the packer that they are of.

        Raises:
            VerificationError: it is damaged, or has a key that none of the packers knows.
        """
        return BundleManifest.from_bytes(raw, self.manifests)


def join_formats(formats: Iterable[Format]) -> Format:
    """The format of a bundle that one of several packers made: each keeps the order of its own files."""
    every = tuple(formats)
    return Format(
        first=tuple(path for each in every for path in each.first),
        last=tuple(path for each in every for path in each.last),
        programs=frozenset(path for each in every for path in each.programs),
        modes=tuple(path for each in every for path in each.modes),
        sidecars=tuple(name for each in every for name in each.sidecars),
        manifests=tuple(model for each in every for model in each.manifests),
    )
