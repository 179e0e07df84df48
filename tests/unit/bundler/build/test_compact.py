from __future__ import annotations

import io
import json
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from bundler.api.images import ResolvedImage
from bundler.build.compact import compact, packed_bytes
from bundler.build.fetch import FetchedImage
from bundler.build.images import Compaction, PackedImages
from bundler.errors import FetchError
from bundler.image.digest import digest_of
from bundler.image.oci import ImageConfig, Manifest
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.store.blobs import Store
from bundler.terminal.progress import LogReporter
from examples.demo.sample_registry import Image, SampleRegistry, make_image
from tests.support.builder import Builder

PLATFORM = Platform("linux", "amd64")
BASE = {"usr/lib/base": random.Random(1).randbytes(300_000)}  # noqa: S311 the same each time
IMAGES = {
    "one": make_image([BASE, {"usr/lib/one": BASE["usr/lib/base"][::-1]}]),
    "two": make_image([BASE, {"usr/lib/two": BASE["usr/lib/base"] + b"more"}], {"Cmd": ["/two"]}),
}


def fetched(name: str, image: Image, store: Store) -> FetchedImage:
    for blob in image.blobs.values():
        assert isinstance(blob, bytes)
        store.put(blob)
    manifest = Manifest.parse(image.manifest.raw, name)
    store.put(manifest.raw)
    resolved = ResolvedImage(
        Reference.parse(f"registry.example/{name}:1"), "registry", manifest.descriptor.digest, manifest, 0
    )
    return FetchedImage(resolved, manifest, ImageConfig.parse(store.read(manifest.config.digest), name))


def pack(store: Store, how: Compaction) -> PackedImages:
    images = [fetched(name, image, store) for name, image in IMAGES.items()]
    return compact(images, PLATFORM, how, store, LogReporter(io.StringIO()))


def content(packed: PackedImages) -> dict[str, bytes]:
    stream = b""
    for number, member in enumerate(packed.members):
        assert member.path == f"images/images.tar.zst.{number:04}"
        assert member.content.file is not None
        stream += member.read()
    raw = zstandard.ZstdDecompressor().stream_reader(stream).read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return {each.name: file.read() for each in tar if (file := tar.extractfile(each))}


def test_configs_and_layers_stay_those_of_the_images(tmp_path: Path) -> None:
    packed = pack(Store(tmp_path), Compaction())
    files = content(packed)
    for path, raw in files.items():
        if path.startswith("blobs/"):
            assert digest_of(raw) == "sha256:" + path.rpartition("/")[2]
    (one, two) = json.loads(files["manifest.json"])
    for entry, image in zip((one, two), IMAGES.values(), strict=True):
        config = next(raw for raw in image.blobs.values() if isinstance(raw, bytes) and raw.startswith(b"{"))
        assert files[entry["Config"]] == config
        layers = ["sha256:" + path.rpartition("/")[2] for path in entry["Layers"]]
        assert layers == json.loads(config)["rootfs"]["diff_ids"]
    assert one["Layers"][0] == two["Layers"][0]
    index = json.loads(files["index.json"])
    assert [e["digest"] for e in index["manifests"]] == [i.manifest.digest for i in packed.images]
    assert [i.origin for i in packed.images] == [i.manifest.digest for i in IMAGES.values()]
    assert packed.packing.packed_bytes < packed.packing.kept_bytes


def test_the_bytes_do_not_depend_on_threads(tmp_path: Path) -> None:
    members = [
        pack(Store(tmp_path / str(threads)), Compaction(threads=threads)).members[0].sha256
        for threads in (1, 2, 5)
    ]
    assert len(set(members)) == 1


def test_a_second_build_reuses_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    names = [(f"registry.example/{n}:1", i.manifest.digest) for n, i in IMAGES.items()]
    assert packed_bytes(names, Compaction(), store) is None
    first = pack(store, Compaction())
    monkeypatch.setattr("bundler.build.compact.measure", None)
    second = pack(Store(tmp_path), Compaction())
    assert (second.images, second.packing) == (first.images, first.packing)
    assert second.members[0].sha256 == first.members[0].sha256
    assert packed_bytes(names, Compaction(), store) == first.packing.packed_bytes
    assert packed_bytes(names, Compaction(level=3), store) is None


def test_the_stream_travels_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pack(Store(tmp_path / "whole"), Compaction())
    monkeypatch.setattr("bundler.build.compact.PART", 100_000)
    store = Store(tmp_path / "parts")
    parts = pack(store, Compaction())
    assert [member.size for member in parts.members[:-1]] == [100_000] * (len(parts.members) - 1)
    assert len(parts.members) > 1
    assert content(parts) == content(whole)
    assert parts.packing == whole.packing
    names = [(f"registry.example/{n}:1", i.manifest.digest) for n, i in IMAGES.items()]
    assert packed_bytes(names, Compaction(), store) == whole.packing.packed_bytes
    store.path("sha256:" + parts.members[0].sha256).unlink()  # as if pruned; it is made again
    assert packed_bytes(names, Compaction(), store) is None
    assert pack(store, Compaction()).members == parts.members


def test_a_layer_that_does_not_match_the_config_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    image = fetched("one", IMAGES["one"], store)
    wrong = ImageConfig(image.config.platform, tuple(reversed(image.config.diff_ids)), 0)
    with pytest.raises(FetchError, match="the image's config says"):
        compact(
            [FetchedImage(image.resolved, image.manifest, wrong)],
            PLATFORM,
            Compaction(),
            store,
            LogReporter(io.StringIO()),
        )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Builder, tuple[str, ...]]]:
    folder = tmp_path_factory.mktemp("compact")
    builder = Builder(folder, folder / "cache")
    with SampleRegistry() as sample:
        sample.add_image(
            "hello", "1.0", make_image({"etc/release": b"hello 1.0\n" * 50}, {"Cmd": ["/bin/sh"]})
        )
        builder.check("keygen")
        mirror = f"registry.demo.example={sample.host}"
        yield builder, ("--profile", "demo", "--registry-mirror", mirror, "--set", "pack.compression=compact")


def test_plan_inspect_and_verify_show_the_compact_form(demo: tuple[Builder, tuple[str, ...]]) -> None:
    builder, options = demo
    assert "the site requires Docker 23 or newer, or the program zstd" in builder.check("plan", *options)
    assert "compact: about" in builder.check("plan", *options[:-2])
    built = json.loads(builder.check("build", *options, "--json"))
    plan = json.loads(builder.check("plan", *options, "--json"))
    assert (plan["compression"], plan["compact_known"]) == ("compact", True)
    inspected = builder.check("inspect", built["path"])
    assert "compact (level 12)" in inspected
    assert "zstd" in inspected
    assert "ok: " in builder.check("verify", built["path"], "--key", "bundle.pub")
    wide = builder.check("plan", *options, "--set", "pack.window=31")
    assert "the site requires the program zstd, and 2048 MiB" in wide
