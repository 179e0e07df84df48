"""Choose the image for a reference: platforms, OCI and Docker's formats, and what is refused."""

from __future__ import annotations

import dataclasses
import json

import pytest

from bundler.errors import BundleError, FetchError
from bundler.image.digest import digest_of
from bundler.image.oci import (
    DOCKER_CONFIG,
    DOCKER_FOREIGN,
    DOCKER_LAYER_GZIP,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
)
from bundler.image.platform import Platform
from examples.demo.sample_registry import Document, Image, encode, make_image, pack_image
from tests.support.faults import FaultRegistry
from tests.support.pulls import Puller

AMD64 = make_image({"a": b"amd64"})
ARM64 = make_image({"a": b"arm64"}, platform="linux/arm64/v8")
ARM6 = make_image({"a": b"armv6"}, platform="linux/arm/v6")
ARM7 = make_image({"a": b"armv7"}, platform="linux/arm/v7")


def schema2(image: Image, **changes: object) -> Document:
    """Return the image in the format that Docker's registry used before OCI."""
    document = json.loads(image.manifest.raw)
    document["mediaType"] = DOCKER_MANIFEST
    document["config"]["mediaType"] = DOCKER_CONFIG
    for layer in document["layers"]:
        layer["mediaType"] = DOCKER_LAYER_GZIP
    return Document(DOCKER_MANIFEST, encode({**document, **changes}))


@pytest.mark.parametrize(
    ("platform", "image"),
    [("linux/amd64", AMD64), ("linux/arm64", ARM64), ("linux/arm/v7", ARM7), ("linux/arm/v6", ARM6)],
)
def test_an_index_gives_the_platform_and_nothing_else_is_fetched(
    registry: FaultRegistry, puller: Puller, platform: str, image: Image
) -> None:
    registry.add_index("app", "1", [ARM6, AMD64, ARM64, ARM7])
    (found,) = puller.pull(f"{registry.host}/app:1", platform=Platform.parse(platform))
    assert found.manifest.descriptor.digest == image.manifest.digest
    assert set(registry.counts()) == set(image.blobs), "no attestation, no other platform"


def test_a_platform_that_is_not_there_names_those_that_are(registry: FaultRegistry, puller: Puller) -> None:
    registry.add_index("app", "1", [AMD64, ARM64])
    with pytest.raises(
        FetchError, match=r"no image for linux/s390x.*: linux/amd64, linux/arm64/v8"
    ) as caught:
        puller.pull(f"{registry.host}/app:1", platform=Platform.parse("linux/s390x"))
    assert "--platform" in (caught.value.hint or "")


def test_an_image_without_an_index_is_checked_by_its_config(registry: FaultRegistry, puller: Puller) -> None:
    registry.add_image("app", "1", ARM64)
    with pytest.raises(FetchError, match="made for linux/arm64/v8, but the bundle is for linux/amd64"):
        puller.pull(f"{registry.host}/app:1")


def test_docker_schema_2_keeps_its_bytes_and_digests(registry: FaultRegistry, puller: Puller) -> None:
    registry.add_image("app", None, AMD64)
    document = schema2(AMD64)
    entry = {**document.descriptor, "platform": {"os": "linux", "architecture": "amd64"}}
    registry.add_document("app", None, document)
    listing = Document(
        DOCKER_LIST, encode({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [entry]})
    )
    registry.add_document("app", "1", listing)
    (found,) = puller.pull(f"{registry.host}/app:1")
    assert puller.store.read(document.digest) == document.raw
    assert found.manifest.media_type == DOCKER_MANIFEST
    by_digest = puller.pull(f"{registry.host}/app@{listing.digest}")
    assert by_digest[0].manifest.descriptor.digest == document.digest


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            Document("application/vnd.docker.distribution.manifest.v1+json", b'{"schemaVersion": 1}'),
            "schema 1 is not supported",
        ),
        (
            schema2(AMD64, layers=[{"mediaType": DOCKER_FOREIGN, "digest": digest_of(b""), "size": 0}]),
            "is foreign",
        ),
        (
            schema2(AMD64, layers=[{"mediaType": DOCKER_LAYER_GZIP, "digest": "sha256:../../x", "size": 1}]),
            "not a sha256 digest",
        ),
        (
            schema2(AMD64, layers=[{"mediaType": DOCKER_LAYER_GZIP, "digest": digest_of(b""), "size": -5}]),
            "size -5",
        ),
        (
            schema2(AMD64, layers=[{"mediaType": DOCKER_LAYER_GZIP, "digest": digest_of(b""), "size": "9"}]),
            "size '9'",
        ),
        (
            schema2(
                AMD64, layers=[{"mediaType": "application/octet-stream", "digest": digest_of(b""), "size": 9}]
            ),
            "layer type 'application/octet-stream' is not supported",
        ),
        (
            schema2(
                AMD64,
                config={
                    "mediaType": "application/vnd.cncf.helm.config.v1+json",
                    "digest": digest_of(b""),
                    "size": 9,
                },
            ),
            "not a container image",
        ),
        (schema2(AMD64, layers=[]), "0 layers in the manifest, but 1 in the config"),
    ],
)
def test_an_artifact_that_is_not_an_image_is_refused_before_its_blobs_are_fetched(
    registry: FaultRegistry, puller: Puller, document: Document, says: str
) -> None:
    registry.add_image("app", None, AMD64)
    registry.add_document("app", "1", document)
    with pytest.raises(BundleError, match=says) as caught:
        puller.pull(f"{registry.host}/app:1")
    assert f"{registry.host}/app:1" in caught.value.message
    assert AMD64.layers[0] not in registry.counts()


def test_two_images_that_disagree_about_a_blobs_size_are_refused(
    registry: FaultRegistry, puller: Puller
) -> None:
    registry.add_image("app", "1", AMD64)
    layer = {"mediaType": DOCKER_LAYER_GZIP, "digest": AMD64.layers[0], "size": 1 << 60}
    registry.add_document("app", "2", schema2(AMD64, layers=[layer]))
    with pytest.raises(FetchError, match=f"blob {AMD64.layers[0]} has {1 << 60} bytes here"):
        puller.pull(f"{registry.host}/app:1", f"{registry.host}/app:2")


# ---------------------------------------------------------------- minimal configs


def with_config(image: Image, changes: dict[str, object], media_type: str = OCI_CONFIG) -> Image:
    """Return the image with changes to its config; None removes a key."""
    document = json.loads(image.manifest.raw)
    layers = [image.blobs[digest] for digest in image.layers]
    config = {**json.loads(image.blobs[document["config"]["digest"]]), **changes}  # type: ignore[arg-type]
    made = pack_image(encode({key: value for key, value in config.items() if value is not None}), layers)
    raw = made.manifest.raw.replace(OCI_CONFIG.encode(), media_type.encode())
    return dataclasses.replace(made, manifest=Document(made.manifest.media_type, raw))


@pytest.mark.parametrize(
    "changes",
    [
        {"os": None, "architecture": None},
        {"architecture": ""},
        {"os": ""},
        {"architecture": None, "variant": None},
    ],
)
@pytest.mark.parametrize("indexed", [True, False])
def test_a_config_without_a_platform_is_taken_for_the_one_that_is_built_for(
    registry: FaultRegistry,
    puller: Puller,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, object],
    *,
    indexed: bool,
) -> None:
    image = with_config(AMD64, changes)
    if indexed:
        registry.add_index("app", "1", [ARM64, image])
    else:
        registry.add_image("app", "1", image)
    puller.pull(f"{registry.host}/app:1")
    assert "app:1: the image's config does not name a complete platform; assuming linux/amd64" in caplog.text


def test_what_a_config_does_say_of_its_platform_counts(registry: FaultRegistry, puller: Puller) -> None:
    registry.add_image("app", "1", with_config(ARM64, {"os": None}))
    with pytest.raises(FetchError, match="made for linux/arm64/v8, but the bundle is for linux/amd64"):
        puller.pull(f"{registry.host}/app:1")
    registry.add_image("app", "2", with_config(AMD64, {"os": 5}))
    with pytest.raises(FetchError, match="app:2: a platform has no os or architecture"):
        puller.pull(f"{registry.host}/app:2")


def test_a_config_of_octets_is_a_config(
    registry: FaultRegistry, puller: Puller, caplog: pytest.LogCaptureFixture
) -> None:
    registry.add_image("app", "1", with_config(AMD64, {}, "application/octet-stream"))
    puller.pull(f"{registry.host}/app:1")
    assert "app:1: the image's config has the type application/octet-stream" in caplog.text
