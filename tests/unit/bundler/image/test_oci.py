from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.errors import BundleError, FetchError
from bundler.image.digest import check_digest, digest_of
from bundler.image.oci import (
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
)
from bundler.image.platform import Platform
from bundler.image.reference import Reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis", "docker.io/library/redis:latest"),
        ("redis:7", "docker.io/library/redis:7"),
        ("index.docker.io/redis:7", "docker.io/library/redis:7"),
        ("langgenius/dify-api:1.17.1", "docker.io/langgenius/dify-api:1.17.1"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
        ("127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest"),
        ("[::1]:5000/app:1", "[::1]:5000/app:1"),
        (f"quay.io/coreos/etcd@{DIGEST}", f"quay.io/coreos/etcd@{DIGEST}"),
        (f"redis:7@{DIGEST}", f"docker.io/library/redis:7@{DIGEST}"),
    ],
)
def test_references_are_normalised_as_docker_does(text: str, expected: str) -> None:
    assert str(Reference.parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "UPPER",
        "a//b",
        "redis:",
        "redis:-x",
        "redis@sha256:abc",
        "-a",
        "a b",
        "redis@md5:00",
        "a:b:c",
    ],
)
def test_an_invalid_reference_is_named(text: str) -> None:
    with pytest.raises(BundleError, match="image reference"):
        Reference.parse(text)


@given(
    registry=st.sampled_from(["docker.io", "quay.io", "localhost:5000", "10.0.0.1:5000"]),
    repository=st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+)*", fullmatch=True),
    tag=st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    digest=st.none() | st.just(DIGEST),
)
def test_a_normalised_reference_reads_as_itself(
    registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    if registry == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    if tag is None and digest is None:
        tag = "latest"
    reference = Reference(registry, repository, tag, digest)
    assert Reference.parse(str(reference)) == reference


def test_an_engine_gets_a_tag_even_for_a_reference_by_digest() -> None:
    assert Reference.parse(f"redis@{DIGEST}").tagged == "docker.io/library/redis:sha256-" + "a" * 12
    assert Reference.parse(f"redis:7@{DIGEST}").tagged == "docker.io/library/redis:7"


@pytest.mark.parametrize(
    ("wanted", "offered", "fits"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/x86_64", "linux/amd64", True),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm/v7", "linux/arm/v6", True),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/amd64/v3", "linux/amd64", True),
        ("linux/amd64", "linux/amd64/v2", False),
        ("linux/amd64", "linux/amd64/odd", False),
        ("linux/riscv64", "linux/riscv64", True),
        ("linux/arm", "linux/arm/v7", True),
        ("linux/amd64", "linux/arm64", False),
        ("linux/amd64", "windows/amd64", False),
    ],
)
def test_default_variants_of_platforms_match(wanted: str, offered: str, fits: bool) -> None:
    assert Platform.parse(wanted).accepts(Platform.parse(offered)) is fits


@pytest.mark.parametrize("text", ["linux", "linux/", "a/b/c/d", "linux/am d64"])
def test_invalid_platforms_are_refused(text: str) -> None:
    with pytest.raises(BundleError, match="platform"):
        Platform.parse(text)


@pytest.mark.parametrize("digest", [None, 7, "sha256:xyz", "sha512:" + "a" * 128, "sha256:" + "A" * 64])
def test_only_sha256_digests_pass(digest: object) -> None:
    with pytest.raises(FetchError):
        check_digest(digest)


def manifest(**changes: object) -> bytes:
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": DIGEST, "size": 3},
        "layers": [{"mediaType": OCI_LAYER_GZIP, "digest": DIGEST, "size": 5}],
    }
    document.update(changes)
    return json.dumps({k: v for k, v in document.items() if v is not None}).encode()


def test_a_manifest_keeps_the_bytes_that_came() -> None:
    raw = manifest() + b" \n"
    found = Manifest.parse(raw, "x")
    assert found.raw == raw
    assert found.descriptor == Descriptor(OCI_MANIFEST, digest_of(raw), len(raw))


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"[]", "not a JSON object"),
        (b"{", "not JSON"),
        (manifest(schemaVersion=1), "schema 1"),
        (manifest(layers=None), "no layers"),
        (manifest(config=None), "descriptor"),
        (
            manifest(config={"mediaType": "text/plain", "digest": DIGEST, "size": 1}),
            "not a container image",
        ),
        (manifest(layers=[{"mediaType": OCI_LAYER_GZIP, "digest": DIGEST, "size": -1}]), "size"),
        (manifest(layers=[{"mediaType": OCI_LAYER_GZIP, "digest": DIGEST, "size": True}]), "size"),
        (
            manifest(layers=[{"mediaType": OCI_LAYER_GZIP, "digest": "sha256:0", "size": 1}]),
            "digest",
        ),
        (
            manifest(
                layers=[
                    {
                        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
                        "digest": DIGEST,
                        "size": 1,
                    }
                ]
            ),
            "foreign",
        ),
        (manifest(manifests=[]), "both a manifest and an index"),
        (b" " * (4 * 1024 * 1024 + 1), "more than 4 MiB"),
    ],
)
def test_bad_manifests_are_refused(raw: bytes, says: str) -> None:
    with pytest.raises(FetchError, match=says):
        Manifest.parse(raw, "image")


def test_the_registry_and_the_document_must_agree_on_the_type() -> None:
    with pytest.raises(FetchError, match="the registry says"):
        Manifest.parse(manifest(), "image", DOCKER_MANIFEST)


def index(*entries: dict[str, object]) -> Index:
    raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    return Index.parse(raw, "image")


def entry(arch: str, digest: str, **more: object) -> dict[str, object]:
    platform = {"os": "unknown" if arch == "unknown" else "linux", "architecture": arch}
    return {"mediaType": OCI_MANIFEST, "digest": digest, "size": 1, "platform": platform, **more}


def test_an_index_yields_the_image_for_the_platform_and_skips_attestations() -> None:
    other = "sha256:" + "b" * 64
    found = index(
        entry("unknown", other, annotations={"vnd.docker.reference.type": "attestation-manifest"}),
        entry("arm64", other),
        entry("amd64", DIGEST),
    )
    assert found.select(Platform.parse("linux/amd64"), "image").digest == DIGEST
    with pytest.raises(FetchError, match=r"no image for linux/s390x.*linux/amd64, linux/arm64"):
        found.select(Platform.parse("linux/s390x"), "image")


def test_an_index_yields_the_nearest_variant() -> None:
    def arm(variant: str, number: int) -> dict[str, object]:
        platform = {"os": "linux", "architecture": "arm", "variant": variant}
        return entry("arm", f"sha256:{number:064d}", platform=platform)

    found = index(arm("v5", 5), arm("v7", 7), arm("v6", 6))
    for wanted, chosen in (("linux/arm", 7), ("linux/arm/v7", 7), ("linux/arm/v6", 6), ("linux/arm/v8", 7)):
        assert found.select(Platform.parse(wanted), "image").digest == f"sha256:{chosen:064d}"
    with pytest.raises(FetchError, match=r"no image for linux/arm/v4"):
        found.select(Platform.parse("linux/arm/v4"), "image")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"schemaVersion": 2, "manifests": 3}', "not an image index"),
        (b'{"manifests": [3]}', "a descriptor is not an object"),
        (b'{"manifests": [{"mediaType": 1, "digest": "x", "size": 1}]}', "no mediaType"),
        (
            json.dumps({"manifests": [entry("amd64", DIGEST, platform=3)]}).encode(),
            "platform is not an object",
        ),
        (json.dumps({"manifests": [entry("amd64", DIGEST, platform={})]}).encode(), "no os or architecture"),
        (json.dumps({"manifests": [entry("amd64", DIGEST, size=-1)]}).encode(), "size"),
        (json.dumps({"manifests": [entry("amd64", DIGEST, size=1.5)]}).encode(), "size"),
        (json.dumps({"mediaType": 3, "manifests": []}).encode(), "mediaType is not a string"),
    ],
)
def test_bad_indexes_are_refused(raw: bytes, says: str) -> None:
    with pytest.raises(FetchError, match=says):
        Index.parse(raw, "image")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"Test": ["CMD", "a"], "Interval": 5, "Retries": 0, "Timeout": "1s", "More": 1},
            {"Test": ["CMD", "a"], "Interval": 5},
        ),
        ({"Test": ["NONE"]}, {"Test": ["NONE"]}),
        ({"Test": "a"}, None),
        ({"Interval": 5}, None),
        (None, None),
    ],
)
def test_the_health_check_of_an_image_is_read(given: object, expected: object) -> None:
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [DIGEST]}}
    raw = json.dumps({**config, "config": {"Healthcheck": given}}).encode()
    assert ImageConfig.parse(raw, "web:1").healthcheck == expected
