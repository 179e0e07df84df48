"""`engine:` of a profile: what is carried for servers without Docker, and how each mistake is reported."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bundler.build.carried import Carrier, carry
from bundler.errors import BundleError, FetchError, ProfileError
from bundler.image.platform import Platform
from bundler.net.download import Downloader
from bundler.store.blobs import Store
from bundler.terminal.progress import LogReporter
from bundler_installer.engine import NEEDED, CarriedEngine, carry_engine
from bundler_installer.packages import read_package
from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.engine_files import deb, program, put, rpm, static_archive, whole_archive
from tests.support.profiles import installer_profile, load_profile

OTHER = "0" * 64
PROFILE = """\
application: compose
engine:
  linux/amd64:
    version: "26.1"
    archive:
      path: docker-26.1.tgz
      sha256: {archive}
    compose: {{path: docker-compose, sha256: {compose}}}
    packages:
      - {{path: docker_amd64.deb, sha256: {deb}}}
      - {{path: docker.x86_64.rpm, sha256: {rpm}}}
    data_root: /data/docker
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def digests(folder: Path, **changed: bytes) -> dict[str, str]:
    """Write the files of PROFILE; return the sha256 of each."""
    content = {
        "archive": whole_archive(),
        "compose": program(),
        "deb": deb("docker.io", "amd64"),
        "rpm": rpm("docker-ce", "x86_64"),
    } | changed
    names = ("docker-26.1.tgz", "docker-compose", "docker_amd64.deb", "docker.x86_64.rpm")
    return {kind: put(folder / name, content[kind]) for kind, name in zip(content, names, strict=True)}


def bring(folder: Path, text: str, platform: str = "linux/amd64", *, offline: bool = False) -> CarriedEngine:
    (folder / "a.yaml").write_text(text)
    loaded = load_profile("./a.yaml")
    carrier = Carrier(
        loaded.base,
        Store(folder / "cache"),
        LogReporter(io.StringIO()),
        loaded.origin,
        Downloader(),
        offline=offline,
    )
    carry(loaded.profile.files, carrier)
    return carry_engine(installer_profile(loaded).engine, Platform.parse(platform), carrier)


def test_carried_files_are_listed(folder: Path) -> None:
    found = bring(folder, PROFILE.format(**digests(folder)))
    assert found.entry is not None
    assert (found.entry.version, found.entry.data_root) == ("26.1", "/data/docker")
    assert found.entry.programs == tuple(sorted(NEEDED))
    assert [(file.kind, file.name, file.path) for file in found.entry.files] == [
        ("archive", "docker-26.1.tgz", "files/engine/docker-26.1.tgz"),
        ("compose", "docker-compose", "files/engine/docker-compose"),
        ("deb", "docker.io", "files/engine/packages/docker_amd64.deb"),
        ("rpm", "docker-ce", "files/engine/packages/docker.x86_64.rpm"),
    ]
    assert [f"files/{file.path}" for file in found.files] == [file.path for file in found.entry.files]
    for source, file in zip(found.files, found.entry.files, strict=True):
        content = Path(str(source.content)).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.sha256, file.size)
    assert [file.mode for file in found.files] == [0o644, 0o755, 0o644, 0o644]


def test_a_profile_without_an_engine_carries_nothing(folder: Path) -> None:
    assert bring(folder, "application: compose\n") == CarriedEngine()


def test_a_platform_without_an_engine_is_named(folder: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        bring(folder, PROFILE.format(**digests(folder)), "linux/arm64")
    assert caught.value.message == "a.yaml:2: engine: no engine for linux/arm64"
    assert "add `linux/arm64:`" in (caught.value.hint or "")


SAYS: dict[str, tuple[Callable[[dict[str, str]], str], str]] = {
    "another digest": (
        lambda found: PROFILE.format(**{**found, "archive": OTHER}),
        "a.yaml:7: engine.linux/amd64.archive.sha256: ",
    ),
    "another digest of a package": (
        lambda found: PROFILE.format(**{**found, "rpm": OTHER}),
        "a.yaml:11: engine.linux/amd64.packages.1.sha256: ",
    ),
    "a file that is not there": (
        lambda found: PROFILE.format(**found).replace("path: docker-26.1.tgz", "path: none.tgz"),
        "a.yaml:6: engine.linux/amd64.archive.path: ",
    ),
    "a carried file with another digest": (
        lambda found: f"application: compose\nfiles:\n  - {{path: docker-compose, sha256: {OTHER}}}\n",
        "a.yaml:3: files.0.sha256: ",
    ),
}


@pytest.mark.parametrize(("text", "says"), SAYS.values(), ids=SAYS)
def test_a_wrong_file_is_reported_by_file_line_and_key(
    folder: Path, text: Callable[[dict[str, str]], str], says: str
) -> None:
    with pytest.raises(BundleError) as caught:
        bring(folder, text(digests(folder)))
    assert caught.value.message.startswith(says)
    assert caught.value.hint


CONTENT = {
    "an archive for another machine": (
        {"archive": whole_archive("arm64")},
        "docker-26.1.tgz: docker/docker: is for arm64, but the bundle is for linux/amd64",
    ),
    "one program for another machine": (
        {
            "archive": static_archive(
                {name: program("s390x" if name == "runc" else "amd64") for name in NEEDED}
            )
        },
        "docker/runc: is for s390x",
    ),
    "an archive that lacks a program": (
        {"archive": static_archive({name: program() for name in NEEDED if name != "runc"})},
        "docker/runc is missing",
    ),
    "a script in it": (
        {"archive": static_archive(dict.fromkeys(NEEDED, b"#!/bin/sh\n" * 5))},
        "docker/docker: is not a Linux program",
    ),
    "a file outside its folder": (
        {"archive": static_archive({"../../etc/passwd": program()})},
        "'docker/../../etc/passwd' is not one of Docker's programs",
    ),
    "no archive": ({"archive": b"<html>404</html>"}, "is not a gzip-compressed tar"),
    "a cut archive": ({"archive": whole_archive()[:100]}, "is not a gzip-compressed tar"),
    "Compose for another machine": (
        {"compose": program("arm64")},
        "engine.linux/amd64.compose: docker-compose: is for arm64",
    ),
    "a page instead of Compose": ({"compose": b"<html>404</html>"}, "docker-compose: is not a Linux program"),
    "a package for another machine": (
        {"deb": deb("docker.io", "arm64")},
        "packages.0: docker_amd64.deb: is for arm64",
    ),
    "an rpm for another machine": ({"rpm": rpm("docker-ce", "aarch64")}, "is for arm64"),
    "not a deb package": ({"deb": b"<html>"}, "packages.0: docker_amd64.deb: is not a deb package"),
    "a cut package": ({"rpm": rpm("docker-ce", "x86_64")[:120]}, "is not a rpm package"),
}


@pytest.mark.parametrize(("changed", "says"), CONTENT.values(), ids=CONTENT)
def test_files_for_another_platform_are_refused(folder: Path, changed: dict[str, bytes], says: str) -> None:
    with pytest.raises(BundleError) as caught:
        bring(folder, PROFILE.format(**digests(folder, **changed)))
    assert says in caught.value.message
    assert caught.value.message.startswith("a.yaml:")
    assert caught.value.hint


MISTAKES = {
    "no engine at all": ("{data_root: /d}", "engine.linux/amd64: contains no engine"),
    "no Compose": ("{archive: {path: a.tgz, sha256: %s}}", "archive: `archive` does not contain Compose"),
    "not a deb package": ("{packages: [{path: a.zip, sha256: %s}]}", "packages.0: 'a.zip' is not a package"),
    "a package twice": (
        "{packages: [{path: a.deb, sha256: %s}, {path: x/a.deb, sha256: %s}]}",
        "packages.1: 'a.deb' is listed twice",
    ),
    "no digest": ("{packages: [{path: a.deb}]}", "packages.0.sha256: is missing"),
    "a relative data root": (
        "{packages: [{path: a.deb, sha256: %s}], data_root: data}",
        "data_root: 'data' is not an absolute path",
    ),
    "a data root with a way up": (
        "{packages: [{path: a.deb, sha256: %s}], data_root: /data/../etc}",
        "is not an absolute path",
    ),
    "an unknown key": ("{archiv: {path: a.tgz, sha256: %s}}", "engine.linux/amd64.archiv: unknown key"),
}


@pytest.mark.parametrize(("text", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_section_is_reported(folder: Path, text: str, says: str) -> None:
    (folder / "a.yaml").write_text(
        "application: compose\nengine:\n  linux/amd64: " + text.replace("%s", OTHER) + "\n"
    )
    with pytest.raises(ProfileError) as caught:
        load_profile("./a.yaml")
    assert caught.value.message.startswith("a.yaml:3: engine.linux/amd64")
    assert says in caught.value.message


def test_an_invalid_platform_is_refused(folder: Path) -> None:
    (folder / "a.yaml").write_text("application: compose\nengine: {amd64: {data_root: /d}}\n")
    with pytest.raises(ProfileError, match=r"a\.yaml:2: engine"):
        load_profile("./a.yaml")


def test_an_engine_that_is_older_than_required(folder: Path) -> None:
    found = PROFILE.format(**digests(folder))
    assert bring(folder, found + 'requirements: {docker: {minimum: "26"}}\n').entry
    with pytest.raises(ProfileError) as caught:
        bring(folder, found + 'requirements: {docker: {minimum: "27"}}\n')
    assert caught.value.message == (
        "a.yaml:4: engine.linux/amd64.version: is older than the required Docker, 27"
    )


def test_compact_images_need_to_know_the_version(folder: Path) -> None:
    (folder / "a.yaml").write_text(
        f"application: compose\npack: {{compression: compact}}\nengine:\n  linux/amd64:\n"
        f"    packages: [{{path: a.deb, sha256: {OTHER}}}]\n"
    )
    with pytest.raises(ProfileError) as caught:
        load_profile("./a.yaml")
    assert caught.value.message.startswith(
        "a.yaml:4: engine.linux/amd64: includes an engine of unknown version"
    )


@pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
def test_packages_say_what_they_are(folder: Path, kind: str) -> None:
    for architecture, expected in (("amd64", "amd64"), ("armhf", "arm"), ("all", None)):
        put(folder / "x.deb", deb("docker-ce-cli", architecture, kind))
        found = read_package(folder / "x.deb", "deb")
        assert (found.name, found.architecture) == ("docker-ce-cli", expected)
    for architecture, expected in (("aarch64", "arm64"), ("noarch", None), ("loongarch64", "loong64")):
        put(folder / "x.rpm", rpm("containerd.io", architecture))
        found = read_package(folder / "x.rpm", "rpm")
        assert (found.name, found.architecture) == ("containerd.io", expected)


# ---------------------------------------------------------------- downloads


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    """Serve the folder `served`; yield the URL."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    (folder / "served").mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder / "served"))) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_address[1]}"
        found.shutdown()
        thread.join()


def test_a_download_is_kept_for_builds_without_a_network(folder: Path, server: str) -> None:
    digest = put(folder / "served/docker_amd64.deb", deb("docker.io", "amd64"))
    text = (
        "application: compose\nengine:\n  linux/amd64:\n    packages:\n"
        f"      - {{url: '{server}/docker_amd64.deb?x=1', sha256: {digest}}}\n"
    )
    with pytest.raises(FetchError) as refused:
        bring(folder, text, offline=True)
    assert refused.value.message.startswith("a.yaml:5: engine.linux/amd64.packages.0.url: ")
    assert bring(folder, text).files[0].path == "engine/packages/docker_amd64.deb"
    (folder / "served/docker_amd64.deb").unlink()
    (file,) = bring(folder, text, offline=True).files
    assert Path(str(file.content)).read_bytes() == deb("docker.io", "amd64")

    Path(str(file.content)).chmod(0o644)
    Path(str(file.content)).write_bytes(b"rotten")
    with pytest.raises(BundleError, match="from the cache: its sha256 is"):
        bring(folder, text, offline=True)


def test_a_download_with_another_digest_is_thrown_away(folder: Path, server: str) -> None:
    put(folder / "served/a.deb", deb("docker.io", "amd64"))
    text = (
        "application: compose\nengine:\n  linux/amd64:\n    packages:\n"
        f"      - {{url: '{server}/a.deb', sha256: {OTHER}}}\n"
    )
    with pytest.raises(FetchError, match=r"a\.yaml:5: engine\.linux/amd64\.packages\.0\.sha256: "):
        bring(folder, text)
    assert list(Store(folder / "cache").entries()) == []
    with pytest.raises(FetchError, match=r"packages\.0\.url: .*: HTTP 404"):
        bring(folder, text.replace("a.deb", "b.deb"))


# ---------------------------------------------------------------- bundles


def test_a_bundle_lists_it_signed_and_the_same_each_time(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "work", tmp_path / "cache")
    builder.check("keygen")
    (builder.folder / "shop").mkdir()
    (builder.folder / "shop/compose.yaml").write_text("services: {web: {image: 'web:1'}}\n")
    found = digests(builder.folder)
    (builder.folder / "shop.yaml").write_text(
        PROFILE.format(**found) + 'version: "1.0"\nsettings: {project: shop, name: shop}\n'
    )
    arguments = ["--profile", "./shop.yaml", "--platform", "linux/amd64"]
    bundles = []
    with SampleRegistry() as registry:
        registry.add_image("library/web", "1", make_image({"etc/name": b"web"}))
        arguments += ["--registry-mirror", f"docker.io={registry.host}"]
        plan = builder.check("plan", *arguments)
        for name in ("one", "two"):
            builder.check("build", *arguments, "--output", name)
            bundles.append(next((builder.folder / name).glob("*.tar")))
    assert "docker-26.1.tgz, docker-compose, docker_amd64.deb, docker.x86_64.rpm" in plan
    assert bundles[0].read_bytes() == bundles[1].read_bytes()
    builder.check("verify", bundles[0], "--key", "bundle.pub")
    with tarfile.open(bundles[0]) as bundle:
        names = [name.partition("/")[2] for name in bundle.getnames()]
        engine = bundle.extractfile(f"{bundles[0].stem}/engine.tsv")
        sums = bundle.extractfile(f"{bundles[0].stem}/SHA256SUMS")
        sbom = bundle.extractfile(f"{bundles[0].stem}/attestations/sbom.spdx.json")
        provenance = bundle.extractfile(f"{bundles[0].stem}/attestations/provenance.json")
        assert engine
        assert sbom
        assert provenance
        named = {
            (package["name"], package["checksums"][0]["checksumValue"])
            for package in json.load(sbom)["packages"]
            if package["SPDXID"].startswith("SPDXRef-engine-")
        }
        materials = json.load(provenance)["predicate"]["buildDefinition"]["resolvedDependencies"]
        assert sums
        rows = [line.split("\t") for line in engine.read().decode().splitlines()]
        assert f"{found['archive']}  files/engine/docker-26.1.tgz\n" in sums.read().decode()
    manifest = json.loads(builder.check("inspect", bundles[0], "--json"))["manifest"]
    assert rows == [
        ["#kind", "value", "name"],
        ["version", "26.1", "-"],
        ["bytes", str(sum(file["size"] for file in manifest["engine"]["files"])), "-"],
        ["room", str(manifest["engine"]["room"]), "-"],
        ["data-root", "/data/docker", "-"],
        *(["program", name, "-"] for name in sorted(NEEDED)),
        ["archive", "files/engine/docker-26.1.tgz", "docker-26.1.tgz"],
        ["compose", "files/engine/docker-compose", "docker-compose"],
        ["deb", "files/engine/packages/docker_amd64.deb", "docker.io"],
        ["rpm", "files/engine/packages/docker.x86_64.rpm", "docker-ce"],
    ]
    assert "files/engine/packages/docker.x86_64.rpm" in names
    assert named == {
        ("docker-26.1.tgz", found["archive"]),
        ("docker-compose", found["compose"]),
        ("docker.io", found["deb"]),
        ("docker-ce", found["rpm"]),
    }
    assert named == {(one["name"], one["digest"]["sha256"]) for one in materials if "name" in one}
    assert manifest["engine"]["programs"] == sorted(NEEDED)
    assert "Docker 26.1, " in builder.check("inspect", bundles[0])
