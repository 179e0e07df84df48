"""What engines load, and what may be given to others."""

from __future__ import annotations

from typing import Final

from bundler.errors import FetchError
from bundler.language import tr

FOREIGN_MARK: Final = ("nondistributable", "foreign")
MAX_LAYERS: Final = 125
"""Docker's overlay2 supports no more layers: `maxLayerDepth` in moby's layer/layer_store.go, commit
037f25c9e02df3d030af7c52f50a268f980252f8; Docker 20.10 refuses the 126th with "max depth exceeded".
"""


def check_layer_count(count: int, where: str) -> None:
    """Check the number of layers against the limit of engines; `where` is the image.

    Raises:
        FetchError: there are too many layers.
    """
    if count > MAX_LAYERS:
        raise FetchError(
            tr(
                "{where}: the image has {count} layers; engines load at most {max_layers}",
                where=where,
                count=count,
                max_layers=MAX_LAYERS,
            ),
            hint=tr(
                "rebuild the image with fewer steps, or squash its layers (`docker export`, `docker import`)"
            ),
        )


def check_distributable(media_type: str, digest: str, where: str) -> None:
    """Check that a layer may be given to others; `where` is the image.

    Raises:
        FetchError: it is a foreign layer.
    """
    if any(mark in media_type for mark in FOREIGN_MARK):
        raise FetchError(
            tr(
                "{where}: layer {digest} is foreign ({media_type}): its registry does not"
                " store it, and its license does not allow redistribution",
                where=where,
                digest=digest,
                media_type=media_type,
            ),
            hint=tr("use an image without foreign layers"),
        )
