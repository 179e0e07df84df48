"""The SBOM and the provenance of a bundle."""

from __future__ import annotations

import json

import pytest

from bundler.bundle.attestations import Component, provenance
from bundler.bundle.spdx import sbom
from bundler.errors import VerificationError
from bundler.report.attested import read_provenance, read_sbom
from bundler.report.model import Package
from tests.support.tiny import MANIFEST

COMPONENT = Component("engine", "Docker", "29.1", "files/docker.tgz", "0" * 64, "ARCHIVE")


def test_what_the_build_writes_is_read() -> None:
    (part,) = read_sbom(sbom(MANIFEST, [COMPONENT], None))
    assert (part.name, part.version, part.purpose, part.packages) == ("Docker", "29.1", "ARCHIVE", ())
    found = read_provenance(provenance(MANIFEST, [COMPONENT]))
    assert dict(found.facts)["builder"] == "tests"
    assert dict(found.facts)["started"] == "2023-11-14T22:13:20Z"
    assert found.dependencies == (("Docker", "sha256:" + "0" * 64),)


def test_packages_inside_of_parts_are_listed_with_their_licences() -> None:
    document = {
        "packages": [
            {"SPDXID": "app", "name": "app"},
            {"SPDXID": "image", "name": "redis:7", "versionInfo": "7"},
            {"SPDXID": "a", "name": "libc6", "versionInfo": "2.36", "licenseDeclared": "LGPL-2.1"},
            {"SPDXID": "b", "name": "own", "licenseConcluded": "NOASSERTION"},
        ],
        "relationships": [
            {"spdxElementId": "doc", "relationshipType": "DESCRIBES", "relatedSpdxElement": "app"},
            *(
                {"spdxElementId": one, "relationshipType": "CONTAINS", "relatedSpdxElement": two}
                for one, two in [("app", "image"), ("image", "a"), ("image", "b"), ("image", "unknown")]
            ),
        ],
    }
    (part,) = read_sbom(json.dumps(document).encode())
    assert part.packages == (Package("libc6", "2.36", "LGPL-2.1"), Package("own", "", ""))


@pytest.mark.parametrize("read", [read_sbom, read_provenance])
def test_what_is_not_json_is_refused(read: object) -> None:
    with pytest.raises(VerificationError, match=r"^attestations/.* cannot be read: "):
        read(b"{")  # type: ignore[operator]


@pytest.mark.parametrize("raw", [b"[]", b"7", b'{"packages": 7, "relationships": [7], "predicate": []}'])
def test_documents_of_any_shape_are_no_error(raw: bytes) -> None:
    assert read_sbom(raw) == ()
    assert read_provenance(raw).facts == ()
