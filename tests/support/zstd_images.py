"""Images with one zstd layer, whose manifest says so or calls it gzip."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any, Final

import zstandard

from bundler.image.digest import digest_of
from examples.demo.sample_registry import (
    CONFIG_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    Document,
    Image,
    encode,
    make_layer,
)

ZSTD: Final = "application/vnd.oci.image.layer.v1.tar+zstd"
GZIP: Final = LAYER_TYPE


def layer_tar(files: Mapping[str, bytes]) -> bytes:
    """Return the tar of a layer with these files."""
    return gzip.decompress(make_layer(files)[0])


def zstd_image(layer_type: str, files: Mapping[str, bytes], config: Mapping[str, Any] | None = None) -> Image:
    """Return an image for linux/amd64 whose zstd layer has this media type in the manifest."""
    tar = layer_tar(files)
    layer = zstandard.ZstdCompressor(level=3).compress(tar)
    rootfs = {"type": "layers", "diff_ids": [digest_of(tar)]}
    document = encode(
        {"os": "linux", "architecture": "amd64", "config": dict(config or {}), "rootfs": rootfs}
    )
    manifest = encode(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": digest_of(document), "size": len(document)},
            "layers": [{"mediaType": layer_type, "digest": digest_of(layer), "size": len(layer)}],
        }
    )
    blobs = {digest_of(blob): blob for blob in (document, layer)}
    return Image(Document(MANIFEST_TYPE, manifest), blobs, "linux/amd64")
