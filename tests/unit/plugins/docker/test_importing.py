"""A docker-archive into whatever takes blobs: a source knows no store."""

from __future__ import annotations

import io
import tarfile

from bundler.image.digest import digest_of
from bundler.image.oci import OCI_LAYER_GZIP
from bundler.io.streams import Readable
from bundler.layer.unpacking import read_diff_id
from bundler_docker.importing import choose_by_config, import_archive
from examples.demo.sample_registry import encode

TAR = bytes(10_240)


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
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def test_an_archive_is_exported_into_the_sink_that_is_given() -> None:
    rootfs = {"type": "layers", "diff_ids": [digest_of(TAR)]}
    config = encode({"os": "linux", "architecture": "amd64", "rootfs": rootfs})
    entry = {"Config": "config.json", "Layers": ["layer.tar"], "RepoTags": ["app:1"]}
    archive = saved(layer_tar=TAR, config_json=config, manifest_json=encode([entry]))
    sink = Sink()
    manifest = import_archive(io.BytesIO(archive), sink, "here", choose_by_config(digest_of(config)))
    (layer,) = manifest.layers
    assert layer.media_type == OCI_LAYER_GZIP
    assert read_diff_id(io.BytesIO(sink.blobs[layer.digest]), "layer") == digest_of(TAR)
    assert sink.diff_ids == {layer.digest: digest_of(TAR)}
    assert sink.blobs[manifest.config.digest] == config
    assert {blob.size for blob in manifest.blobs} == {len(data) for data in sink.blobs.values()}
