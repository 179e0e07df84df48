"""What the attestations of a bundle say: the SBOM (SPDX 2.3) and the provenance (SLSA v1, in-toto)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bundler.bundle import spdx
from bundler.errors import VerificationError
from bundler.io.json import MAX_VALUES, parse_json
from bundler.language import tr
from bundler.report.loose import mapping, mappings, text
from bundler.report.model import Contained, Package, Provenance

SBOM: Final = spdx.PATH
PROVENANCE: Final = "attestations/provenance.json"
SBOM_LIMIT: Final = 64 << 20
"""Largest SBOM in bytes that is read."""
SBOM_VALUES: Final = 4_000_000
"""Most values in it: some hundred thousand packages."""
PROVENANCE_LIMIT: Final = 4 << 20
"""Largest provenance in bytes that is read."""
_CONTAINS: Final = "CONTAINS"
_NO_LICENSE: Final = {"NOASSERTION", "NONE"}


def read_sbom(raw: bytes) -> tuple[Contained, ...]:
    """Return what the described application contains, and the packages inside each of its parts.

    Raises:
        VerificationError: it is not JSON.
    """
    document = _parse(raw, SBOM, SBOM_VALUES)
    packages = {text(each.get("SPDXID")): each for each in mappings(document.get("packages"))}
    inside: dict[str, list[str]] = {}
    roots = []
    for each in mappings(document.get("relationships")):
        kind, of, other = (
            text(each.get(key)) for key in ("relationshipType", "spdxElementId", "relatedSpdxElement")
        )
        if kind == _CONTAINS:
            inside.setdefault(of, []).append(other)
        elif kind == "DESCRIBES":
            roots.append(other)
    parts = [packages[part] for root in roots for part in inside.get(root, ()) if part in packages]
    return tuple(
        Contained(
            text(part.get("name")),
            text(part.get("versionInfo")),
            text(part.get("primaryPackagePurpose")),
            tuple(
                _package(packages[name])
                for name in inside.get(text(part.get("SPDXID")), ())
                if name in packages
            ),
            tuple(text(each.get("comment")) for each in mappings(part.get("annotations"))),
        )
        for part in parts
    )


def _package(entry: Mapping[str, Any]) -> Package:
    licenses = [text(entry.get(key)) for key in ("licenseConcluded", "licenseDeclared")]
    known = [each for each in licenses if each and each not in _NO_LICENSE]
    purl = next(
        (
            text(each.get("referenceLocator"))
            for each in mappings(entry.get("externalRefs"))
            if text(each.get("referenceType")) == "purl"
        ),
        "",
    )
    kind = purl.removeprefix("pkg:").partition("/")[0]
    return Package(text(entry.get("name")), text(entry.get("versionInfo")), known[0] if known else "", kind)


def read_provenance(raw: bytes) -> Provenance:
    """Return who built the bundle, from what, and when.

    Raises:
        VerificationError: it is not JSON.
    """
    predicate = mapping(_parse(raw, PROVENANCE).get("predicate"))
    definition = mapping(predicate.get("buildDefinition"))
    details = mapping(predicate.get("runDetails"))
    facts = (
        ("builder", text(mapping(details.get("builder")).get("id"))),
        ("build_type", text(definition.get("buildType"))),
        ("profile_sha256", text(mapping(definition.get("externalParameters")).get("profileSha256"))),
        ("started", text(mapping(details.get("metadata")).get("startedOn"))),
    )
    dependencies = tuple(
        (
            text(each.get("uri")) or text(each.get("name")),
            ", ".join(f"{name}:{text(value)}" for name, value in mapping(each.get("digest")).items()),
        )
        for each in mappings(definition.get("resolvedDependencies"))
    )
    return Provenance(tuple((key, value) for key, value in facts if value), dependencies)


def _parse(raw: bytes, path: str, most: int = MAX_VALUES) -> Mapping[str, Any]:
    try:
        return mapping(parse_json(raw, most))
    except ValueError as error:
        raise VerificationError(
            tr("{path} cannot be read: {error}", path=path, error=error), hint=tr("build the bundle again")
        ) from error
