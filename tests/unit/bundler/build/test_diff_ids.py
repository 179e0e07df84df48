"""Images that no engine loads are refused at build, in every mode and from every source, and unpacked once.

What engines refuse was found by trying: Docker 20.10 and Podman 4.3 refuse a gzip stream that is truncated or
has trailing data; all refuse a wrong diff ID; overlay2 refuses more than 125 layers.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import zstandard

from bundler.api.images import ResolvedImage, SourceOptions
from bundler.build.fetch import fetch
from bundler.bundle.incoming import Placing
from bundler.errors import BundleError, FetchError
from bundler.image.reference import Reference
from bundler.io.workers import Crew
from bundler.layer import unpacking
from bundler.store.blobs import Store
from bundler.terminal.progress import LogReporter
from bundler_docker.archives import ArchiveSource
from examples.demo.sample_registry import (
    CONFIG_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    Document,
    Image,
    digest_of,
    encode,
    make_image,
    make_layer,
)
from tests.support.faults import FaultRegistry
from tests.support.pulls import AMD64, Puller

NOISE = random.Random(3).randbytes(1_500_000)  # noqa: S311 the same each time
LAYER, DIFF = make_layer({"data": NOISE})
TAR = gzip.decompress(LAYER)
OTHER = digest_of(b"another tar")


def image_of(*layers: tuple[bytes, str], types: str = LAYER_TYPE) -> Image:
    """Return an image of compressed layers and the diff IDs that its config states for them."""
    rootfs = {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]}
    config = encode({"os": "linux", "architecture": "amd64", "rootfs": rootfs})
    manifest = encode(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": digest_of(config), "size": len(config)},
            "layers": [
                {"mediaType": types, "digest": digest_of(layer), "size": len(layer)} for layer, _ in layers
            ],
        }
    )
    blobs = {digest_of(blob): blob for blob in (config, *(layer for layer, _ in layers))}
    return Image(Document(MANIFEST_TYPE, manifest), blobs, "linux/amd64")


GOOD = image_of((LAYER, DIFF))
BROKEN: dict[str, tuple[Image, str]] = {
    "another diff ID": (image_of((LAYER, OTHER)), f"unpacks to {DIFF}, but the image's config says {OTHER}"),
    "the packed layer's digest": (image_of((LAYER, digest_of(LAYER))), f"unpacks to {DIFF}"),
    "garbage behind the gzip": (image_of((LAYER + b"garbage", DIFF)), "cannot be unpacked"),
    "zeros behind the gzip": (image_of((LAYER + bytes(512), DIFF)), "cannot be unpacked"),
    "a gzip that is cut off": (image_of((LAYER[:-6], DIFF)), "cannot be unpacked: it is truncated"),
    "a zstd that is cut off": (
        image_of((zstandard.compress(TAR)[:-6], DIFF)),
        "unpacks to|does not match its media",
    ),
    "an empty gzip": (image_of((LAYER, DIFF), (gzip.compress(b"", mtime=0), digest_of(b""))), "is empty"),
    "an empty blob": (image_of((LAYER, DIFF), (b"", digest_of(b""))), "is empty"),
}


def write_layout(folder: Path, image: Image, name: str) -> Path:
    """Write an OCI image layout."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    for digest, content in {**image.blobs, image.manifest.digest: image.manifest.raw}.items():
        assert isinstance(content, bytes)
        (blobs / digest[7:]).write_bytes(content)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    entry = {**image.manifest.descriptor, "annotations": {"io.containerd.image.name": name}}
    (folder / "index.json").write_bytes(encode({"schemaVersion": 2, "manifests": [entry]}))
    return folder


def write_saved(path: Path, image: Image, name: str) -> Path:
    """Write a docker-archive as Docker 25 and newer do: unchanged layers, named by digest."""
    document = json.loads(image.manifest.raw)
    entry = {
        "Config": "blobs/sha256/" + document["config"]["digest"][7:],
        "RepoTags": [name],
        "Layers": ["blobs/sha256/" + layer["digest"][7:] for layer in document["layers"]],
    }
    files = {f"blobs/sha256/{digest[7:]}": content for digest, content in image.blobs.items()}
    with tarfile.open(path, "w") as tar:
        for member, content in {**files, "manifest.json": encode([entry])}.items():
            assert isinstance(content, bytes)
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


NAME = "registry.example/app:1"


def from_registry(registry: FaultRegistry, puller: Puller, image: Image) -> None:
    registry.add_image("app", "1", image)
    puller.pull(f"{registry.host}/app:1")


def from_archive(path: Path, store: Store) -> ResolvedImage:
    source = ArchiveSource(SourceOptions(archives=(path,)))
    image = source.resolve(Reference.parse(NAME), AMD64)
    with (store.root.parent / "log").open("a") as log:
        fetch([image], {"archive": source}, store, AMD64, LogReporter(log))
    return image


def from_layout(registry: FaultRegistry, puller: Puller, image: Image) -> None:
    from_archive(write_layout(puller.folder / "layout", image, NAME), puller.store)


def from_saved(registry: FaultRegistry, puller: Puller, image: Image) -> None:
    from_archive(write_saved(puller.folder / "saved.tar", image, NAME), puller.store)


def written_once(registry: FaultRegistry, puller: Puller, image: Image) -> None:
    """Build an image as the pack stage does with `--write-once`."""
    registry.add_image("app", "1", image)
    source = puller.source()
    resolved = source.resolve(Reference.parse(f"{registry.host}/app:1"), AMD64)
    with (puller.folder / "log").open("a") as log, (puller.folder / "bundle").open("w+b") as file:
        fetched = fetch(
            [resolved], {"registry": source}, puller.store, AMD64, LogReporter(log), write_once=True
        )
        with Crew(2, "place") as crew:
            placing = Placing(file.fileno(), crew, lambda _label, _size: None)
            for incoming in fetched.incoming.values():
                placing.begin(incoming, 0)
            crew.wait()
    source.close()
    assert fetched.incoming or not [blob for blob in fetched.images[0].manifest.layers if blob.size > 1 << 20]


WAYS: Mapping[str, Callable[[FaultRegistry, Puller, Image], None]] = {
    "registry": from_registry,
    "layout": from_layout,
    "docker-archive": from_saved,
    "write-once": written_once,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_valid_image_is_accepted(registry: FaultRegistry, puller: Puller, way: str) -> None:
    WAYS[way](registry, puller, GOOD)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("image", "says"), BROKEN.values(), ids=BROKEN.keys())
def test_an_image_that_no_engine_loads_is_refused(
    registry: FaultRegistry, puller: Puller, way: str, image: Image, says: str
) -> None:
    for number in range(2):  # a second build refuses it too
        with pytest.raises(FetchError, match=says) as caught:
            WAYS[way](registry, puller, image)
        assert "app:1" in caught.value.message
        assert "layer" in caught.value.message
        for folder in ("layout", "saved.tar"):
            path = puller.folder / folder
            if path.exists():
                path.rename(puller.folder / f"{folder}.{number}")


@pytest.mark.parametrize("way", ["registry", "layout", "docker-archive"])
@pytest.mark.parametrize(("count", "taken"), [(125, True), (126, False)])
def test_125_layers_are_the_limit(
    registry: FaultRegistry, puller: Puller, way: str, count: int, *, taken: bool
) -> None:
    image = make_image([{f"file{number}": b"x"} for number in range(count)])
    if taken:
        WAYS[way](registry, puller, image)
        return
    with pytest.raises(BundleError, match=r"app:1.*126 layers; engines load at most 125"):
        WAYS[way](registry, puller, image)


@pytest.mark.parametrize("count", [0, 2])
def test_the_numbers_of_layers_and_diff_ids_must_match(
    registry: FaultRegistry, puller: Puller, count: int
) -> None:
    image = image_of((LAYER, DIFF))
    document = json.loads(image.manifest.raw)
    document["layers"] *= count
    image = Image(Document(MANIFEST_TYPE, encode(document)), image.blobs, "linux/amd64")
    with pytest.raises(FetchError, match=rf"app:1: {count} layers in the manifest, but 1 in the config"):
        from_registry(registry, puller, image)


def test_images_that_disagree_about_a_layer_are_refused(registry: FaultRegistry, puller: Puller) -> None:
    registry.add_image("app", "1", GOOD)
    registry.add_image("other", "1", image_of((LAYER, OTHER)))
    with pytest.raises(FetchError, match=rf"(?s)layer {digest_of(LAYER)} unpacks to .*app:1|other:1"):
        puller.pull(f"{registry.host}/app:1", f"{registry.host}/other:1")


# ---------------------------------------------------------------- unpacked once


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list that gets an entry for each unpacked layer, from its download or from its file."""
    marks: list[bool] = []
    original = unpacking.unpack_stream

    def counted(packed: object, *, wide: bool = True) -> Iterator[bytes]:
        marks.append(wide)
        return original(packed, wide=wide)  # type: ignore[arg-type]

    monkeypatch.setattr(unpacking, "unpack_stream", counted)
    return marks


def test_a_layer_is_unpacked_once_while_it_streams(
    registry: FaultRegistry, puller: Puller, unpacked: list[bool]
) -> None:
    from_registry(registry, puller, GOOD)
    assert unpacked == [False]
    from_registry(registry, puller, GOOD)
    assert unpacked == [False], "a warm build knows it"
    assert puller.store.recall_diff_id(digest_of(LAYER)) == DIFF


def test_a_cached_layer_without_a_diff_id_is_read_once(
    registry: FaultRegistry, puller: Puller, unpacked: list[bool]
) -> None:
    from_registry(registry, puller, GOOD)
    for note in (puller.store.root / "refs").iterdir():
        note.unlink()
    from_registry(registry, puller, GOOD)
    from_registry(registry, puller, GOOD)
    assert unpacked == [False, True]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_record_counts_as_missing(
    registry: FaultRegistry, puller: Puller, unpacked: list[bool], damage: str
) -> None:
    from_registry(registry, puller, GOOD)
    for note in (puller.store.root / "refs").iterdir():
        text = note.read_text()
        changed = text.replace(DIFF, OTHER)
        note.write_text({"cut": text[:40], "changed": changed, "empty": ""}[damage])
    from_registry(registry, puller, GOOD)
    assert unpacked == [False, True]
    assert puller.store.recall_diff_id(digest_of(LAYER)) == DIFF


def test_a_resumed_layer_is_unpacked_while_it_streams(
    registry: FaultRegistry, puller: Puller, unpacked: list[bool]
) -> None:
    partial = puller.store.root / "partial"
    partial.mkdir(parents=True)
    (partial / digest_of(LAYER)[7:]).write_bytes(LAYER[:700_000])
    from_registry(registry, puller, GOOD)
    assert unpacked == [False]


def test_layers_that_were_packed_here_are_not_unpacked(puller: Puller, unpacked: list[bool]) -> None:
    """A docker-archive of older engines contains plain tars."""
    tar_type = LAYER_TYPE.removesuffix("+gzip")
    path = write_saved(puller.folder / "saved.tar", image_of((TAR, DIFF), types=tar_type), NAME)
    from_archive(path, puller.store)
    assert unpacked == [], "the archive itself is read plain, the layer is hashed while it is packed"


def test_a_wide_zstd_layer_is_read_from_the_file(
    registry: FaultRegistry, puller: Puller, unpacked: list[bool]
) -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=26, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    layer = packer.compress(TAR) + packer.flush()
    from_registry(registry, puller, image_of((layer, DIFF), types=LAYER_TYPE.replace("gzip", "zstd")))
    assert unpacked == [False, True]


# ---------------------------------------------------------------- hostile archives


def test_an_archive_of_endless_json_is_refused(puller: Puller) -> None:
    path = puller.folder / "saved.tar"
    blob = b"{" + b" " * (4 << 20)
    with tarfile.open(path, "w") as tar:
        for number in range(20):
            info = tarfile.TarInfo(f"{number}.json")
            info.size = len(blob) - 1
            tar.addfile(info, io.BytesIO(blob))
    with pytest.raises(BundleError, match=r"not an image archive: .* larger than 64 MiB"):
        from_archive(path, puller.store)


@pytest.mark.parametrize("raw", [b"[" * 200_000, b"NaN", b'[{"Config": 5}]', b"{}", b'"\\ud800"'])
def test_an_archive_without_a_valid_manifest_is_refused(puller: Puller, raw: bytes) -> None:
    path = puller.folder / "saved.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.size = len(raw)
        tar.addfile(info, io.BytesIO(raw))
    with pytest.raises(BundleError, match=r"saved\.tar"):
        from_archive(path, puller.store)


@pytest.mark.parametrize("pack", ["gz", "bz2", "xz"])
def test_packed_archives_are_read(puller: Puller, pack: str) -> None:
    plain = write_saved(puller.folder / "plain.tar", GOOD, NAME)
    path = puller.folder / f"saved.tar.{pack}"
    with tarfile.open(plain) as old, tarfile.open(path, f"w:{pack}") as new:  # type: ignore[call-overload]
        for member in old:
            new.addfile(member, old.extractfile(member))
    from_archive(path, puller.store)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(BundleError, match=rf"saved\.tar\.{pack}"):
        from_archive(path, Store(puller.folder / "another"))


def test_an_invalid_name_in_an_archive_is_skipped(puller: Puller) -> None:
    path = write_saved(puller.folder / "saved.tar", GOOD, "UPPER/\x1b[2J:::")
    with pytest.raises(BundleError, match="not found in the archives"):
        from_archive(path, puller.store)
