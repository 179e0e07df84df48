"""Images from a real registry, a real engine, and archives written by real programs."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engines import DistributionRegistry, Engine, cosign
from tests.support.programs import need_program, run

TAG = "registry.bank.example/team/tool:1"
IMAGE = make_image([{"etc/base": b"base " * 4000}, {"etc/tool": b"tool " * 800}], {"Cmd": ["/bin/true"]})
CONFIG = json.loads(b"".join(b for b in IMAGE.blobs.values() if isinstance(b, bytes) and b[:1] == b"{"))
DIFF_IDS = CONFIG["rootfs"]["diff_ids"]


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    """Return a folder with a one-service project, a profile `tool` and a key."""
    found = Builder(tmp_path / "work", tmp_path / "cache")
    project = found.folder / "project"
    project.mkdir(parents=True)
    (project / "compose.yaml").write_text(f"services: {{tool: {{image: '{TAG}'}}}}\n")
    found.check("keygen")
    return found


@pytest.fixture(scope="module")
def docker_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the image as a docker-archive written by skopeo."""
    path = tmp_path_factory.mktemp("archives") / "tool.tar"
    with SampleRegistry() as registry:
        registry.add_image("team/tool", "1", IMAGE)
        source = f"docker://{registry.host}/team/tool:1"
        run(
            need_program("skopeo"),
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            source,
            f"docker-archive:{path}:{TAG}",
        )
        yield path


@pytest.fixture(scope="module")
def loaded(engine: Engine, docker_archive: Path) -> Engine:
    """Return the engine with the image loaded."""
    engine.docker("load", "-q", "-i", docker_archive)
    return engine


def profile(builder: Builder, sources: str, archives: str = "[]", *, compression: str = "keep") -> Path:
    path = builder.folder / "tool.yaml"
    path.write_text(
        f"application: compose\nversion: '1'\nsources: {sources}\narchives: {archives}\n"
        f"pack: {{compression: {compression}}}\nsettings: {{project: project}}\n"
    )
    return path


def unpack(builder: Builder) -> Path:
    """Unpack the newest bundle, and check its checksums and its signature."""
    path = max((builder.folder / "dist").glob("*.tar"), key=lambda found: found.stat().st_mtime_ns)
    builder.check("verify", path, "--key", "bundle.pub")
    target = builder.folder / "unpacked"
    shutil.rmtree(target, ignore_errors=True)
    with tarfile.open(path) as archive:
        archive.extractall(target, filter="data")
    return target / path.stem


def manifest_of(unpacked: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((unpacked / "bundle.json").read_text())
    return found


def check_image(unpacked: Path) -> None:
    """Check that the bundle has the image and that its layers unpack to the right bytes."""
    (image,) = manifest_of(unpacked)["images"]
    blobs = unpacked / "images/blobs/sha256"
    config = json.loads((blobs / image["config"]["digest"][7:]).read_text())
    assert config["rootfs"]["diff_ids"] == DIFF_IDS
    assert config["config"]["Cmd"] == ["/bin/true"]
    run(need_program("skopeo"), "inspect", f"oci:{unpacked}/images:{TAG}")
    target = unpacked.parent / "again"
    shutil.rmtree(target, ignore_errors=True)
    run("skopeo", "copy", "--quiet", f"oci:{unpacked}/images:{TAG}", f"dir:{target}")  # checks every digest


# ---------------------------------------------------------------- registry


@pytest.mark.registry
@pytest.mark.peer
def test_a_bundle_has_the_registrys_own_digests_and_skopeo_reads_it(
    builder: Builder, service_registry: DistributionRegistry
) -> None:
    (builder.folder / "project/compose.yaml").write_text(
        "services: {cache: {image: 'redis:7'}, web: {image: 'nginx:1.22'}, db: {image: 'postgres:15'}}\n"
    )
    builder.build(profile(builder, "[registry]"), service_registry.host)
    unpacked = unpack(builder)
    images = {image["tag"]: image["manifest"]["digest"] for image in manifest_of(unpacked)["images"]}
    assert len(images) == 3
    for tag, digest in images.items():
        name = tag.removeprefix("docker.io")
        told = json.loads(
            run("skopeo", "inspect", "--tls-verify=false", f"docker://{service_registry.host}{name}")
        )
        assert told["Digest"] == digest
        read = json.loads(run("skopeo", "inspect", f"oci:{unpacked}/images:{tag}"))
        assert (read["Digest"], read["Layers"]) == (digest, told["Layers"])


# ---------------------------------------------------------------- engine


@pytest.mark.engine
@pytest.mark.peer
def test_an_image_that_only_the_engine_has(builder: Builder, loaded: Engine) -> None:
    environment = {"DOCKER_HOST": loaded.host}
    written = profile(builder, "[docker]")
    planned = json.loads(builder.check("plan", "--profile", written, "--json", environment=environment))
    image_id = loaded.docker("image", "inspect", "-f", "{{.Id}}", TAG).strip()
    assert planned["images"][0]["digest"] == image_id
    builder.check("build", "--profile", written, environment=environment)
    unpacked = unpack(builder)
    check_image(unpacked)
    (image,) = manifest_of(unpacked)["images"]
    assert (image["source"], image["config"]["digest"]) == ("docker", image_id)
    first = next((builder.folder / "dist").glob("*.tar")).read_bytes()
    builder.check("build", "--profile", written, "--output", "again", environment=environment)
    other = ("--output", "other", "--cache", str(builder.folder / "cache2"))
    builder.check("build", "--profile", written, *other, environment=environment)
    offline = builder.bundle("build", "--profile", written, "--offline", "--output", "offline")
    assert offline.returncode == 0, offline.stderr
    for name in ("again", "other", "offline"):
        assert next((builder.folder / name).glob("*.tar")).read_bytes() == first, name


@pytest.mark.engine
def test_a_lock_of_the_engines_image_holds(builder: Builder, loaded: Engine) -> None:
    environment = {"DOCKER_HOST": loaded.host}
    written = profile(builder, "[docker]")
    builder.check("lock", "--profile", written, environment=environment)
    builder.check("build", "--profile", written, "--locked", environment=environment)
    loaded.docker("tag", TAG, "kept:1")
    changed = builder.folder / "changed.tar"
    with tarfile.open(changed, "w"):
        pass
    try:
        loaded.docker("import", changed, TAG)
        shutil.rmtree(builder.cache)
        refused = builder.bundle("build", "--profile", written, "--locked", environment=environment)
    finally:
        loaded.docker("tag", "kept:1", TAG)
    assert refused.returncode == 1
    assert "the lock pins sha256:" in refused.stderr
    assert "bundle lock" in refused.stderr


@pytest.mark.engine
def test_the_engine_is_asked_after_the_registry(builder: Builder, loaded: Engine) -> None:
    """One image is in a registry; the other is only in the engine, under a name of that registry."""
    with SampleRegistry() as registry:
        registry.add_image("team/web", "1", make_image({"web": b"web"}))
        local = f"{registry.host}/team/tool:1"
        loaded.docker("tag", TAG, local)
        (builder.folder / "project/compose.yaml").write_text(
            f"services: {{tool: {{image: '{local}'}}, web: {{image: '{registry.host}/team/web:1'}}}}\n"
        )
        written = profile(builder, "[registry, docker]")
        builder.check("build", "--profile", written, environment={"DOCKER_HOST": loaded.host})
    sources = {image["tag"]: image["source"] for image in manifest_of(unpack(builder))["images"]}
    assert sources == {local: "docker", f"{registry.host}/team/web:1": "registry"}


@pytest.mark.engine
def test_a_missing_image_and_a_missing_engine(builder: Builder, loaded: Engine) -> None:
    (builder.folder / "project/compose.yaml").write_text("services: {x: {image: 'nothing:1'}}\n")
    written = profile(builder, "[docker]")
    lacking = builder.bundle("plan", "--profile", written, environment={"DOCKER_HOST": loaded.host})
    assert lacking.returncode == 1
    assert "nothing:1: the Docker engine does not have it" in lacking.stderr
    assert "docker pull nothing:1" in lacking.stderr
    none = builder.bundle("plan", "--profile", written, environment={"DOCKER_HOST": "unix:///nowhere.sock"})
    assert none.returncode == 1
    assert "the Docker engine does not respond" in none.stderr
    assert "`sources:`" in none.stderr
    assert "Traceback" not in none.stderr


# ---------------------------------------------------------------- archives


def as_docker_archive(archive: Path, target: Path) -> Path:
    return Path(shutil.copy(archive, target / "image.tar"))


def as_gzip(archive: Path, target: Path) -> Path:
    path = target / "image.tar.gz"
    path.write_bytes(gzip.compress(archive.read_bytes(), 1))
    return path


def as_layout(archive: Path, target: Path) -> Path:
    run("skopeo", "copy", "--quiet", f"docker-archive:{archive}", f"oci:{target}/layout:{TAG}")
    return target / "layout"


def as_layout_tar(archive: Path, target: Path) -> Path:
    run("skopeo", "copy", "--quiet", f"docker-archive:{archive}", f"oci-archive:{target}/oci.tar:{TAG}")
    return target / "oci.tar"


@pytest.mark.peer
@pytest.mark.parametrize("make", [as_docker_archive, as_gzip, as_layout, as_layout_tar])
def test_archives_written_by_other_programs(
    builder: Builder, docker_archive: Path, make: Callable[[Path, Path], Path]
) -> None:
    path = make(docker_archive, builder.folder)
    written = profile(builder, "[archive]", f"[{path.name}]")
    builder.check("build", "--profile", written)
    check_image(unpack(builder))
    first = next((builder.folder / "dist").glob("*.tar")).read_bytes()
    builder.check("lock", "--profile", written)
    other = ("--locked", "--output", "other", "--cache", str(builder.folder / "cache2"))
    builder.check("build", "--profile", written, *other)
    assert next((builder.folder / "other").glob("*.tar")).read_bytes() == first


@pytest.mark.engine
def test_archives_of_docker_save(builder: Builder, loaded: Engine) -> None:
    loaded.docker("save", "-o", builder.folder / "saved.tar", TAG)
    builder.check("build", "--profile", profile(builder, "[archive]", "[saved.tar]"))
    check_image(unpack(builder))


@pytest.mark.peer
def test_archives_of_podman_save(builder: Builder, docker_archive: Path, short_folder: Path) -> None:
    need_program("podman")
    state = short_folder / "podman"  # podman requires a short path
    storage = ("--root", state / "root", "--runroot", state / "run", "--storage-driver", "vfs")
    run("podman", *storage, "load", "--quiet", "--input", docker_archive)
    for kind in ("oci-archive", "docker-archive"):
        path = builder.folder / f"{kind}.tar"
        run("podman", *storage, "save", "--quiet", "--format", kind, "--output", path, TAG)
        builder.check("build", "--profile", profile(builder, "[archive]", f"[{path.name}]"))
        check_image(unpack(builder))


@pytest.mark.peer
@pytest.mark.parametrize("where", ["layer", "config", "cut"])
@pytest.mark.parametrize("make", [as_docker_archive, as_layout, as_layout_tar])
def test_a_damaged_archive_is_refused(
    builder: Builder, docker_archive: Path, make: Callable[[Path, Path], Path], where: str
) -> None:
    path = make(docker_archive, builder.folder)
    files = [path] if path.is_file() else sorted((path / "blobs/sha256").iterdir())
    needle = {"layer": b"\x1f\x8b\x08", "config": b"/bin/true", "cut": b""}[where]
    if where == "layer" and make is as_docker_archive:
        needle = b"tool tool"  # docker-archives hold uncompressed layers
    file = max((one for one in files if needle in one.read_bytes()), key=lambda one: one.stat().st_size)
    data = bytearray(file.read_bytes())
    if where == "cut":
        del data[len(data) // 2 :]
    else:
        data[data.index(needle) + 5 + 40 * (needle[:1] == b"\x1f")] ^= 1
    file.write_bytes(data)
    refused = builder.bundle("build", "--profile", profile(builder, "[archive]", f"[{path.name}]"))
    assert refused.returncode == 1, refused.stderr
    assert "Traceback" not in refused.stderr
    assert path.name in refused.stderr or TAG in refused.stderr
    assert not list((builder.folder / "dist").glob("*.tar"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file or folder"),
        (b"", "neither a docker-archive nor an OCI image layout"),
        (b"hello" * 1000, "not an image archive"),
    ],
)
def test_files_that_are_not_archives_are_refused(builder: Builder, content: bytes | None, says: str) -> None:
    if content is not None:
        (builder.folder / "image.tar").write_bytes(content)
    refused = builder.bundle("plan", "--profile", profile(builder, "[archive]", "[image.tar]"))
    assert refused.returncode == 1
    assert says in refused.stderr
    assert "image.tar" in refused.stderr


def test_an_empty_list_of_archives_is_reported(builder: Builder) -> None:
    refused = builder.bundle("plan", "--profile", profile(builder, "[archive]"))
    assert "the profile lists no archives under `archives:`" in refused.stderr


# ---------------------------------------------------------------- signatures


@pytest.mark.peer
@pytest.mark.root
@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_cosign_and_openssl_accept_the_signature(
    builder: Builder, docker_archive: Path, passphrase: str | None
) -> None:
    environment = {"BUNDLE_KEY_PASSPHRASE": passphrase} if passphrase else {}
    builder.check("keygen", "--output", "keys", environment=environment)
    written = profile(builder, "[archive]", f"[{docker_archive}]")
    builder.check("build", "--profile", written, "--key", "keys/bundle.key", environment=environment)
    top = unpack_only(builder)
    sums, signature, key = top / "SHA256SUMS", top / "SHA256SUMS.sig", builder.folder / "keys/bundle.pub"

    def by_cosign(file: Path) -> subprocess.CompletedProcess[str]:
        options = ("--key", str(key), "--signature", str(signature), "--insecure-ignore-tlog=true")
        return subprocess.run(
            [cosign(), "verify-blob", *options, file],
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": str(builder.folder)},
        )

    def by_openssl(file: Path) -> subprocess.CompletedProcess[str]:
        raw = builder.folder / "signature.der"
        raw.write_bytes(base64.b64decode(signature.read_bytes()))
        options = ("-sha256", "-verify", str(key), "-signature", str(raw))
        return subprocess.run(
            ["openssl", "dgst", *options, file], capture_output=True, text=True, check=False
        )

    accepted = by_cosign(sums)
    assert accepted.returncode == 0, accepted.stderr
    assert "Verified OK" in accepted.stderr
    assert by_openssl(sums).stdout == "Verified OK\n"
    other = builder.folder / "other"
    other.write_bytes(sums.read_bytes() + b" ")
    assert by_cosign(other).returncode != 0
    assert by_openssl(other).returncode != 0


def unpack_only(builder: Builder) -> Path:
    (path,) = (builder.folder / "dist").glob("*.tar")
    with tarfile.open(path) as archive:
        archive.extractall(builder.folder / "unpacked", filter="data")
    return builder.folder / "unpacked" / path.stem
