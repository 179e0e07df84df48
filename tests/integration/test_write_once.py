"""`bundle build --write-once`: the same file, with large layers written once and not cached."""

from __future__ import annotations

import dataclasses
import json
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.sample_registry import (
    LAYER_TYPE,
    Document,
    Image,
    Request,
    Response,
    digest_of,
    encode,
    make_image,
)
from tests.support.builder import Builder
from tests.support.faults import (
    Fault,
    FaultRegistry,
    cut,
    longer,
    other_bytes,
    short,
    stall,
    status,
)
from tests.support.link import Link
from tests.support.scale import run_counted, write_profile

RANDOM = random.Random(9)  # noqa: S311 the same in each run
BASE, WEB, DB = (RANDOM.randbytes(size) for size in (4_000_000, 2_500_000, 1_500_000))
IMAGES = {
    "web": make_image([{"base": BASE}, {"web": WEB}, {"small": WEB[:1000]}]),
    "db": make_image([{"base": BASE}, {"db": DB}]),
}
LAYERS = [IMAGES["web"].layers[0], IMAGES["web"].layers[1], IMAGES["db"].layers[1]]
"""The large layers."""
TAR_TYPE = LAYER_TYPE.removesuffix("+gzip")


@pytest.fixture
def registry() -> Iterator[FaultRegistry]:
    """Yield a registry that fails on demand."""
    with FaultRegistry() as found:
        for name, image in IMAGES.items():
            found.add_image(f"app/{name}", "1", image)
        yield found


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    found = Builder(tmp_path, tmp_path / "cache")
    write_profile(tmp_path, {name: f"registry.example/app/{name}:1" for name in IMAGES})
    found.check("keygen")
    return found


def usual(host: str, *more: str | Path) -> list[str | Path]:
    """Return the arguments of a build that uses the cache, and does not list what is in the layers."""
    arguments = ("--profile", "scale.yaml", "--registry-mirror", f"registry.example={host}")
    return ["build", *arguments, "--set", "sbom.packages=false", *more]


def words(host: str, *more: str | Path) -> list[str | Path]:
    return usual(host, "--write-once", *more)


def as_it_is(_request: Request, answer: Response) -> Response:
    """Return the answer unchanged: used up by the request for a layer's end; the fault is for the layer."""
    return answer


def cached(builder: Builder) -> set[str]:
    return {"sha256:" + path.name for path in (builder.cache / "blobs/sha256").glob("*")}


def left(builder: Builder) -> list[str]:
    return sorted(path.name for path in (builder.folder / "dist").glob("*"))


def as_tar(image: Image) -> Image:
    """Return the image with its layers declared as uncompressed."""
    manifest = json.loads(image.manifest.raw)
    for layer in manifest["layers"]:
        layer["mediaType"] = TAR_TYPE
    return dataclasses.replace(image, manifest=Document(image.manifest.media_type, encode(manifest)))


def plain_image(content: bytes) -> Image:
    """Return an image with one layer: an uncompressed tar, or bytes declared as one."""
    manifest = json.loads(IMAGES["db"].manifest.raw)
    layer = {"mediaType": TAR_TYPE, "digest": digest_of(content), "size": len(content)}
    config = encode(
        {
            "os": "linux",
            "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [digest_of(content)]},
        }
    )
    manifest["layers"] = [layer]
    manifest["config"] |= {"digest": digest_of(config), "size": len(config)}
    document = Document(IMAGES["db"].manifest.media_type, encode(manifest))
    return Image(document, {digest_of(config): config, digest_of(content): content}, "linux/amd64")


def test_the_same_file_and_no_large_layer_in_the_cache(builder: Builder, registry: FaultRegistry) -> None:
    builder.check(*words(registry.host))
    (once,) = (builder.folder / "dist").glob("*.tar")
    assert not cached(builder) & set(LAYERS)
    assert registry.counts() == {
        **dict.fromkeys((digest for image in IMAGES.values() for digest in image.blobs), 1),
        **dict.fromkeys(LAYERS, 2),
    }
    builder.check("verify", once, "--key", "bundle.pub")
    builder.check(*usual(registry.host, "-o", "usual"))
    twice = builder.folder / "usual" / once.name
    assert twice.read_bytes() == once.read_bytes()
    assert {path.name: path.read_bytes() for path in once.parent.iterdir()} == {
        path.name: path.read_bytes() for path in twice.parent.iterdir()
    }


def test_cached_layers_are_reused(builder: Builder, registry: FaultRegistry) -> None:
    builder.check(*usual(registry.host))
    registry.requests.clear()
    for digest in LAYERS[1:]:
        (builder.cache / "blobs/sha256" / digest[7:]).unlink()
    builder.check(*words(registry.host, "-o", "once"))
    assert registry.counts() == dict.fromkeys(LAYERS[1:], 2)
    builder.check("verify", next((builder.folder / "once").glob("*.tar")), "--key", "bundle.pub")


def test_an_existing_bundle_is_not_fetched_again(builder: Builder, registry: FaultRegistry) -> None:
    builder.check(*words(registry.host))
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    before = bundle.read_bytes()
    registry.requests.clear()
    builder.check(*words(registry.host))
    assert registry.counts() == dict.fromkeys(LAYERS, 1), "their ends"
    bundle.write_bytes(before[:-512])
    builder.check(*words(registry.host))
    assert registry.counts() == dict.fromkeys(LAYERS, 3)
    assert bundle.read_bytes() == before


def test_layers_that_are_not_compressed_are_asked_for_once(builder: Builder, registry: FaultRegistry) -> None:
    registry.add_image("app/db", "1", plain_image(DB))
    builder.check(*words(registry.host))
    assert registry.counts()[digest_of(DB)] == 1
    builder.check("verify", next((builder.folder / "dist").glob("*.tar")), "--key", "bundle.pub")


PASSING: dict[str, Fault] = {
    "503": status(503),
    "cut": cut(700_000),
    "ends early": short(700_000),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_transient_faults_end_in_a_correct_bundle(
    builder: Builder, registry: FaultRegistry, fault: Fault
) -> None:
    registry.fail(LAYERS[0], as_it_is)
    registry.fail(LAYERS[0], fault)
    registry.fail(LAYERS[1], fault)
    builder.check(*words(registry.host))
    builder.check("verify", next((builder.folder / "dist").glob("*.tar")), "--key", "bundle.pub")


def test_a_registry_without_ranges_sends_the_whole_for_its_end(
    builder: Builder, registry: FaultRegistry
) -> None:
    whole = IMAGES["web"].blobs[LAYERS[1]]
    assert isinstance(whole, bytes)
    registry.fail(LAYERS[1], lambda _, answer: dataclasses.replace(answer, status=200, body=whole))
    builder.check(*words(registry.host))
    assert registry.counts()[LAYERS[1]] == 2
    builder.check("verify", next((builder.folder / "dist").glob("*.tar")), "--key", "bundle.pub")


@pytest.mark.parametrize("fault", [other_bytes, longer], ids=["other bytes", "more bytes"])
def test_a_wrong_layer_leaves_nothing(builder: Builder, registry: FaultRegistry, fault: Fault) -> None:
    registry.fail(LAYERS[1], as_it_is)
    registry.fail(LAYERS[1], fault)
    failed = builder.bundle(*words(registry.host))
    assert failed.returncode == 1
    assert f"blob {LAYERS[1]}" in failed.stderr
    assert "try a mirror" in failed.stderr
    assert left(builder) == []
    assert not cached(builder) & set(LAYERS)


def test_a_layer_that_is_not_what_its_type_says_is_refused(builder: Builder, registry: FaultRegistry) -> None:
    registry.add_image("app/db", "1", as_tar(IMAGES["db"]))
    failed = builder.bundle(*words(registry.host))
    assert failed.returncode == 1
    assert "does not match its media type" in failed.stderr
    assert "build without --write-once" in failed.stderr
    assert left(builder) == []
    builder.check(*usual(registry.host))


def test_a_wrong_layer_end_is_found_once_the_layer_is_there(
    builder: Builder, registry: FaultRegistry
) -> None:
    registry.fail(LAYERS[2], other_bytes)  # affects only the request for the layer's end
    failed = builder.bundle(*words(registry.host))
    assert failed.returncode == 1
    assert "does not match its media type" in failed.stderr
    assert left(builder) == []


def test_ctrl_c_leaves_nothing(builder: Builder, registry: FaultRegistry) -> None:
    registry.fail(LAYERS[0], as_it_is)
    registry.fail(LAYERS[0], stall(1_000_000, registry.released))
    build = builder.start(*words(registry.host))
    deadline = time.monotonic() + 60
    while not any((builder.folder / "dist").glob(".*")) or registry.asked(LAYERS[0]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    build.send_signal(signal.SIGINT)
    time.sleep(0.2)
    registry.released.set()
    _, errors = build.communicate(timeout=120)
    assert build.returncode == 130
    assert "Traceback" not in errors
    assert left(builder) == []


def test_write_once_excludes_compact(builder: Builder, registry: FaultRegistry) -> None:
    refused = builder.bundle(*words(registry.host, "--set", "pack.compression=compact"))
    assert refused.returncode == 2
    assert "--write-once cannot be combined with pack.compression: compact" in refused.stderr
    assert registry.requests == []


def test_each_byte_is_written_once(tmp_path: Path) -> None:
    size = 40_000_000
    with FaultRegistry() as registry:
        registry.add_image("app/big", "1", make_image({"big": RANDOM.randbytes(size)}))
        write_profile(tmp_path, {"big": "registry.example/app/big:1"})
        costs = run_counted(tmp_path, *words(registry.host, "--unsigned"))
    slack = 15_000_000  # Python's own files, and the tables
    assert costs.written <= size + slack
    assert costs.read <= size + slack  # the whole file is hashed
    assert costs.peak < 150_000_000


def test_nothing_is_fetched_twice_over_a_flaky_link(tmp_path: Path) -> None:
    size = 24_000_000
    image = make_image({"big": RANDOM.randbytes(size)})
    with (
        FaultRegistry() as registry,
        Link(registry.host, rate=20e6, latency=0.1, cut_after=(1_000_000, 6_000_000)) as link,
    ):
        registry.add_image("app/big", "1", image)
        write_profile(tmp_path, {"big": "registry.example/app/big:1"})
        costs = run_counted(tmp_path, *words(link.host, "--unsigned", "--json"))
        requests = len(registry.requests)
    assert json.loads(costs.out)["size"] > size
    assert link.cuts >= 4
    assert link.delivered < size + 1000 * requests + 20_000
