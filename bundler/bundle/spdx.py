"""The SBOM of a bundle as SPDX 2.3: the application, its images, their packages, the packer's components."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Any, Final

from bundler import __version__
from bundler.bundle.attestations import Component, repacked_images
from bundler.bundle.manifest import BundleManifest, ImageEntry
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.io.json import format_json
from bundler.software.licenses import read_license
from bundler.software.package import Package
from bundler.software.view import ImageSoftware

PATH: Final = "attestations/sbom.spdx.json"
NAMESPACE: Final = uuid.UUID("5a3b4c8e-3d0f-5d57-9a3c-5be1c2b1f0aa")
_DOCUMENT: Final = "SPDXRef-DOCUMENT"
_ROOT: Final = "SPDXRef-application"
_UNREAD: Final = "The packages in this image were not read, as the build was told."
"""What an image says if its layers were not looked at."""
Software = Mapping[str, ImageSoftware]
"""Digest of an image's manifest -> what is in the image."""


def iso_time(seconds: int) -> str:
    """Return a time in UTC as both formats write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def document_id(manifest: BundleManifest) -> uuid.UUID:
    """Return an identifier that is the same for the same bundle."""
    return uuid.uuid5(NAMESPACE, manifest.model_dump_json())


def image_purl(image: ImageEntry, platform: Platform) -> str:
    """Return the package URL of an image."""
    reference = Reference.parse(image.reference)
    platform = Platform.parse(image.platform) if image.platform else platform
    purl = (
        f"pkg:oci/{reference.repository.rpartition('/')[2]}@{image.origin.replace(':', '%3A')}"
        f"?arch={platform.architecture}"
        f"&repository_url={reference.registry}/{reference.repository}"
    )
    return f"{purl}&tag={reference.tag}" if reference.tag else purl


def sbom(manifest: BundleManifest, components: Sequence[Component], software: Software | None) -> bytes:
    """Return the SPDX document.

    Args:
        manifest: the bundle.
        components: software that the packer adds.
        software: what is in the images; None if they were not read, which each image then says.
    """
    images = {image.origin: image for image in manifest.images}
    repacked = {image.origin for image in repacked_images(manifest)}
    platform = Platform.parse(manifest.platform)
    created = iso_time(manifest.created)
    parts = [
        _image(image, platform, created, software, repacked=image.origin in repacked)
        for image in images.values()
    ]
    parts += map(_component, components)
    relations = [(_DOCUMENT, "DESCRIBES", _ROOT), *((_ROOT, "CONTAINS", part["SPDXID"]) for part in parts)]
    packages: dict[str, Package] = {}
    for digest in images:
        for package in software[digest].packages if software else ():
            name = _package_id(package)
            packages[name] = package
            relations.append((_image_id(digest), "CONTAINS", name))
    licenses = _references(packages.values())
    return format_json(
        {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": _DOCUMENT,
            "name": f"{manifest.name}-{manifest.version}",
            "documentNamespace": f"urn:uuid:{document_id(manifest)}",
            "creationInfo": {"created": created, "creators": [f"Tool: bundler-{__version__}"]},
            "packages": [
                _root(manifest),
                *parts,
                *(_package(name, package) for name, package in sorted(packages.items())),
            ],
            "relationships": [
                {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
                for one, kind, other in relations
            ],
            **({"hasExtractedLicensingInfos": licenses} if licenses else {}),
        }
    )


def _root(manifest: BundleManifest) -> dict[str, Any]:
    references = [
        {
            "referenceCategory": "OTHER",  # locators of SECURITY are addresses on the web
            "referenceType": "bundle-advisory",
            "referenceLocator": advisory.path,
            "comment": f"{advisory.kind}; a file of the bundle, which its SHA256SUMS lists",
        }
        for advisory in manifest.advisories
    ]
    return {
        "SPDXID": _ROOT,
        "name": manifest.name,
        "versionInfo": manifest.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "APPLICATION",
        **({"externalRefs": references} if references else {}),
    }


def _image_id(digest: str) -> str:
    return "SPDXRef-image-" + digest[7:23]


def _package_id(package: Package) -> str:
    return "SPDXRef-package-" + hashlib.sha256("\0".join(astuple(package)).encode()).hexdigest()[:24]


def _image(
    image: ImageEntry, platform: Platform, created: str, software: Software | None, *, repacked: bool
) -> dict[str, Any]:
    reference = Reference.parse(image.reference)
    said = [_UNREAD] if software is None else [f"Not read: {gap}" for gap in software[image.origin].gaps]
    notes = [
        {
            "annotationDate": created,
            "annotationType": "OTHER",
            "annotator": f"Tool: bundler-{__version__}",
            "comment": each,
        }
        for each in said
    ]
    return {
        "SPDXID": _image_id(image.origin),
        "name": image.reference,
        "versionInfo": reference.tag or image.origin,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{"algorithm": "SHA256", "checksumValue": image.origin[7:]}],
        "externalRefs": [_purl(image_purl(image, platform))],
        "comment": ("repacked as gzip; " if repacked else "")
        + "layers: "
        + " ".join(layer.digest for layer in image.layers),
        **({"annotations": notes} if notes else {}),
    }


def _purl(purl: str) -> dict[str, str]:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}


def _component(component: Component) -> dict[str, Any]:
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


def _package(name: str, package: Package) -> dict[str, Any]:
    stated = read_license(package.license)
    source = f"; built from the source package {package.source}" if package.source else ""
    return {
        "SPDXID": name,
        "name": package.full_name,
        **({"versionInfo": package.version} if package.version else {}),
        **({"supplier": f"Organization: {package.supplier}"} if package.supplier else {}),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseDeclared": stated.expression if stated else "NOASSERTION",
        "sourceInfo": f"found in {package.path}{source}",
        "externalRefs": [_purl(package.purl)],
    }


def _references(packages: Iterable[Package]) -> list[dict[str, Any]]:
    """Return the licences that SPDX does not list, by the names that packages give them."""
    names: dict[str, str] = {}
    for package in packages:
        stated = read_license(package.license)
        names |= stated.names if stated else ()
    return [
        {"licenseId": reference, "name": name, "extractedText": f"The package names this licence: {name}"}
        for reference, name in sorted(names.items())
    ]
