"""The provenance of a bundle for audits (in-toto, SLSA provenance), and the software that a packer adds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bundler.bundle.manifest import BundleManifest, ImageEntry
from bundler.io.json import format_json


@dataclass(frozen=True)
class Component:
    """Software that a packer adds besides the application's images.

    Attributes:
        id: unique identifier of letters, digits, `.` and `-`.
        name: usual name of the software.
        version: None if unknown.
        path: path in the bundle.
        sha256: hex digits.
        purpose: SPDX 2.3, 7.24: `APPLICATION`, `ARCHIVE`, `INSTALL` ...
    """

    id: str
    name: str
    version: str | None
    path: str
    sha256: str
    purpose: str


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def repacked_images(manifest: BundleManifest) -> list[ImageEntry]:
    """Return the images whose zstd layers were written as gzip, so that they have another digest."""
    if manifest.packing.compression != "keep":
        return []
    return [image for image in manifest.images if image.origin != image.manifest.digest]


def provenance(manifest: BundleManifest, components: Sequence[Component]) -> bytes:
    """Return an in-toto statement with a SLSA provenance v1 predicate over the bundle's images.

    It contains nothing about the build machine: the same lock and settings produce the same bytes.
    """
    byproducts = [
        {"name": f"{image.reference}, repacked as gzip", "digest": {"sha256": image.manifest.digest[7:]}}
        for image in repacked_images(manifest)
    ]
    return format_json(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                {"name": image.reference, "digest": {"sha256": image.origin[7:]}} for image in manifest.images
            ],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": {
                    "buildType": "https://bundler.invalid/build/v1",
                    "externalParameters": {
                        "application": manifest.name,
                        "version": manifest.version,
                        "profile": manifest.profile,
                        "platform": manifest.platform,
                        "profileSha256": manifest.provenance.profile_sha256,
                    },
                    "resolvedDependencies": [
                        {
                            "uri": f"docker://{image.reference}",
                            "digest": {"sha256": image.origin[7:]},
                        }
                        for image in manifest.images
                    ]
                    + [
                        {"name": component.name, "digest": {"sha256": component.sha256}}
                        for component in components
                    ],
                },
                "runDetails": {
                    "builder": {"id": manifest.provenance.builder},
                    "metadata": {"startedOn": _time(manifest.created)},
                    **({"byproducts": byproducts} if byproducts else {}),
                },
            },
        }
    )
