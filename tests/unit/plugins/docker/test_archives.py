"""Images in files: OCI layout folders, docker-archives, and invalid files."""

from __future__ import annotations

import io
import json
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bundler.api.images import SourceOptions
from bundler.errors import BundleError, FetchError, ImageNotFoundError
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler_docker.archives import ArchiveSource
from bundler_docker.saved import SMALL
from examples.demo.sample_registry import Image, digest_of, encode, make_image
from tests.support.builder import Builder
from tests.support.docker_archives import ENTRY, TAR

APP = Reference.parse("app:1")
AMD64, ARM64 = (Platform.parse(f"linux/{name}") for name in ("amd64", "arm64"))
IMAGE = make_image({"bin/app": b"app " * 1000})
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def entry(image: Image, **more: object) -> dict[str, Any]:
    """Return an image's entry for an index."""
    raw = image.manifest.raw
    return {
        "mediaType": image.manifest.media_type, "digest": digest_of(raw), "size": len(raw), **more,
    }  # fmt: skip


def named(entry: dict[str, Any], name: str = "app:1") -> dict[str, Any]:
    return {**entry, "annotations": {"org.opencontainers.image.ref.name": name}}


def layout(folder: Path, *entries: dict[str, Any], blobs: tuple[bytes, ...] = ()) -> Path:
    """Write a layout with IMAGE, `blobs` and an index of these entries."""
    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_bytes(encode({"schemaVersion": 2, "manifests": list(entries)}))
    for content in (*IMAGE.blobs.values(), IMAGE.manifest.raw, *blobs):
        assert isinstance(content, bytes)
        (folder / "blobs/sha256" / digest_of(content)[7:]).write_bytes(content)
    return folder


def blob(folder: Path, digest: str) -> Path:
    return folder / "blobs/sha256" / digest[7:]


def source(*paths: Path) -> ArchiveSource:
    return ArchiveSource(SourceOptions(archives=paths))


def test_an_image_of_a_layout_is_found_and_read(tmp_path: Path) -> None:
    found = source(layout(tmp_path / "oci", named(entry(IMAGE)))).resolve(APP, AMD64)
    assert found.digest == digest_of(IMAGE.manifest.raw)
    assert found.manifest
    (layer,) = found.manifest.layers
    content = IMAGE.blobs[layer.digest]
    assert isinstance(content, bytes)
    with closing(source(tmp_path / "oci").open_blob(found, layer, 10)) as stream:
        assert stream.read(5) + stream.read(-1) == content[10:]


def test_an_index_leads_to_the_image_of_the_platform(tmp_path: Path) -> None:
    inner = encode(
        {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [entry(IMAGE, platform={"os": "linux", "architecture": "amd64"})],
        }
    )
    top = named({"mediaType": INDEX_TYPE, "digest": digest_of(inner), "size": len(inner)})
    folder = layout(tmp_path / "oci", top, blobs=(inner,))
    assert source(folder).resolve(APP, AMD64).digest == digest_of(IMAGE.manifest.raw)
    with pytest.raises(BundleError, match="linux/arm64"):
        source(folder).resolve(APP, ARM64)


def test_an_image_of_another_name_or_platform_is_not_taken(tmp_path: Path) -> None:
    other = named(entry(IMAGE), "other:1")
    arm = named(entry(IMAGE, platform={"os": "linux", "architecture": "arm64"}))
    folder = layout(tmp_path / "oci", entry(IMAGE), other)
    with pytest.raises(ImageNotFoundError, match=r"app:1: not found in the archives \(.*oci\)"):
        source(folder).resolve(APP, AMD64)
    folder = layout(tmp_path / "arm", entry(IMAGE), other, arm)
    with pytest.raises(
        ImageNotFoundError, match=r"app:1: .*arm has it for linux/arm64, but the bundle is for linux/amd64"
    ):
        source(folder).resolve(APP, AMD64)
    with pytest.raises(ImageNotFoundError, match="the profile lists no archives under `archives:`"):
        source().resolve(APP, AMD64)


def test_a_damaged_layout_is_refused(tmp_path: Path) -> None:
    folder = layout(tmp_path / "oci", named(entry(IMAGE)))
    found = source(folder).resolve(APP, AMD64)
    assert found.manifest
    (layer,) = found.manifest.layers
    blob(folder, layer.digest).unlink()
    with pytest.raises(FetchError, match=f"blob {layer.digest} is not found in the archives"):
        source(folder).open_blob(found, layer)
    manifest = blob(folder, found.digest)
    manifest.write_bytes(IMAGE.manifest.raw + b" ")
    with pytest.raises(FetchError, match=f"{found.digest} is damaged"):
        source(folder).resolve(APP, AMD64)
    manifest.unlink()
    with pytest.raises(FetchError, match=f"blob {found.digest} is missing"):
        source(folder).resolve(APP, AMD64)
    manifest.write_bytes(bytes(SMALL + 1))
    with pytest.raises(FetchError, match=f"a manifest or config of {SMALL + 1} bytes"):
        source(folder).resolve(APP, AMD64)


def docker_archive(path: Path, **files: bytes) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a_txt": b"text"}, "neither a docker-archive nor an OCI image layout"),
        ({"manifest_json": b"[{"}, "manifest.json is not JSON"),
        ({"manifest_json": b'[{"Layers": []}]'}, "manifest.json is not that of a docker-archive"),
        ({"manifest_json": b"[3]"}, "manifest.json is not that of a docker-archive"),
    ],
)
def test_an_archive_of_another_program_is_refused(
    files: dict[str, bytes], message: str, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=message):
        source(docker_archive(tmp_path / "image.tar", **files)).resolve(APP, AMD64)


def test_what_is_not_there_or_not_an_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"gone\.tar: no such file or folder"):
        source(tmp_path / "gone.tar").resolve(APP, AMD64)
    with pytest.raises(BundleError, match="not an OCI image layout"):
        source(tmp_path).resolve(APP, AMD64)
    (tmp_path / "text").write_text("not a tar " * 100)
    with pytest.raises(BundleError, match="text: not an image archive"):
        source(tmp_path / "text").resolve(APP, AMD64)


def test_an_image_of_a_docker_archive_is_named_by_its_config(tmp_path: Path) -> None:
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": []}}).encode()
    described = encode(
        [
            {"Config": "gone.json", "Layers": [], "RepoTags": ["app:1"]},
            {"Config": "config.json", "Layers": [], "RepoTags": ["app:1"]},
        ]
    )
    path = docker_archive(tmp_path / "image.tar", config_json=config, manifest_json=described)
    found = source(path).resolve(APP, AMD64)
    assert (found.digest, found.manifest) == (digest_of(config), None)


@pytest.mark.parametrize(
    "platform", [{}, {"os": "linux"}, {"architecture": "amd64"}, {"os": "", "architecture": ""}]
)
def test_a_config_without_a_platform_is_taken_for_the_one_that_is_built_for(
    tmp_path: Path, platform: dict[str, str]
) -> None:
    config = encode({**platform, "rootfs": {"type": "layers", "diff_ids": [digest_of(TAR)]}})
    path = docker_archive(
        tmp_path / "image.tar", config_json=config, layer_tar=TAR, manifest_json=encode([ENTRY])
    )
    (tmp_path / "compose.yaml").write_text("services: {a: {image: 'app:1'}}\n")
    (tmp_path / "p.yaml").write_text(
        f"application: compose\nversion: '1'\nplatform: linux/amd64\nsources: [archive]\n"
        f"archives: [{path}]\nsettings: {{project: ., name: t}}\n"
    )
    done = Builder(tmp_path, tmp_path / "cache").bundle("build", "--profile", "./p.yaml", "--unsigned")
    assert done.returncode == 0, done.stderr
    assert "config does not name a complete platform; assuming linux/amd64" in done.stderr
    assert list(tmp_path.glob("dist/t-1-p-linux-amd64.tar"))


def test_what_a_config_does_say_of_its_platform_counts(tmp_path: Path) -> None:
    config = encode({"architecture": "arm64", "rootfs": {"diff_ids": []}})
    path = docker_archive(tmp_path / "image.tar", config_json=config, manifest_json=encode([ENTRY]))
    with pytest.raises(ImageNotFoundError, match=r"has it for linux/arm64.* the bundle is for linux/amd64"):
        source(path).resolve(APP, AMD64)
