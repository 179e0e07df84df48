"""Looks into the layers of an image: which programs it has, and the files that name its users.

Only targets that ask for it pay: the layers are unpacked once more, on the first question.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from bundler.layer.tar import Entry, TarError, TarStream
from bundler.layer.unpacking import HashedTar, unpack

PROGRAMS: Final = frozenset({"bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"})
"""Folders in which programs are looked for: the search path of images."""
KEPT: Final = frozenset({"etc/passwd", "etc/group"})
"""Files whose content can be read."""
LARGEST: Final = 1 << 20
"""Bytes of such a file."""
_HIDES: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"


class LayerContents:
    """What a container of an image sees: image-spec, layer.md, "Applying Changesets"."""

    def __init__(self, layers: Sequence[Path]) -> None:
        """Prepare without reading anything; `layers` are their files, lowest first."""
        self._layers = tuple(layers)

    def programs(self, names: Collection[str]) -> frozenset[str]:
        """Return those of `names` that are programs of the image, also as links.

        Raises:
            FetchError: a layer is damaged.
        """
        found = {posixpath.basename(path) for path in self._files if posixpath.dirname(path) in PROGRAMS}
        return frozenset(found & set(names))

    def read(self, path: str) -> bytes | None:
        """Return the content of `etc/passwd` or `etc/group`; None if the image has none.

        Raises:
            FetchError: a layer is damaged.
        """
        return self._files.get(path)

    @cached_property
    def _files(self) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for layer in self._layers:
            above: dict[str, bytes] = {}
            tar = HashedTar(unpack(layer))
            stream = TarStream(tar, tar.skip)
            try:
                for entry in stream:
                    _take(entry, stream, files, above)
            except TarError:
                pass  # engines may accept what is not understood here: what was read until then counts
            files.update(above)
        return files


def _take(entry: Entry, stream: TarStream, files: dict[str, bytes], above: dict[str, bytes]) -> None:
    """Take a member of a layer: a file that counts, or what hides files of lower layers."""
    path = posixpath.normpath(entry.name.lstrip("/"))
    folder, name = posixpath.split(path)
    if name.startswith(_HIDES):
        hidden = folder if name == _OPAQUE else posixpath.join(folder, name.removeprefix(_HIDES))
        for each in [each for each in files if each == hidden or each.startswith(f"{hidden}/")]:
            del files[each]
    elif path in KEPT and entry.is_file and entry.size <= LARGEST:
        above[path] = b"".join(iter(stream.read, b""))
    elif folder in PROGRAMS and (entry.is_file or entry.is_link):
        above[path] = b""
