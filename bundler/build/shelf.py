"""What layers say about software, kept in the store: a layer is read once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bundler.layer.unpacking import HashedTar
from bundler.software.layer import VERSION, LayerSoftware
from bundler.software.scan import scan
from bundler.store.blobs import Store

CACHE: Final = "software"
"""Name of the cache in the store."""


class Shelf:
    """What was found in layers, by digest."""

    def __init__(self, store: Store) -> None:
        self.root = store.root
        self._scratch = store.root / "partial"  # pruned, if the process is killed
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._cache = store.cache(CACHE)
        self._known: dict[str, LayerSoftware] = {}

    def find(self, digest: str) -> LayerSoftware | None:
        """Return what was found in a layer, by this build or an earlier one; None if it was not looked at."""
        if digest not in self._known:
            path = self._cache.find(_entry(digest))
            found = LayerSoftware.from_bytes(path.read_bytes()) if path else None
            if found is None:
                if path is not None:
                    path.unlink()  # damaged
                return None
            self._known[digest] = found
        return self._known[digest]

    def look(self) -> Look:
        """Return what looks at one layer; the caller passes on what it finds to `keep`."""
        return Look(self._scratch)

    def keep(self, digest: str, found: LayerSoftware) -> None:
        """Keep what was found in a layer; its bytes were checked."""
        self._known[digest] = found
        self._cache.keep(_entry(digest), lambda path: path.write_bytes(found.to_bytes()))


class Look:
    """Finds the software of one layer while it is unpacked.

    Attributes:
        found: None until then.
    """

    def __init__(self, scratch: Path) -> None:
        """Prepare; `scratch` is a folder for large files while they are read."""
        self._scratch = scratch
        self.found: LayerSoftware | None = None

    def __call__(self, tar: HashedTar) -> None:
        """Look at the layer's tar."""
        self.found = scan(tar, self._scratch)


def _entry(digest: str) -> str:
    return f"{digest.removeprefix('sha256:')}-{VERSION}"
