"""Archives as `docker save` writes them, and a sink for the blobs read from them."""

from __future__ import annotations

import io
import tarfile

from bundler.image.digest import digest_of
from bundler.io.streams import Readable
from examples.demo.sample_registry import encode

TAR = bytes(10_240)
"""The only layer, an empty tar."""
CONFIG = encode(
    {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [digest_of(TAR)]},
    }
)
ENTRY = {"Config": "config.json", "Layers": ["layer.tar"], "RepoTags": ["app:1"]}


class Sink:
    """A `bundler.api.images.BlobSink` in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.diff_ids: dict[str, str] = {}

    def ingest(self, stream: Readable, /) -> tuple[str, int]:
        data = b"".join(iter(lambda: stream.read(1000), b""))
        return self.put(data), len(data)

    def put(self, data: bytes, /) -> str:
        self.blobs[digest_of(data)] = data
        return digest_of(data)

    def remember_diff_id(self, blob: str, diff_id: str, /) -> None:
        self.diff_ids[blob] = diff_id


def saved(**files: bytes) -> bytes:
    """Return a tar of these files; `_` in a name stands for `.`."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()
