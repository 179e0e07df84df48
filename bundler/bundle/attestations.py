"""Attestations for audits: an SBOM (SPDX) and the provenance of the bundle (in-toto, SLSA provenance)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bundler import __version__
from bundler.bundle.manifest import BundleManifest, ImageEntry
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.io.json import format_json

SPDX_NAMESPACE = uuid.UUID("5a3b4c8e-3d0f-5d57-9a3c-5be1c2b1f0aa")


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


def _spdx_package(image: ImageEntry, platform: Platform, *, repacked: bool) -> dict[str, Any]:
    reference = Reference.parse(image.reference)
    platform = Platform.parse(image.platform) if image.platform else platform
    name = reference.repository.rpartition("/")[2]
    purl = (
        f"pkg:oci/{name}@{image.origin.replace(':', '%3A')}"
        f"?arch={platform.architecture}"
        f"&repository_url={reference.registry}/{reference.repository}"
    )
    if reference.tag:
        purl += f"&tag={reference.tag}"
    return {
        "SPDXID": "SPDXRef-image-" + image.origin[7:23],
        "name": image.reference,
        "versionInfo": reference.tag or image.origin,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{"algorithm": "SHA256", "checksumValue": image.origin[7:]}],
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }
        ],
        "comment": ("repacked as gzip; " if repacked else "")
        + "layers: "
        + " ".join(layer.digest for layer in image.layers),
    }


def _repacked(manifest: BundleManifest) -> list[ImageEntry]:
    """Return the images whose zstd layers were written as gzip, so that they have another digest."""
    if manifest.packing.compression != "keep":
        return []
    return [image for image in manifest.images if image.origin != image.manifest.digest]


def _spdx_component(component: Component) -> dict[str, Any]:
    return {
        "SPDXID": f"SPDXRef-{component.id}",
        "name": component.name,
        **({"versionInfo": component.version} if component.version else {}),
        "packageFileName": component.path,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": component.purpose,
        "checksums": [{"algorithm": "SHA256", "checksumValue": component.sha256}],
    }


def sbom(manifest: BundleManifest, components: Sequence[Component]) -> bytes:
    """Return an SPDX 2.3 document: the application, its images and the packer's components, by digest.

    Each image is described as one package; the software inside is not analysed, which the document states
    (`filesAnalyzed: false`).
    """
    platform = Platform.parse(manifest.platform)
    seed = manifest.model_dump_json()
    images = {image.origin: image for image in manifest.images}
    repacked = {image.origin for image in _repacked(manifest)}
    packages = [
        _spdx_package(image, platform, repacked=image.origin in repacked) for image in images.values()
    ]
    packages += map(_spdx_component, components)
    root = {
        "SPDXID": "SPDXRef-application",
        "name": manifest.name,
        "versionInfo": manifest.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "APPLICATION",
    }
    contains = [
        {
            "spdxElementId": root["SPDXID"],
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": package["SPDXID"],
        }
        for package in packages
    ]
    describes = {
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": root["SPDXID"],
    }
    return format_json(
        {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"{manifest.name}-{manifest.version}",
            "documentNamespace": f"urn:uuid:{uuid.uuid5(SPDX_NAMESPACE, seed)}",
            "creationInfo": {
                "created": _time(manifest.created),
                "creators": [f"Tool: bundler-{__version__}"],
            },
            "packages": [root, *packages],
            "relationships": [describes, *contains],
        }
    )


def provenance(manifest: BundleManifest, components: Sequence[Component]) -> bytes:
    """Return an in-toto statement with a SLSA provenance v1 predicate over the bundle's images.

    It contains nothing about the build machine: the same lock and settings produce the same bytes.
    """
    byproducts = [
        {"name": f"{image.reference}, repacked as gzip", "digest": {"sha256": image.manifest.digest[7:]}}
        for image in _repacked(manifest)
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
