"""The packages of images in a bundle: in both SBOMs, in what commands show, and read only once."""

from __future__ import annotations

import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import cyclonedx.schema
import jsonschema
import pytest
import referencing
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from examples.demo.sample_registry import make_image
from tests.support.builder import Builder
from tests.support.faults import FaultRegistry
from tests.support.go_programs import ELF

STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: {version}
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>

"""
COPYRIGHT = (
    b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\n"
    b"License: LGPL-2.1+ and GPL with a remark\n"
)


def base(version: str) -> dict[str, bytes]:
    return {
        "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
        "var/lib/dpkg/status": STATUS.format(version=version).encode(),
        "usr/share/doc/libc6/copyright": COPYRIGHT,
    }


WEB = {
    "app/node_modules/@types/node/package.json": b'{"name": "@types/node", "version": "20.1.0"}',
    "app/node_modules/bad/package.json": b"{",
    "usr/bin/tool": ELF,
}
PUSHED = {
    "library/web:1": make_image([base("2.36-9"), WEB]),
    "library/web:2": make_image([base("2.36-10"), WEB]),
    "library/db:1": make_image(
        [base("2.36-9"), {"opt/a-1.dist-info/METADATA": b"Name: a\nVersion: 1\nLicense: BSD\n"}]
    ),
}
GAP = "app/node_modules/bad/package.json: it is not JSON"
VEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "timestamp": "2026-10-01T00:00:00Z",
    "statements": [{"status": "not_affected"}, {"status": "fixed"}, {"status": "fixed"}],
}


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path / "work", tmp_path / "cache")


def prepare(builder: Builder, web: str = "web:1", more: str = "") -> None:
    (builder.folder / "project").mkdir(parents=True, exist_ok=True)
    (builder.folder / "project/compose.yaml").write_text(
        f"services: {{web: {{image: {web}}}, db: {{image: 'db:1'}}}}\n"
    )
    (builder.folder / "p.yaml").write_text(
        f"application: compose\nversion: '1'\nsettings: {{project: project, name: t}}\n{more}\n"
    )


def serve(registry: FaultRegistry) -> None:
    for name, image in PUSHED.items():
        repository, _, tag = name.partition(":")
        registry.add_image(repository, tag, image)


def build(builder: Builder, registry: FaultRegistry, *arguments: str) -> Path:
    mirror = f"docker.io={registry.host}"
    done = json.loads(
        builder.check(
            "build", "-p", "./p.yaml", "--registry-mirror", mirror, "--unsigned", "--json", *arguments
        )
    )
    return builder.folder / str(done["path"])


def read(bundle: Path, name: str) -> Any:  # noqa: ANN401 JSON
    with tarfile.open(bundle) as archive:
        file = archive.extractfile(f"{bundle.stem}/{name}")
        assert file
        return json.loads(file.read())


@cache
def cyclonedx_schema() -> jsonschema.Draft7Validator:
    folder = Path(cyclonedx.schema.__file__).parent / "_res"
    registry: referencing.Registry[Any] = referencing.Registry()
    for name in ("spdx", "jsf-0.82"):
        schema = json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text())
        registry = registry.with_resource(schema["$id"], referencing.Resource.from_contents(schema))
    main = json.loads((folder / "bom-1.6.SNAPSHOT.schema.json").read_text())
    return jsonschema.Draft7Validator(main, registry=registry)


def check_documents(bundle: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both SBOMs, which are valid by what their specifications publish."""
    spdx, cdx = read(bundle, "attestations/sbom.spdx.json"), read(bundle, "attestations/sbom.cdx.json")
    cyclonedx_schema().validate(cdx)
    names = [each["bom-ref"] for each in cdx["components"]]
    names += [one["bom-ref"] for each in cdx["components"] for one in each.get("components", ())]
    assert len(set(names)) == len(names)
    parser = JsonLikeDictParser()  # type: ignore[no-untyped-call]
    found = validate_full_spdx_document(parser.parse(spdx), "SPDX-2.3")
    assert [(each.validation_message, each.context.spdx_id) for each in found] == []
    return spdx, cdx


def purls_in_spdx(document: dict[str, Any]) -> dict[str, list[str]]:
    packages = {each["SPDXID"]: each for each in document["packages"]}
    found: dict[str, list[str]] = {}
    for each in document["relationships"]:
        one, other = packages.get(each["spdxElementId"]), packages[each["relatedSpdxElement"]]
        if one and one.get("primaryPackagePurpose") == "CONTAINER":
            found.setdefault(one["name"], []).append(other["externalRefs"][0]["referenceLocator"])
    return {name: sorted(purls) for name, purls in found.items()}


def purls_in_cyclonedx(document: dict[str, Any]) -> dict[str, list[str]]:
    return {
        image["name"]: sorted(each["purl"] for each in image["components"])
        for image in document["components"]
        if image["type"] == "container"
    }


LIBC = "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12"


def test_both_sboms_are_valid_and_list_the_same(builder: Builder) -> None:
    prepare(builder, more="advisories: [vex.json]")
    (builder.folder / "vex.json").write_text(json.dumps(VEX))
    with FaultRegistry() as registry:
        serve(registry)
        bundle = build(builder, registry)
        first = bundle.read_bytes()
        for cached in (builder.cache / "blobs/sha256").iterdir():
            cached.chmod(0o600)
        registry.requests.clear()
        build(builder, registry, "--output", "again")
        assert not [each for each in registry.requests if "/blobs/" in each.path]
    assert (builder.folder / "again" / bundle.name).read_bytes() == first
    spdx, cdx = check_documents(bundle)
    expected = {
        "docker.io/library/db:1": [LIBC, "pkg:pypi/a@1"],
        "docker.io/library/web:1": [
            LIBC, "pkg:golang/example.com/app", "pkg:golang/stdlib@1.22.1", "pkg:npm/%40types/node@20.1.0",
        ],
    }  # fmt: skip
    assert purls_in_spdx(spdx) == purls_in_cyclonedx(cdx) == expected
    (libc,) = (each for each in spdx["packages"] if each["name"] == "libc6")
    assert libc["licenseDeclared"].startswith("LGPL-2.1-or-later AND LicenseRef-GPL-with-a-remark-")
    assert libc["sourceInfo"] == "found in var/lib/dpkg/status; built from the source package glibc 2.36-9"
    assert sorted(each["name"] for each in spdx["hasExtractedLicensingInfos"]) == ["BSD", "GPL with a remark"]
    notes = {each["name"]: each.get("annotations", ()) for each in spdx["packages"]}
    assert [each["comment"] for each in notes["docker.io/library/web:1"]] == [f"Not read: {GAP}"]
    assert notes["docker.io/library/db:1"] == ()
    kinds = {each["assemblies"][0]: each["aggregate"] for each in cdx["compositions"]}
    assert sorted(kinds.values()) == ["incomplete", "unknown"]
    (reference,) = cdx["externalReferences"]
    assert (reference["type"], reference["url"]) == (
        "exploitability-statement",
        "attestations/advisories/vex.json",
    )


def test_commands_show_packages_and_what_is_missing(builder: Builder) -> None:
    prepare(builder, more="advisories: [vex.json]")
    (builder.folder / "vex.json").write_text(json.dumps(VEX))
    with FaultRegistry() as registry:
        serve(registry)
        old = build(builder, registry)
        prepare(builder, "web:2", "sbom: {packages: true}")
        new = build(builder, registry, "--output", "new")
        prepare(builder, "web:2", "sbom: {packages: false}")
        off = build(builder, registry, "--output", "off")
    shown = builder.check("inspect", old)
    rows = [line.split() for line in shown.splitlines()]
    assert ["packages", "deb", "2,", "golang", "2,", "npm", "1,", "pypi", "1"] in rows
    assert ["docker.io/library/db:1", "deb", "1,", "pypi", "1"] in rows
    assert ["docker.io/library/web:1", *GAP.split()] in rows
    assert [
        "attestations/advisories/vex.json",
        "OpenVEX",
        "2026-10-01T00:00:00Z",
        "fixed",
        "2,",
        "not_affected",
        "1",
    ] in rows
    changes = json.loads(builder.check("diff", old, new, "--json"))["changes"]
    assert {
        "what": "package",
        "name": "web: libc6 (deb)",
        "kind": "changed",
        "old": "2.36-9",
        "new": "2.36-10",
    } in changes
    assert [each["name"] for each in changes if each["what"] == "package"] == ["web: libc6 (deb)"]
    changes = json.loads(builder.check("diff", old, off, "--json"))["changes"]
    assert "package" not in {each["what"] for each in changes}, "they are not removed, but not listed"
    page = builder.check("report", old, "-o", "-")
    for text in (
        "@types/node",
        "attestations/advisories/vex.json",
        "fixed 2, not_affected 1",
        f"Not read: {GAP}",
    ):
        assert text in page
    spdx, cdx = check_documents(off)
    assert [each["name"] for each in spdx["packages"]] == [
        "t",
        "docker.io/library/db:1",
        "docker.io/library/web:2",
    ]
    said = "The packages in this image were not read, as the build was told."
    assert spdx["packages"][1]["annotations"][0]["comment"] == said
    assert {each["aggregate"] for each in cdx["compositions"]} == {"incomplete"}
    assert "packages     not listed" in builder.check("inspect", off)


def test_layers_in_an_older_cache_are_read_again_and_damaged_records_too(builder: Builder) -> None:
    prepare(builder)
    with FaultRegistry() as registry:
        serve(registry)
        bundle = build(builder, registry)
        before = bundle.read_bytes()
        kept = sorted((builder.cache / "caches/software").glob("[0-9a-f]*"))
        kept[0].unlink()
        kept[1].chmod(0o600)
        kept[1].write_bytes(b"damaged")
        build(builder, registry, "--output", "again")
    assert (builder.folder / "again" / bundle.name).read_bytes() == before
    assert sorted((builder.cache / "caches/software").glob("[0-9a-f]*")) == kept


def test_write_once_lists_no_packages(builder: Builder) -> None:
    prepare(builder)
    once = ("build", "-p", "./p.yaml", "--unsigned", "--write-once")
    refused = builder.bundle(*once, "--set", "sbom.packages=true")
    assert refused.returncode == 2
    assert "--write-once cannot be combined with sbom.packages: true" in refused.stderr
    assert "--set sbom.packages=false" in refused.stderr
    with FaultRegistry() as registry:
        serve(registry)
        made = builder.bundle(*once, "--registry-mirror", f"docker.io={registry.host}")
    assert made.returncode == 0, made.stderr
    assert "the SBOM does not list the packages in images" in made.stderr
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    assert "packages     not listed" in builder.check("inspect", bundle)
