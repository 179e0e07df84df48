"""The SBOM of a bundle as CycloneDX 1.6: images are components, and their packages components of those."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

from bundler import __version__
from bundler.bundle.attestations import Component
from bundler.bundle.manifest import AdvisoryEntry, BundleManifest, ImageEntry
from bundler.bundle.spdx import Software, document_id, image_purl, iso_time
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.io.json import format_json
from bundler.software.licenses import read_license
from bundler.software.package import SYSTEM, Package

PATH: Final = "attestations/sbom.cdx.json"
_ROOT: Final = "application"
_KINDS: Final = {
    "OpenVEX": "exploitability-statement",
    "CSAF": "advisories",
    "CycloneDX": "exploitability-statement",
    "SARIF": "static-analysis-report",
    "Grype": "vulnerability-assertion",
    "Trivy": "vulnerability-assertion",
}
"""Kind of a file about vulnerabilities -> type of an external reference."""
_PURPOSES: Final = {"APPLICATION": "application", "LIBRARY": "library", "FRAMEWORK": "framework"}


def sbom(
    manifest: BundleManifest,
    components: Sequence[Component],
    software: Software | None,
    digests: Sequence[tuple[str, str]],
) -> bytes:
    """Return the CycloneDX document.

    Args:
        manifest: the bundle.
        components: software that the packer adds.
        software: what is in the images; None if they were not read, which the document then says.
        digests: path and SHA-256 of the files about vulnerabilities.
    """
    platform = Platform.parse(manifest.platform)
    images = {image.origin: image for image in manifest.images}
    parts = [_image(image, platform, software) for image in images.values()]
    parts += map(_component, components)
    references = [part["bom-ref"] for part in parts]
    files = dict(digests)
    return format_json(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{uuid.uuid5(document_id(manifest), 'CycloneDX')}",
            "version": 1,
            "metadata": {
                "timestamp": iso_time(manifest.created),
                "tools": {"components": [{"type": "application", "name": "bundler", "version": __version__}]},
                "component": {
                    "type": "application",
                    "bom-ref": _ROOT,
                    "name": manifest.name,
                    "version": manifest.version,
                },
            },
            "components": parts,
            "dependencies": [{"ref": _ROOT, **({"dependsOn": sorted(references)} if references else {})}],
            "compositions": list(_compositions(images, software)),
            **(
                {"externalReferences": [_advisory(each, files[each.path]) for each in manifest.advisories]}
                if manifest.advisories
                else {}
            ),
        }
    )


def _compositions(images: Iterable[str], software: Software | None) -> Iterable[dict[str, Any]]:
    """Say whether each image's list is known to be incomplete: files of no package are never listed."""
    for digest in images:
        gaps = software is None or bool(software[digest].gaps)
        yield {"aggregate": "incomplete" if gaps else "unknown", "assemblies": [_image_id(digest)]}


def _image_id(digest: str) -> str:
    return f"image:{digest}"


def _image(image: ImageEntry, platform: Platform, software: Software | None) -> dict[str, Any]:
    reference = Reference.parse(image.reference)
    listed = software[image.origin] if software is not None else None
    identifier = _image_id(image.origin)
    gaps = ["not read, as the build was told"] if listed is None else listed.gaps
    packages = [
        _package(f"{identifier}#{number}", package)
        for number, package in enumerate(listed.packages if listed else (), 1)
    ]
    return {
        "type": "container",
        "bom-ref": identifier,
        "name": image.reference,
        "version": reference.tag or image.origin,
        "hashes": [{"alg": "SHA-256", "content": image.origin[7:]}],
        "purl": image_purl(image, platform),
        **({"properties": [{"name": "bundle:not-read", "value": gap} for gap in gaps]} if gaps else {}),
        **({"components": packages} if packages else {}),
    }


def _component(component: Component) -> dict[str, Any]:
    return {
        "type": _PURPOSES.get(component.purpose, "file"),
        "bom-ref": f"component:{component.id}",
        "name": component.name,
        **({"version": component.version} if component.version else {}),
        "hashes": [{"alg": "SHA-256", "content": component.sha256}],
        "evidence": {"occurrences": [{"location": component.path}]},
    }


def _package(identifier: str, package: Package) -> dict[str, Any]:
    group = package.namespace if package.kind not in {*SYSTEM, "golang"} else ""
    source = [{"name": "bundle:source-package", "value": package.source}] if package.source else []
    return {
        "type": "library",
        "bom-ref": identifier,
        **({"group": group} if group else {}),
        "name": package.name if group else package.full_name,
        **({"version": package.version} if package.version else {}),
        **({"publisher": package.supplier} if package.supplier else {}),
        **_licenses(package.license),
        "purl": package.purl,
        "evidence": {"occurrences": [{"location": package.path}]},
        **({"properties": source} if source else {}),
    }


def _licenses(stated: str) -> dict[str, Any]:
    found = read_license(stated)
    if found is None:
        return {}
    if found.is_id:
        return {"licenses": [{"license": {"id": found.expression}}]}
    if len(found.names) == 1 and found.names[0][0] == found.expression:
        return {"licenses": [{"license": {"name": found.names[0][1]}}]}
    return {"licenses": [{"expression": found.expression}]}


def _advisory(advisory: AdvisoryEntry, sha256: str) -> dict[str, Any]:
    return {
        "type": _KINDS[advisory.kind],
        "url": advisory.path,
        "comment": f"{advisory.kind}; a file of the bundle",
        "hashes": [{"alg": "SHA-256", "content": sha256}],
    }
