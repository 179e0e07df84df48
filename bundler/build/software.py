"""Lists the software in images, from what was found in each layer while it was unpacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bundler.build.fetch import FetchedImage
from bundler.build.shelf import Shelf
from bundler.errors import BundleError
from bundler.language import tr
from bundler.software.view import ImageSoftware, overlay
from bundler.terminal.progress import Reporter


def list_software(
    images: Sequence[FetchedImage], shelf: Shelf, reporter: Reporter
) -> Mapping[str, ImageSoftware]:
    """Return the software of each image by the digest of its manifest; of gaps, the reporter gets a warning.

    Raises:
        BundleError: the cache lost what was found in a layer.
    """
    listed: dict[str, ImageSoftware] = {}
    for image in images:
        digest = image.manifest.descriptor.digest
        if digest in listed:
            continue
        layers = []
        for blob in image.manifest.layers:
            found = shelf.find(blob.digest)
            if found is None:
                raise BundleError(
                    tr(
                        "the cache {root} lost what it knew of layer {digest}",
                        root=shelf.root,
                        digest=blob.digest,
                    ),
                    hint=tr("build again"),
                )
            layers.append(found)
        listed[digest] = overlay(layers)
        if listed[digest].gaps:
            reporter.warn(
                tr(
                    "{image}: the SBOM lacks packages of this image: {gaps}",
                    image=image.resolved.reference.familiar,
                    gaps="; ".join(listed[digest].gaps),
                )
            )
    return listed
