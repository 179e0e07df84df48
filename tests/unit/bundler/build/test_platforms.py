"""Images of another platform are refused by `plan` and `lock` too; one command serves several platforms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bundler.api.application import ApplicationModel
from bundler.build.platforms import platforms
from bundler.errors import BundleError, ExitCode
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from examples.demo.sample_registry import Document, Image, encode, make_image
from tests.support.console import Console, isolate, make_console
from tests.support.docker_archives import CONFIG, ENTRY, TAR, saved
from tests.support.faults import FaultRegistry, status
from tests.support.pages import read_page

AMD64, ARM64 = "linux/amd64", "linux/arm64"
BOTH = ("--platform", AMD64, "--platform", ARM64)
WEB = {
    platform: make_image({"web": platform.encode() * 500}, platform=platform) for platform in (AMD64, ARM64)
}
DB = {platform: make_image({"db": platform.encode() * 500}, platform=platform) for platform in (AMD64, ARM64)}
BUNDLES = [Path(f"dist/shop-1.0-shop-linux-{architecture}.tar") for architecture in ("amd64", "arm64")]
FOREIGN = "made for linux/arm64, but the bundle is for linux/amd64"
"""What is said about such an image."""
COMMANDS = ("plan", "lock", "build")


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return make_console(capsys)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console) -> Path:
    """Change to a folder with a project of two services, a profile `shop` and a key."""
    isolate(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text(
        "name: shop\nservices:\n  web: {image: 'web:1'}\n  db: {image: 'db:15'}\n"
    )
    (tmp_path / "shop.yaml").write_text(
        "application: compose\nversion: '1.0'\nsources: [registry]\nsettings:\n  project: .\n"
    )
    assert console("keygen").code == 0
    return tmp_path


def shop(registry: FaultRegistry) -> tuple[str, ...]:
    return ("--profile", "./shop.yaml", "--registry-mirror", f"docker.io={registry.host}")


def push(registry: FaultRegistry, *, web: list[Image], db: list[Image]) -> None:
    for name, tag, images in (("library/web", "1", web), ("library/db", "15", db)):
        registry.add_index(name, tag, images)


def push_both(registry: FaultRegistry) -> None:
    push(registry, web=list(WEB.values()), db=list(DB.values()))


# ---------------------------------------------------------------- another platform


@pytest.mark.parametrize("command", COMMANDS)
def test_images_for_one_other_platform_are_refused_before_any_layer(
    folder: Path, registry: FaultRegistry, console: Console, command: str
) -> None:
    registry.add_image("library/web", "1", WEB[ARM64])
    registry.add_image("library/db", "15", DB[ARM64])
    refused = console(command, *shop(registry))
    assert refused.code == ExitCode.FAILED
    assert refused.err.endswith(
        f"error: {FOREIGN}\n  for 2 images: db:15, web:1\n"
        "  hint: choose another --platform, or an image built for this platform\n"
    )
    assert not set(registry.counts()) & {*WEB[ARM64].layers, *DB[ARM64].layers}
    assert not (folder / "shop.lock.json").exists()
    assert console(command, *shop(registry), "--platform", ARM64).code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_an_index_without_the_platform_and_one_that_lies_are_refused(
    folder: Path, registry: FaultRegistry, console: Console, command: str
) -> None:
    registry.add_index("library/web", "1", [WEB[ARM64]])
    document = WEB[ARM64].manifest
    registry.add_image("library/db", None, WEB[ARM64])
    entry = {**document.descriptor, "platform": {"os": "linux", "architecture": "amd64"}}
    listing = encode({"schemaVersion": 2, "manifests": [entry]})
    registry.add_document("library/db", "15", Document("application/vnd.oci.image.index.v1+json", listing))
    refused = console(command, *shop(registry))
    assert refused.code == ExitCode.FAILED
    assert "2 images cannot be resolved:" in refused.err
    assert f"\n  db:15: {FOREIGN}\n" in refused.err
    assert "\n  web:1: no image for linux/amd64; available: linux/arm64\n" in refused.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_service_that_names_its_platform_is_held_to_it(
    folder: Path, registry: FaultRegistry, console: Console, command: str
) -> None:
    compose = folder / "compose.yaml"
    compose.write_text(compose.read_text().replace("'web:1'", "'web:1', platform: linux/arm64"))
    registry.add_image("library/web", "1", WEB[AMD64])
    registry.add_image("library/db", "15", DB[AMD64])
    refused = console(command, *shop(registry))
    assert "web:1: made for linux/amd64, but its service has `platform: linux/arm64`" in refused.err
    registry.add_image("library/web", "1", WEB[ARM64])
    assert console(command, *shop(registry)).code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_saved_archive_is_held_to_the_platform(
    folder: Path, registry: FaultRegistry, console: Console, command: str
) -> None:
    config = encode({**json.loads(CONFIG), "architecture": "arm64"})
    listed = encode([{**ENTRY, "RepoTags": ["web:1", "db:15"]}])
    archive = saved(manifest_json=listed, config_json=config, layer_tar=TAR)
    (folder / "images.tar").write_bytes(archive)
    arguments = ("--profile", "./shop.yaml", "--set", "sources=[archive]", "--set", "archives=[images.tar]")
    refused = console(command, *arguments)
    assert refused.code == ExitCode.FAILED
    assert "images.tar has it for linux/arm64, but the bundle is for linux/amd64" in refused.err
    assert "for 2 images: db:15, web:1" in refused.err
    assert console(command, *arguments, "--platform", ARM64).code == 0


def test_images_that_are_only_mounted_are_for_the_bundles_platform() -> None:
    volume = {"type": "image", "source": "data:1", "target": "/data"}
    compose = {"services": {"web": {"image": "web:1", "platform": ARM64, "volumes": [volume]}}}
    made = ApplicationModel("shop", "1", "Shop", compose)
    amd64, arm64 = Platform.parse(AMD64), Platform.parse(ARM64)
    assert platforms(made, amd64) == {Reference.parse("web:1"): arm64, Reference.parse("data:1"): amd64}
    with pytest.raises(BundleError, match="cannot run on a server for windows/amd64"):
        platforms(made, Platform.parse("windows/amd64"))


# ---------------------------------------------------------------- several platforms


def test_one_build_makes_the_bundles_that_single_builds_make(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    push_both(registry)
    built = console("build", *shop(registry), *BOTH)
    assert built.code == 0, built.err
    assert [
        line.split()[0] for line in built.out.splitlines() if line.startswith("dist/") and "signed" in line
    ] == [str(path) for path in BUNDLES]
    both = [path.read_bytes() for path in BUNDLES]
    assert built.err.count("not pinned") == 1
    tags = [request.path for request in registry.requests if request.path.endswith(("/1", "/15"))]
    assert len(tags) == 2, "what a tag means is asked for once, so that the platforms agree"
    for path, platform in zip(BUNDLES, (AMD64, ARM64), strict=True):
        path.unlink()
        assert console("build", *shop(registry), "--platform", platform).code == 0
        assert console("verify", path, "--key", "bundle.pub").code == 0
    assert [path.read_bytes() for path in BUNDLES] == both


def test_platforms_may_be_joined_by_commas_and_repeated(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    push_both(registry)
    found = console(
        "build", *shop(registry), "--platform", f"{AMD64},linux/aarch64", "--platform", ARM64, "--json"
    )
    lines = [json.loads(line) for line in found.out.splitlines()]
    assert [(line["platform"], line["path"]) for line in lines] == [
        (AMD64, str(BUNDLES[0])),
        (ARM64, str(BUNDLES[1])),
    ]
    events = [json.loads(line) for line in found.err.splitlines()]
    steps = [event["name"] for event in events if event["event"] == "step" and event["state"] == "started"]
    stages = ["fetch", "images", "render", "sign", "pack"]
    assert steps == ["resolve", AMD64, *stages, ARM64, *stages]


def test_a_platform_that_is_missing_is_found_before_anything_is_built(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    push(registry, web=list(WEB.values()), db=[DB[AMD64]])
    refused = console("build", *shop(registry), *BOTH)
    assert refused.code == ExitCode.FAILED
    assert "error: db:15: no image for linux/arm64; available: linux/amd64" in refused.err
    assert refused.out == ""
    assert not [*folder.glob("dist/*")]
    assert not set(registry.counts()) & {*WEB[AMD64].layers}


def test_a_bundle_that_is_finished_stays_if_the_next_fails(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    push_both(registry)
    compose = folder / "compose.yaml"
    compose.write_text(compose.read_text().replace("'web:1'", f"'{registry.host}/library/web:1'"))
    registry.fail(WEB[ARM64].layers[0], status(404))
    failed = console("build", *shop(registry), *BOTH, "--json")
    assert failed.code == ExitCode.FAILED
    assert [json.loads(line)["path"] for line in failed.out.splitlines()] == [str(BUNDLES[0])]
    event = json.loads(failed.err.splitlines()[-1])
    assert (event["event"], event["exit_code"]) == ("error", 1)
    assert "answers 404" in event["message"]
    assert "push it again" in event["hint"]
    assert [path.exists() for path in BUNDLES] == [True, False]
    assert console("verify", BUNDLES[0], "--key", "bundle.pub").code == 0


def test_plans_of_several_platforms_follow_each_other(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    push_both(registry)
    shown = console("plan", *shop(registry), *BOTH)
    assert [line for line in shown.out.splitlines() if line.startswith("shop 1.0")] == [
        f"shop 1.0 for {AMD64}",
        f"shop 1.0 for {ARM64}",
    ]
    lines = console("plan", *shop(registry), *BOTH, "--json").out.splitlines()
    plans = {plan["platform"]: plan for plan in map(json.loads, lines)}
    for platform in (AMD64, ARM64):
        digests = [image["digest"] for image in plans[platform]["images"]]
        assert digests == [DB[platform].manifest.digest, WEB[platform].manifest.digest]
    assert not (folder / "cache").exists()


def test_a_report_of_a_plan_shows_all_platforms(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    push_both(registry)
    done = console("report", *shop(registry), *BOTH)
    assert (done.code, done.out) == (0, "wrote shop.report.html\n"), done.err
    page = read_page((folder / "shop.report.html").read_bytes())
    assert {AMD64, ARM64} <= {*page.said("th")}
    for platform in (AMD64, ARM64):
        assert WEB[platform].manifest.digest in page.said("code") + page.said("td")
    assert console("report", *shop(registry)).out == "wrote shop-linux-amd64.report.html\n"


def test_a_lock_pins_several_platforms_at_once(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    push_both(registry)
    found = console("lock", *shop(registry), *BOTH, "--json").json["images"]
    assert found == {
        f"docker.io/library/{name}": {platform: image.manifest.digest for platform, image in images.items()}
        for name, images in (("db:15", DB), ("web:1", WEB))
    }
    shown = console("lock", *shop(registry), "--platform", ARM64).out
    assert f"docker.io/library/web:1  {WEB[AMD64].manifest.digest}  {AMD64}\n" in shown, "as before"
    assert console("build", *shop(registry), *BOTH, "--locked").code == 0


def test_a_rehearsal_is_of_one_platform(folder: Path, registry: FaultRegistry, console: Console) -> None:
    refused = console("build", *shop(registry), *BOTH, "--rehearse")
    assert refused.code == ExitCode.USAGE
    assert "--rehearse cannot be combined with several platforms" in refused.err
    assert registry.requests == []
