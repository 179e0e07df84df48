"""The `images/` folder: an OCI image layout and a docker-archive manifest.json over the same blobs.

A single copy of each original blob serves `docker load` since 20.10, podman and skopeo; see image-layout.md
of the OCI image specification. Measurements: docs/decisions/0004-one-oci-layout.md.
"""

from __future__ import annotations

import json
from typing import Any

from bundler.bundle.manifest import ImageEntry
from bundler.image.oci import OCI_INDEX
from bundler.image.platform import Platform

COMPACT = "images.tar.zst"
"""Name of the stream of unpacked layers; `images/` contains its parts, `<name>.0000` and so on."""


def blob_path(digest: str) -> str:
    """Return the path of a blob below `images/`."""
    return "blobs/sha256/" + digest.removeprefix("sha256:")


def compact(data: object) -> str:
    """Return JSON on one line, with sorted keys."""
    return json.dumps(data, separators=(",", ":"), sort_keys=True)


def index_entry(image: ImageEntry, platform: Platform) -> dict[str, Any]:
    """Return the image's descriptor in index.json, with annotations for containerd and for other readers."""
    platform = Platform.parse(image.platform) if image.platform else platform
    described: dict[str, Any] = {"os": platform.os, "architecture": platform.architecture}
    if platform.variant:
        described["variant"] = platform.variant
    return {
        "mediaType": image.manifest.media_type,
        "digest": image.manifest.digest,
        "size": image.manifest.size,
        "platform": described,
        "annotations": {
            "io.containerd.image.name": image.tag,
            "org.opencontainers.image.ref.name": image.tag,
        },
    }


def archive_entry(image: ImageEntry) -> dict[str, Any]:
    """Return the image's entry in docker-archive's manifest.json."""
    return {
        "Config": blob_path(image.config.digest),
        "RepoTags": [image.tag],
        "Layers": [blob_path(layer.digest) for layer in image.layers],
    }


def layout_files(images: tuple[ImageEntry, ...], platform: Platform) -> dict[str, bytes]:
    """Return the three small files beside the blobs, by name."""
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [index_entry(image, platform) for image in images],
    }
    return {
        "oci-layout": compact({"imageLayoutVersion": "1.0.0"}).encode(),
        "index.json": compact(index).encode(),
        "manifest.json": compact([archive_entry(image) for image in images]).encode(),
    }
