"""Whole builds as processes: two at once, killed, during a prune, and prompting for a passphrase."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from bundler.image.digest import digest_of
from bundler.store.blobs import Store
from examples.demo.sample_registry import make_image
from tests.support.builder import Builder
from tests.support.faults import FaultRegistry, stall
from tests.support.programs import need_program

NOISE = random.Random(5).randbytes(900_000)  # noqa: S311 the same in each run
WEB = make_image([{"base": NOISE}, {"web": NOISE[:90_000]}])
DB = make_image([{"base": NOISE}, {"db": NOISE[90_000:200_000]}])
BASE = WEB.layers[0]


PUSHED = {"library/web:1": WEB, "library/db:1": DB}
"""The images in the registry."""


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    found = Builder(tmp_path / "work", tmp_path / "cache")
    (found.folder / "shop").mkdir(parents=True)
    (found.folder / "shop/compose.yaml").write_text(
        "services:\n"
        "  web: {image: 'web:1', environment: {APP_PASSWORD: 'plain-text'}}\n"
        "  db: {image: 'db:1'}\n"
    )
    found.check("init", "--from", "shop")
    found.check("keygen")
    return found


def arguments(registry: FaultRegistry, *more: str) -> list[str]:
    return ["build", "--profile", "shop", "--registry-mirror", f"docker.io={registry.host}", *more]


def wait_for_partial(builder: Builder) -> Path:
    """Wait until part of the blob is on disk; return the path of the partial file."""
    partial = builder.cache / "partial" / BASE[7:]
    deadline = time.monotonic() + 60
    while not partial.exists() or not partial.stat().st_size:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return partial


def check_store(builder: Builder) -> None:
    for blob in Store(builder.cache).entries():
        assert digest_of(Store(builder.cache).path(blob.digest).read_bytes()) == blob.digest


def test_init_writes_a_profile_that_builds(builder: Builder, registry: FaultRegistry) -> None:
    builder.check(*arguments(registry))
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    builder.check("verify", bundle, "--key", "bundle.pub")
    assert b"plain-text" not in bundle.read_bytes()
    found = json.loads(builder.check("inspect", bundle, "--json"))["manifest"]
    assert [v["name"] for v in found["variables"] if v["kind"] == "secret"] == ["APP_PASSWORD"]


def test_two_builds_at_once_fetch_each_blob_once(builder: Builder, registry: FaultRegistry) -> None:
    builds = [builder.start(*arguments(registry, "--output", name)) for name in ("one", "two")]
    for build in builds:
        _, errors = build.communicate(timeout=120)
        assert build.returncode == 0, errors
    assert registry.counts() == dict.fromkeys({*WEB.blobs, *DB.blobs}, 1)
    bundles = [next((builder.folder / name).glob("*.tar")).read_bytes() for name in ("one", "two")]
    assert bundles[0] == bundles[1]
    check_store(builder)


def test_a_killed_build_is_resumed_by_the_next(builder: Builder, registry: FaultRegistry) -> None:
    registry.fail(BASE, stall(300_000, registry.released))
    build = builder.start(*arguments(registry))
    size = 0
    partial = wait_for_partial(builder)
    while partial.stat().st_size > size:  # data already sent may still arrive
        size = partial.stat().st_size
        time.sleep(0.3)
    build.send_signal(signal.SIGKILL)
    build.communicate()
    check_store(builder)
    assert not list(builder.folder.glob("dist/*.tar"))
    registry.requests.clear()
    builder.check(*arguments(registry))
    asked = [request.headers["Range"] for request in registry.requests if request.path.endswith(BASE)]
    assert asked == [f"bytes={size}-"]
    assert size > 0
    check_store(builder)


def test_ctrl_c_ends_a_build_soon_and_says_so(builder: Builder, registry: FaultRegistry) -> None:
    registry.fail(BASE, stall(300_000, registry.released))
    build = builder.start(*arguments(registry))
    wait_for_partial(builder)
    build.send_signal(signal.SIGINT)
    time.sleep(0.2)
    registry.released.set()
    _, errors = build.communicate(timeout=120)
    assert build.returncode == 130
    assert "the cache is kept" in errors
    assert "Traceback" not in errors
    check_store(builder)


def test_pruning_leaves_blobs_of_a_running_build(builder: Builder, registry: FaultRegistry) -> None:
    registry.fail(BASE, stall(300_000, registry.released))
    build = builder.start(*arguments(registry))
    wait_for_partial(builder)
    for option in ("--prune", "--check"):
        refused = builder.bundle("cache", option)
        assert refused.returncode == 1
        assert "is in use by a build" in refused.stderr
    build.send_signal(signal.SIGKILL)
    build.communicate()
    pruned = json.loads(builder.check("cache", "--prune", "--json"))
    assert pruned["blobs"] == 0
    assert not (builder.cache / "partial").exists()


def test_a_failed_build_leaves_no_half_bundle(builder: Builder, registry: FaultRegistry) -> None:
    builder.check(*arguments(registry))
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    before = b"an earlier one"
    bundle.write_bytes(before)
    blob = builder.cache / "blobs/sha256" / BASE[7:]
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    failed = builder.bundle(*arguments(registry))
    assert failed.returncode == 1
    assert "bundle cache --check" in failed.stderr
    assert bundle.read_bytes() == before, "the earlier bundle is as it was"
    assert not [path for path in bundle.parent.iterdir() if path.name.startswith(".")]


def test_a_damaged_record_of_an_earlier_bundle_is_ignored(builder: Builder, registry: FaultRegistry) -> None:
    """If the cache has the digest of an archive, only the members are hashed, not the whole archive."""
    builder.check(*arguments(registry))
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    before = bundle.read_bytes()
    remembered = [path for path in (builder.cache / "refs").iterdir() if '"archive ' in path.read_text()]
    (noted,) = remembered
    right = noted.read_text()
    for wrong in (right.replace("sha256:", "sha256:0000")[: len(right)], "not JSON", "[]", "{}"):
        noted.write_text(wrong)
        bundle.unlink()
        builder.check(*arguments(registry))
        assert bundle.read_bytes() == before
        assert noted.read_text() == right
    other = json.loads(right) | {"digest": digest_of(b"another archive")}
    noted.write_text(json.dumps(other))
    builder.check(*arguments(registry))
    assert bundle.read_bytes() == before
    assert noted.read_text() == right
    bundle.write_bytes(b"an earlier one")
    blob = builder.cache / "blobs/sha256" / BASE[7:]
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    for text in (json.dumps(other), right):
        noted.write_text(text)
        failed = builder.bundle(*arguments(registry))
        assert failed.returncode == 1
        assert BASE[7:] in failed.stderr
        assert bundle.read_bytes() == b"an earlier one"
        assert noted.read_text() == text


def test_an_identical_bundle_is_left_in_place(builder: Builder, registry: FaultRegistry) -> None:
    first = builder.check(*arguments(registry))
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    before, file = bundle.read_bytes(), bundle.stat().st_ino
    os.utime(bundle, (0, 0))
    bundle.chmod(0o600)
    checksum = bundle.with_name(bundle.name + ".sha256")
    noted = checksum.read_text()
    checksum.unlink()
    again = builder.bundle(*arguments(registry))
    assert (again.returncode, again.stdout) == (0, first)
    assert f"{bundle.name}: already up to date, byte for byte" in again.stderr
    assert bundle.stat().st_ino == file
    assert bundle.stat().st_mode & 0o777 == 0o644
    assert bundle.stat().st_mtime > time.time() - 600, "as one that was written now, for make and its like"
    assert checksum.read_text() == noted
    with tarfile.open(bundle) as tar:
        last = tar.getmembers()[-1]
    places = [0, 300, 512, last.offset + 1, last.offset_data, last.offset_data + last.size, len(before) - 1]
    others = [before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :] for at in places]
    for other in (*others, before[:-512], before + bytes(512), b""):
        bundle.write_bytes(other)
        builder.check(*arguments(registry))
        assert bundle.read_bytes() == before
    elsewhere = builder.folder / "elsewhere"
    bundle.rename(elsewhere)
    bundle.symlink_to(elsewhere)
    builder.check(*arguments(registry))
    assert not bundle.is_symlink()
    assert bundle.read_bytes() == before
    bundle.unlink()
    bundle.mkdir()
    refused = builder.bundle(*arguments(registry))
    assert refused.returncode == 1
    assert f"{bundle.name}: the bundle's path is a folder" in refused.stderr
    assert "hint: remove it" in refused.stderr
    assert not [path for path in bundle.parent.iterdir() if path.name.startswith(".")]


def test_a_terminal_is_asked_for_the_passphrase(builder: Builder, registry: FaultRegistry) -> None:
    environment = {"BUNDLE_KEY_PASSPHRASE": "correct horse"}
    builder.check("keygen", "--output", "keys", environment=environment)
    words = arguments(registry, "--key", "keys/bundle.key")
    shown, code = on_terminal(builder, words, "Passphrase of the signing key", "correct horse")
    assert code == 0, shown
    assert "correct horse" not in shown, "it is not echoed"
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    builder.check("verify", bundle, "--key", "keys/bundle.pub")


def on_terminal(builder: Builder, words: list[str], prompt: str, answer: str) -> tuple[str, int]:
    """Run `bundle` on a new terminal and answer its prompt; return the output and the exit code."""
    terminal, far_end = pty.openpty()
    process = subprocess.Popen(
        [
            need_program("setsid", "util-linux"),
            "--ctty",
            "--wait",
            sys.executable,
            "-m",
            "bundler.cli.main",
            *words,
        ],
        cwd=builder.folder,
        env={**os.environ, "BUNDLE_CACHE": str(builder.cache)},
        stdin=far_end,
        stdout=far_end,
        stderr=far_end,
    )
    os.close(far_end)
    shown, answered = b"", False
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # on Linux, the other side has closed the terminal
            break
        if not piece:
            break
        shown += piece
        if not answered and prompt.encode() in shown:
            time.sleep(0.2)  # the echo is turned off shortly after the prompt appears
            os.write(terminal, answer.encode() + b"\n")
            answered = True
    os.close(terminal)
    return shown.decode(), process.wait(60)
