"""Import a docker-archive into any blob sink, independently of the store."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable

import pytest
import zstandard

from bundler.errors import FetchError
from bundler.image.digest import digest_of
from bundler.image.oci import OCI_LAYER_GZIP, Manifest
from bundler.layer.unpacking import read_diff_id
from bundler_docker.importing import choose_by_config, import_archive
from examples.demo.sample_registry import encode
from tests.support.docker_archives import CONFIG, ENTRY, TAR, Sink, saved


def test_an_archive_is_exported_into_the_sink_that_is_given() -> None:
    rootfs = {"type": "layers", "diff_ids": [digest_of(TAR)]}
    config = encode({"os": "linux", "architecture": "amd64", "rootfs": rootfs})
    entry = {"Config": "config.json", "Layers": ["layer.tar"], "RepoTags": ["app:1"]}
    archive = saved(layer_tar=TAR, config_json=config, manifest_json=encode([entry]))
    sink = Sink()
    manifest = import_archive(io.BytesIO(archive), sink, "here", choose_by_config(digest_of(config)))
    (layer,) = manifest.layers
    assert layer.media_type == OCI_LAYER_GZIP
    assert read_diff_id(io.BytesIO(sink.blobs[layer.digest]), "layer") == digest_of(TAR)
    assert sink.diff_ids == {layer.digest: digest_of(TAR)}
    assert sink.blobs[manifest.config.digest] == config
    assert {blob.size for blob in manifest.blobs} == {len(data) for data in sink.blobs.values()}


def read(archive: bytes, wanted: bytes = CONFIG) -> Manifest:
    return import_archive(io.BytesIO(archive), Sink(), "here", choose_by_config(digest_of(wanted)))


def test_layers_that_are_links_are_resolved() -> None:
    """Older engines write a layer shared by two images only once."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, kind, target in (
            ("a/layer.tar", tarfile.SYMTYPE, "../layer.tar"),
            ("b", tarfile.LNKTYPE, "c"),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
    links = made.getvalue()[:512]
    described = encode([{**ENTRY, "Layers": ["a/layer.tar"]}])
    manifest = read(links + saved(layer_tar=TAR, config_json=CONFIG, manifest_json=described))
    assert len(manifest.layers) == 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"config_json": CONFIG}, "no manifest.json"),
        ({"manifest_json": encode([ENTRY])}, "does not contain the image"),
        ({"manifest_json": encode([ENTRY]), "config_json": CONFIG}, "the layer layer.tar is missing"),
        (
            {"manifest_json": encode([{**ENTRY, "Layers": []}]), "config_json": CONFIG},
            "0 layers, but the config has 1",
        ),
        (
            {"manifest_json": encode([ENTRY]), "config_json": CONFIG, "layer_tar": bytes(20_480)},
            r"the layer layer\.tar is sha256:.*, but the config says sha256:",
        ),
        (
            {"manifest_json": encode([ENTRY]), "config_json": CONFIG, "layer_tar": gzip.compress(TAR)},
            "the layer layer.tar has the digest sha256:",
        ),
    ],
)
def test_an_archive_that_is_not_whole_is_refused(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(FetchError, match=message):
        read(saved(**files))


def test_a_config_that_its_name_does_not_fit_is_damaged() -> None:
    name = digest_of(b"another")[7:]
    described = encode([{**ENTRY, "Config": f"{name}.json"}])
    archive = saved(layer_tar=TAR, manifest_json=described, **{f"{name}_json": CONFIG})
    with pytest.raises(FetchError, match=f"the config {name}.json is damaged"):
        read(archive)


def test_an_archive_that_is_cut_off_is_refused() -> None:
    archive = saved(layer_tar=TAR, config_json=CONFIG, manifest_json=encode([ENTRY]))
    with pytest.raises(FetchError, match="the archive is damaged or truncated"):
        read(archive[:5000])


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "bzip2 in two streams": lambda data: bz2.compress(data[:3000]) + bz2.compress(data[3000:]),
}


@pytest.mark.parametrize("compress", COMPRESSORS.values(), ids=COMPRESSORS.keys())
def test_a_compressed_archive_is_read_and_its_truncation_found(compress: Callable[[bytes], bytes]) -> None:
    archive = compress(saved(layer_tar=TAR, config_json=CONFIG, manifest_json=encode([ENTRY])))
    assert len(read(archive).layers) == 1
    with pytest.raises(FetchError, match=r"the archive is damaged or truncated|no manifest\.json"):
        read(archive[: len(archive) // 2])


def test_a_compressed_archive_that_is_damaged_is_refused() -> None:
    archive = bytearray(bz2.compress(saved(layer_tar=TAR, config_json=CONFIG, manifest_json=encode([ENTRY]))))
    archive[20:30] = bytes(10)
    with pytest.raises(FetchError, match="the archive is damaged or truncated"):
        read(bytes(archive))
