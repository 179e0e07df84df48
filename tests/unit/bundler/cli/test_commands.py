"""Run the commands as a release engineer does, against a real registry in this process."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from bundler.errors import ExitCode
from bundler.store.blobs import Store
from bundler.trust.keys import PublicKey
from examples.demo.sample_registry import make_image
from tests.support.console import Console, isolate, make_console
from tests.support.faults import FaultRegistry

COMPOSE = """
name: shop
services:
  web:
    image: web:1
    ports: ["${WEB_PORT:-8080}:80", "127.0.0.1:9000:9000"]
    volumes: ["./web.conf:/etc/web.conf:ro"]
  db:
    image: db:15
"""
PROFILE = """
application: compose
version: "1.0"
sources: [registry]
settings:
  project: ../project
"""
WEB = make_image({"web": b"web" * 3000})
DB = make_image([{"db": b"db" * 3000}, {"more": b"more" * 100}])


PUSHED = {"library/web:1": WEB, "library/db:15": DB}
"""The images in the registry."""


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return make_console(capsys)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console) -> Path:
    """Change to a folder with a project, a profile `shop` and a key."""
    isolate(monkeypatch, tmp_path)
    work = tmp_path / "work"
    (work / "project").mkdir(parents=True)
    (work / "profiles").mkdir()
    (work / "project/compose.yaml").write_text(COMPOSE)
    (work / "project/web.conf").write_text("listen 80\n")
    (work / "profiles/shop.yaml").write_text(PROFILE)
    monkeypatch.chdir(work)
    assert console("keygen").code == 0
    return work


def tree(folder: Path) -> dict[str, str]:
    """Map the path of every file to the digest of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def mirror(registry: FaultRegistry) -> tuple[str, ...]:
    return ("--profile", "shop", "--registry-mirror", f"docker.io={registry.host}")


BUNDLE = Path("dist/shop-1.0-shop-linux-amd64.tar")


# ---------------------------------------------------------------- build


def test_a_build_ends_with_a_summary_and_the_next_commands(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    done = console("build", *mirror(registry))
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split() == ["IMAGE", "DIGEST", "SIZE", "SOURCE"]
    assert lines[1].split()[:2] == ["db:15", DB.manifest.digest[:19]]
    assert f"sha256 {hashlib.sha256(BUNDLE.read_bytes()).hexdigest()}" in lines
    following = done.out.partition("Next:")[2]
    assert f"bundle verify {BUNDLE} --key bundle.pub" in following
    assert f"sha256sum -c {BUNDLE.name}.sha256 &&" in following
    assert f"sh {BUNDLE.stem}/install --key bundle.pub" in following
    assert "not pinned, may change at any time: db:15, web:1 (`bundle lock` pins them)" in done.err
    assert console("verify", BUNDLE, "--key", "bundle.pub").code == 0
    checked = hashlib.sha256(BUNDLE.read_bytes()).hexdigest()
    assert Path(f"{BUNDLE}.sha256").read_text() == f"{checked}  {BUNDLE.name}\n"


def test_two_builds_are_the_same_bytes(folder: Path, registry: FaultRegistry, console: Console) -> None:
    """With a cold and a warm cache, online and offline, into different folders."""
    references = {"web:1": f"web:1@{WEB.manifest.digest}"}
    for old, new in references.items():  # one image by digest, one by tag
        (folder / "project/compose.yaml").write_text(COMPOSE.replace(old, new))
    first = console("build", *mirror(registry), "--output", "one")
    second = console("build", *mirror(registry), "--output", "two/three")
    offline = console("build", *mirror(registry), "--output", "four", "--offline")
    other = console("build", *mirror(registry), "--output", "five", "--cache", folder / "other-cache")
    assert [first.code, second.code, offline.code, other.code] == [0] * 4, first.err + offline.err
    bundles = [
        next((folder / name).glob("*.tar")).read_bytes() for name in ("one", "two/three", "four", "five")
    ]
    assert len({hashlib.sha256(data).hexdigest() for data in bundles}) == 1


def test_source_date_epoch_is_the_time_of_everything(
    folder: Path, registry: FaultRegistry, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert console("build", *mirror(registry)).code == 0
    with tarfile.open(BUNDLE) as archive:
        assert {member.mtime for member in archive} == {1700000000}
    found = console("inspect", BUNDLE, "--json").json["manifest"]
    assert (found["created"], found["release"]["counter"]) == (1700000000, 1700000000)


def test_counter_and_expiry_are_signed_and_shown(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    settings = ("--set", "release={counter: 42, expires: 2027-06-30, grace: 30d}")
    shown = "counter 42, expires 2027-07-01 00:00 UTC, refused after 2027-07-31 00:00 UTC"
    planned = console("plan", *mirror(registry), *settings)
    assert f"release: {shown}" in planned.out
    found = console("plan", *mirror(registry), *settings, "--json").json["release"]
    assert found == {"counter": 42, "expires": 1814400000, "grace": 2592000}
    assert console("build", *mirror(registry), *settings).code == 0
    assert shown in console("inspect", BUNDLE).out
    assert console("inspect", BUNDLE, "--json").json["manifest"]["release"] == found
    with tarfile.open(BUNDLE) as archive:
        (member,) = (each for each in archive if each.name.endswith("/bundle.env"))
        flat = archive.extractfile(member)
        assert flat is not None
        lines = flat.read().decode().splitlines()
    assert {"counter=42", "expires=1814400000", "grace=2592000"} <= set(lines)
    plain = console("plan", *mirror(registry)).out
    assert "release: counter from the date, no expiry" in plain


def test_json_output_is_valid(folder: Path, registry: FaultRegistry, console: Console) -> None:
    done = console("build", *mirror(registry), "--json")
    assert done.code == 0
    assert done.json["path"] == str(BUNDLE)
    assert done.json["signed"] is True
    assert [image["digest"] for image in done.json["images"]] == [DB.manifest.digest, WEB.manifest.digest]
    events = [json.loads(line) for line in done.err.splitlines()]
    assert {"step", "warning", "progress"} == {event["event"] for event in events}
    failed = console("build", *mirror(registry), "--json", "--locked")
    event = json.loads(failed.err.splitlines()[-1])
    assert event["event"] == "error"
    assert event["exit_code"] == failed.code == ExitCode.USAGE
    assert "bundle lock" in event["hint"]
    assert failed.out == ""


def test_unsigned_builds_warn_loudly(folder: Path, registry: FaultRegistry, console: Console) -> None:
    Path("bundle.key").unlink()
    refused = console("build", *mirror(registry))
    assert refused.code == ExitCode.USAGE
    assert "no signing key: bundle.key does not exist" in refused.err
    assert "bundle keygen" in refused.err
    assert registry.requests == [], "said before anything is asked for"
    done = console("build", *mirror(registry), "--unsigned")
    assert done.code == 0
    assert "warning: UNSIGNED" in done.err
    assert "UNSIGNED" in done.out
    assert "bundle.pub" not in done.out
    assert "install --allow-unsigned" in done.out
    assert console("verify", BUNDLE).code == ExitCode.VERIFICATION
    assert "UNSIGNED" in console("verify", BUNDLE, "--allow-unsigned").out
    assert "signed       NO" in console("inspect", BUNDLE).out


def test_a_profile_may_forbid_unsigned_and_unlocked_builds(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    (folder / "profiles/shop.yaml").write_text(
        PROFILE + "signing: {required: true}\nlock: {required: true}\n"
    )
    unlocked = console("build", *mirror(registry))
    assert (unlocked.code, "shop.lock.json: the lock file does not exist" in unlocked.err) == (
        ExitCode.USAGE,
        True,
    )
    assert console("lock", *mirror(registry)).code == 0
    unsigned = console("build", *mirror(registry), "--unsigned")
    assert (unsigned.code, "requires a signature" in unsigned.err) == (ExitCode.USAGE, True)
    assert console("build", *mirror(registry)).code == 0


# ---------------------------------------------------------------- plan


def test_plan_writes_nothing(folder: Path, registry: FaultRegistry, console: Console) -> None:
    before = tree(folder.parent)
    planned = console("plan", *mirror(registry))
    assert planned.code == 0, planned.err
    assert tree(folder.parent) == before
    assert not (folder.parent / "cache").exists()
    configs = {json.loads(image.manifest.raw)["config"]["digest"] for image in (WEB, DB)}
    assert set(registry.counts()) == configs, "manifests and configs are enough"
    assert "web:1" in planned.out
    assert WEB.manifest.digest[:19] in planned.out
    found = console("plan", *mirror(registry), "--json").json
    total = sum(len(blob) for image in (WEB, DB) for blob in image.blobs.values() if isinstance(blob, bytes))
    assert (found["total"], found["missing"]) == (total, total)
    assert console("build", *mirror(registry)).code == 0
    found = console("plan", *mirror(registry), "--json").json
    assert (found["total"], found["missing"]) == (total, 0)
    assert [image["cached"] == image["size"] for image in found["images"]] == [True, True]


def test_every_mount_is_shown_with_its_kind_and_its_place(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    (folder / "project/plugins").mkdir()
    (folder / "project/plugins/a").write_text("a")
    compose = (
        COMPOSE + '    volumes: ["./data:/data", "./plugins:/plugins", "/etc/localtime:/etc/localtime:ro"]\n'
    )
    (folder / "project/compose.yaml").write_text(compose)
    (folder / "profiles/shop.yaml").write_text(PROFILE + "  host_paths: [/etc/localtime]\n")
    rows = [
        ["web", "web.conf", "/etc/web.conf", "(read-only)", "configuration", "<release>/config/web.conf"],
        ["db", "data", "/data", "data", "<root>/data/data"],
        ["db", "plugins", "/plugins", "data", "with", "initial", "content", "<root>/data/plugins"],
        [
            "db", "/etc/localtime", "/etc/localtime", "(read-only)", "path", "of", "the", "host",
            "/etc/localtime",
        ],
    ]  # fmt: skip
    planned = [line.split() for line in console("plan", *mirror(registry)).out.splitlines()]
    assert [row for row in rows if row not in planned] == []
    found = console("plan", *mirror(registry), "--json").json["mounts"]
    assert [mount["kind"] for mount in found] == ["configuration", "data", "initial", "host"]
    built = console("build", *mirror(registry)).out
    assert "mounts: 1 configuration, 1 data, 1 data with initial content, 1 path of the host" in built
    inspected = [line.split() for line in console("inspect", BUNDLE).out.splitlines()]
    assert [row for row in rows if row not in inspected] == []
    with tarfile.open(BUNDLE) as tar:
        table = tar.extractfile(f"{BUNDLE.stem}/initial.tsv")
        assert table is not None
        assert table.read() == b"#path\tmode\tuid\tgid\nplugins/a\t0644\t-\t-\n"


def test_plan_shows_which_services_may_end_and_why(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    project = folder / "project/compose.yaml"
    project.write_text(COMPOSE + "  seed: {image: 'web:1', restart: 'no'}\n")
    shown = [line.split() for line in console("plan", *mirror(registry)).out.splitlines()]
    assert ["seed", "runs,", "or", "ends", "with", "0", "restart:", "no"] in shown
    found = {each["service"]: each for each in console("plan", *mirror(registry), "--json").json["services"]}
    assert found["seed"] == {"service": "seed", "expect": "started", "why": "restart: no", "replicas": "1"}
    project.write_text(COMPOSE + "  seed: {image: 'web:1', restart: always}\n")
    shown = [line.split() for line in console("plan", *mirror(registry)).out.splitlines()]
    assert not any(line[:1] == ["seed"] for line in shown)
    assert ["db", "runs,", "or", "ends", "with", "0", "no", "restart", "policy"] in shown


# ---------------------------------------------------------------- lock


def test_a_lock_pins_what_a_tag_meant(folder: Path, registry: FaultRegistry, console: Console) -> None:
    locked = console("lock", *mirror(registry))
    assert locked.code == 0
    path = folder / "profiles/shop.lock.json"
    pins = json.loads(path.read_text())["images"]
    assert pins["docker.io/library/web:1"]["linux/amd64"]["digest"] == WEB.manifest.digest
    newer = make_image({"web": b"newer"})
    registry.add_image("library/web", "1", newer)
    done = console("build", *mirror(registry), "--locked")
    assert done.code == 0, done.err
    assert "not pinned" not in done.err
    with tarfile.open(BUNDLE) as archive:
        assert any(member.name.endswith(WEB.manifest.digest[7:]) for member in archive)
    assert console("lock", *mirror(registry)).code == 0
    assert (
        json.loads(path.read_text())["images"]["docker.io/library/web:1"] != pins["docker.io/library/web:1"]
    )


def test_locked_refuses_what_is_not_pinned(folder: Path, registry: FaultRegistry, console: Console) -> None:
    assert console("lock", *mirror(registry)).code == 0
    (folder / "project/compose.yaml").write_text(COMPOSE + "  extra: {image: 'web:2'}\n")
    registry.add_image("library/web", "2", WEB)
    refused = console("build", *mirror(registry), "--locked")
    assert refused.code == ExitCode.FAILED
    assert "web:2: not in the lock profiles/shop.lock.json for linux/amd64" in refused.err
    assert not Path("dist").exists() or not list(Path("dist").iterdir())
    other = console("build", *mirror(registry), "--locked", "--platform", "linux/arm64")
    assert "not in the lock profiles/shop.lock.json for linux/arm64" in other.err
    assert "for 3 images: db:15, web:1, web:2" in other.err


@pytest.mark.parametrize("command", ["build", "plan"])
def test_a_lock_file_that_is_named_or_required_must_exist(
    folder: Path, registry: FaultRegistry, console: Console, command: str
) -> None:
    for options, path in (
        (("--locked",), "profiles/shop.lock.json"),
        (("--lock-file", "typo.json"), "typo.json"),
    ):
        refused = console(command, *mirror(registry), *options)
        assert refused.code == ExitCode.USAGE
        assert refused.err.startswith(f"error: {path}: the lock file does not exist\n  hint: run `bundle ")
    assert registry.requests == []
    assert console("lock", *mirror(registry), "--lock-file", "new.json").code == 0
    assert console(command, *mirror(registry), "--lock-file", "new.json", "--locked").code == 0


def test_a_pinned_image_that_the_registry_lost_is_not_replaced(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    (folder / "project/compose.yaml").write_text(
        f"services: {{web: {{image: '{registry.host}/library/web:1'}}}}"
    )
    assert console("lock", *mirror(registry)).code == 0
    del registry.documents["library/web"][WEB.manifest.digest]
    registry.add_image("library/web", "1", make_image({"web": b"newer"}))
    refused = console("build", *mirror(registry), "--locked")
    assert refused.code == ExitCode.FAILED
    assert f"web:1@{WEB.manifest.digest}: not found" in refused.err


def test_locks_of_several_platforms_stand_side_by_side(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    arm = make_image({"web": b"arm"}, platform="linux/arm64")
    registry.add_index("library/web", "1", [WEB, arm])
    registry.add_index("library/db", "15", [DB, make_image({"db": b"arm"}, platform="linux/arm64")])
    assert console("lock", *mirror(registry)).code == 0
    assert console("lock", *mirror(registry), "--platform", "linux/arm64").code == 0
    pins = json.loads((folder / "profiles/shop.lock.json").read_text())["images"]["docker.io/library/web:1"]
    assert pins["linux/amd64"]["digest"] == WEB.manifest.digest
    assert pins["linux/arm64"]["digest"] == arm.manifest.digest


def test_a_damaged_lock_is_refused(folder: Path, registry: FaultRegistry, console: Console) -> None:
    (folder / "profiles/shop.lock.json").write_text('{"format": 1, "images": {"a": {"b": {"digest": "x"}}}}')
    refused = console("build", *mirror(registry))
    assert refused.code == ExitCode.USAGE
    assert "profiles/shop.lock.json: the lock file is damaged" in refused.err
    assert "bundle lock" in refused.err


# ---------------------------------------------------------------- offline


def test_offline_builds_from_the_cache_alone(folder: Path, registry: FaultRegistry, console: Console) -> None:
    refused = console("build", *mirror(registry), "--offline")
    assert refused.code == ExitCode.FAILED
    assert "not in the cache" in refused.err
    assert "build once without --offline" in refused.err
    assert console("build", *mirror(registry)).code == 0
    registry.requests.clear()
    done = console("build", *mirror(registry), "--offline")
    assert done.code == 0, done.err
    assert registry.requests == []


# ---------------------------------------------------------------- inspect, verify


class Counting(io.FileIO):
    """A file that counts how much of it is read."""

    total = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size)
        Counting.total += len(data or b"")
        return data or b""

    def readinto(self, buffer: object, /) -> int:
        size = super().readinto(buffer)  # type: ignore[arg-type]
        Counting.total += size or 0
        return size or 0


HEAD = 2_000_000
"""Bytes of a bundle of 32 MB that `inspect` reads at most; the installer is half of them."""


def test_inspect_reads_the_head_only(
    folder: Path, registry: FaultRegistry, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add_image("library/web", "1", make_image({"big": hashlib.shake_128(b"x").digest(30_000_000)}))
    assert console("build", *mirror(registry)).code == 0
    head = BUNDLE.read_bytes()[:HEAD]
    (folder / "head.tar").write_bytes(head)
    whole, cut = console("inspect", BUNDLE, "--json").json, console("inspect", "head.tar", "--json").json
    assert console("verify", BUNDLE, "--allow-unsigned", "--json").json["files"] == whole["files"]
    assert whole["manifest"] == cut["manifest"], "it says it all"

    whole_open = Path.open

    def counting(self: Path, mode: str = "r", *rest: object, **more: object) -> object:
        if self != BUNDLE:  # files read to find plugins
            return whole_open(self, mode, *rest, **more)  # type: ignore[call-overload]
        return io.BufferedReader(Counting(self), 4096)

    Counting.total = 0
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", counting)
        found = console("inspect", BUNDLE)
    assert found.code == 0
    assert 0 < Counting.total < HEAD
    assert "shop 1.0" in found.out
    assert "web:1" in found.out


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"x" * 5000, b"-----BEGIN PRIVATE KEY-----\n"])
def test_files_that_are_not_bundles_are_refused(folder: Path, console: Console, content: bytes) -> None:
    Path("other").write_bytes(content)
    for command in ("inspect", "verify"):
        done = console(command, "other", *(("--allow-unsigned",) if command == "verify" else ()))
        assert done.code == ExitCode.VERIFICATION
        assert "other: not a bundle" in done.err


def test_a_truncated_bundle_is_refused(folder: Path, registry: FaultRegistry, console: Console) -> None:
    assert console("build", *mirror(registry)).code == 0
    data = BUNDLE.read_bytes()
    BUNDLE.write_bytes(data[: len(data) // 2])
    done = console("verify", BUNDLE)
    assert done.code == ExitCode.VERIFICATION
    assert "ends early" in done.err
    assert ".sha256" in done.err


# ---------------------------------------------------------------- keygen


def test_keygen_makes_a_pair_that_is_never_overwritten(folder: Path, console: Console) -> None:
    assert stat.S_IMODE(Path("bundle.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(Path("bundle.pub").stat().st_mode) == 0o644
    before = Path("bundle.key").read_bytes()
    again = console("keygen")
    assert again.code == ExitCode.USAGE
    assert "never overwritten" in again.err
    assert Path("bundle.key").read_bytes() == before
    made = console("keygen", "--output", "keys/new")
    assert made.code == 0
    assert PublicKey.read(Path("keys/new/bundle.pub").read_bytes()).fingerprint in made.out
    assert "PRIVATE" not in made.out


def test_a_key_that_others_can_read_is_warned_of(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    Path("bundle.key").chmod(0o644)
    assert "chmod 600 bundle.key" in console("build", *mirror(registry)).err


@pytest.mark.parametrize("way", ["file", "environment"])
def test_an_encrypted_key(
    folder: Path, registry: FaultRegistry, console: Console, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    Path("pass").write_text("correct horse\n")
    given: tuple[str, ...] = ("--passphrase-file", "pass")
    if way == "environment":
        monkeypatch.setenv("BUNDLE_KEY_PASSPHRASE", "correct horse")
        given = ()
    assert console("keygen", "--output", "keys", *given).code == 0
    assert b"ENCRYPTED" in Path("keys/bundle.key").read_bytes()
    done = console("build", *mirror(registry), "--key", "keys/bundle.key", *given)
    assert done.code == 0, done.err
    assert "correct horse" not in done.out + done.err
    assert "--key keys/bundle.pub" in done.out
    assert console("verify", BUNDLE, "--key", "keys/bundle.pub").code == 0
    monkeypatch.delenv("BUNDLE_KEY_PASSPHRASE", raising=False)
    registry.requests.clear()
    missing = console("build", *mirror(registry), "--key", "keys/bundle.key")
    assert missing.code == ExitCode.USAGE
    assert "--passphrase-file FILE, set BUNDLE_KEY_PASSPHRASE" in missing.err
    monkeypatch.setenv("BUNDLE_KEY_PASSPHRASE", "wrong")
    wrong = console("build", *mirror(registry), "--key", "keys/bundle.key")
    assert wrong.code == ExitCode.USAGE
    assert "wrong passphrase" in wrong.err
    assert registry.requests == [], "said before anything is asked for"


def test_the_key_may_be_named_by_the_environment(
    folder: Path, registry: FaultRegistry, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert console("keygen", "--output", "keys").code == 0
    monkeypatch.setenv("BUNDLE_KEY", "keys/bundle.key")
    assert console("build", *mirror(registry)).code == 0
    assert console("verify", BUNDLE, "--key", "keys/bundle.pub").code == 0
    assert console("verify", BUNDLE, "--key", "bundle.pub").code == ExitCode.VERIFICATION


# ---------------------------------------------------------------- cache


def test_the_cache_is_shown_checked_and_pruned(
    folder: Path, registry: FaultRegistry, console: Console
) -> None:
    assert console("build", *mirror(registry)).code == 0
    found = console("cache", "--json").json
    assert found["blobs"] == len(WEB.blobs) + len(DB.blobs) + 2
    assert found["size"] > 0
    store = folder.parent / "cache"
    blob = store / "blobs/sha256" / WEB.layers[0][7:]
    blob.chmod(0o644)
    blob.write_bytes(b"damaged")
    assert console("cache", "--check", "--json").json["removed"] == [WEB.layers[0]]
    registry.requests.clear()
    assert console("build", *mirror(registry)).code == 0
    assert registry.counts() == {WEB.layers[0]: 1}
    assert console("cache", "--prune", "--unused-for", "1d", "--json").json["removed"] == []
    assert len(console("cache", "--prune", "--json").json["removed"]) == found["blobs"]
    assert "0 blobs" in console("cache").out


def test_caches_of_applications_are_shown_and_pruned(folder: Path, console: Console) -> None:
    made = Store(folder.parent / "cache").cache("dify-plugins")
    path = made.keep("hello.difypkg", lambda path: path.write_bytes(b"12345"))
    assert "dify-plugins: 1 entries, 5 B" in console("cache").out
    os.utime(path, (0, 0))
    assert console("cache", "--json").json["caches"] == {
        "dify-plugins": {"entries": 1, "size": 5, "removed": []}
    }
    pruned = console("cache", "--prune", "--unused-for", "1d", "--json").json["caches"]
    assert pruned == {"dify-plugins": {"entries": 0, "size": 0, "removed": ["hello.difypkg"]}}
    assert not path.exists()
    assert console("cache", "--json").json["caches"] == {}


# ---------------------------------------------------------------- wrong inputs

WRONG: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no command of that name": (("bild",), 2, "did you mean build?"),
    "no profile": (("build",), 2, "missing option '-p' / '--profile'"),
    "unknown option": (("build", "-p", "shop", "--pltform", "x"), 2, "--platform"),
    "unknown profile": (("build", "-p", "shpo"), 2, "did you mean shop?"),
    "unknown file": (("build", "-p", "./shpo.yaml"), 2, "there is no file shpo.yaml"),
    "a folder as profile": (("build", "-p", "./profiles"), 2, "profiles: not a file"),
    "platform": (("build", "-p", "shop", "--platform", "amd64"), 2, "for example linux/amd64"),
    "mirror without host": (("build", "-p", "shop", "--registry-mirror", "x"), 2, "docker.io=mirror:5000"),
    "mirror as URL": (
        ("build", "-p", "shop", "--registry-mirror", "docker.io=https://x/"), 2, "not host[:port][/prefix]",
    ),
    "set without value": (("build", "-p", "shop", "--set", "x"), 2, "is not key=value"),
    "set of an unknown key": (("build", "-p", "shop", "--set", "settigns.x=1"), 2, "mean `settings`?"),
    "no such key": (("build", "-p", "shop", "--key", "no.key"), 2, "no signing key: no.key does not exist"),
    "public key to sign with": (("build", "-p", "shop", "--key", "bundle.pub"), 2, "it is a public key"),
    "text to sign with": (("build", "-p", "shop", "--key", "project/compose.yaml"), 2, "not a PKCS#8"),
    "key and unsigned": (
        ("build", "-p", "shop", "--key", "bundle.key", "--unsigned"), 2, "cannot be used together",
    ),
    "output is a file": (("build", "-p", "shop", "--output", "bundle.key"), 2, "is a file"),
    "output not possible": (("build", "-p", "shop", "--output", "/proc/no/thing"), 2, "cannot be created"),
    "no source of that name": (("build", "-p", "shop", "--set", "sources=[regstry]"), 2, "mean registry?"),
    "no such application": (("plan", "-p", "shop", "--set", "application=x"), 2, "no application named"),
    "no signer of that name": (("build", "-p", "shop", "--set", "signer=x"), 2, "no signer named 'x'"),
    "a list as version": (("build", "-p", "shop", "--set", "version=[1]"), 2, "must be a string"),
    "no such bundle": (("verify", "no.tar"), 2, "'no.tar' does not exist"),
    "no Compose file": (("init", "--from", "profiles"), 1, "compose.yaml, compose.yml"),
    "no Compose file either": (("init", "--from", "bundle.key"), 1, "is this a Compose file?"),
    "keygen with an unknown scheme": (("keygen", "--signer", "x", "--output", "y"), 2, "there are: ecdsa"),
    "age": (("cache", "--prune", "--unused-for", "3x"), 2, "for example 12h, 30d or 4w"),
    "age alone": (("cache", "--unused-for", "3d"), 2, "requires --prune"),
    "shell": (("completion", "tcsh"), 2, "'bash', 'zsh', 'fish'"),
    "no folder of plugins": (("plugins", "--plugins-dir", "no"), 2, "no such folder"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "says"), WRONG.values(), ids=WRONG.keys())
def test_errors_about_wrong_inputs_have_a_hint(
    folder: Path, console: Console, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = console(*arguments)
    assert done.code == code
    assert says in done.err
    assert done.err.splitlines()[-1].startswith(("  hint: ", "error: "))
    assert "Traceback" not in done.err
    assert done.out == ""


def test_source_date_epoch_must_be_a_number(
    folder: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert "not a number of seconds" in console("build", "-p", "shop").err


def test_every_exit_code_is_documented(console: Console) -> None:
    words = console("--help").out.split()
    for code in (0, 1, 2, 3, 4, 130):
        assert str(code) in words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(console: Console, shell: str) -> None:
    assert "_BUNDLE_COMPLETE" in console("completion", shell).out


def test_bash_completes_commands_options_and_profiles(
    folder: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_BUNDLE_COMPLETE", "bash_complete")
    for words, expected in (
        ("bundle bu", "build"),
        ("bundle build --plat", "--platform"),
        ("bundle build -p sh", "shop"),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        assert f"plain,{expected}" in console().out.splitlines()
