"""Errors of many images are grouped by cause, and each cause has the remedy that fits."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.errors import BundleError, CombinedError, ExitCode, UsageError, combine
from examples.demo.sample_registry import make_image
from tests.support.console import Console, isolate, make_console
from tests.support.faults import FaultRegistry, Tokens, status

IMAGES = [make_image({"a": bytes([number]) * 2000}) for number in range(3)]
PUSHED = {f"shop/a{number}:1": image for number, image in enumerate(IMAGES)}
"""The images in the registry."""


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    """Run commands in an empty folder, without logins and without pauses between attempts."""
    isolate(monkeypatch, tmp_path)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("bundler.net.retry.random.uniform", lambda *_: 0)
    monkeypatch.chdir(tmp_path)
    return make_console(capsys)


@pytest.fixture
def closed() -> Iterator[str]:
    """Provide the address of a registry that refuses connections."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{unused.getsockname()[1]}"


def write(*images: str, sources: str = "registry") -> tuple[str, str]:
    """Write a project with a service for each image; return the options of its profile."""
    services = "".join(f"  s{number:02}: {{image: '{image}'}}\n" for number, image in enumerate(images))
    Path("compose.yaml").write_text(f"name: shop\nservices:\n{services}")
    Path("shop.yaml").write_text(
        f"application: compose\nversion: '1.0'\nsources: [{sources}]\nsettings:\n  project: .\n"
    )
    return "--profile", "./shop.yaml"


def error_of(shown: str) -> str:
    """Return the error, without the progress before it."""
    return shown[shown.index("error: ") :]


# ---------------------------------------------------------------- one cause


@pytest.mark.parametrize("command", [("plan",), ("lock",), ("build", "--unsigned")])
def test_a_registry_that_cannot_be_reached_is_said_once_for_its_images(
    console: Console, closed: str, command: tuple[str, ...]
) -> None:
    names = [f"{closed}/a{number:02}:1" for number in range(12)]
    failed = console(*command, *write(*names))
    assert failed.code == ExitCode.FAILED
    assert error_of(failed.err) == (
        f"error: http://{closed}: cannot be reached: Connection refused (given up after 4 attempts)\n"
        f"  for 12 images: {', '.join(names)}\n"
        "  hint: check the network, or use a mirror\n"
    )


def test_a_mirror_that_cannot_be_reached_is_said_once(
    console: Console, closed: str, registry: FaultRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    options = write(*(f"{registry.host}/shop/a{number}:1" for number in range(3)))
    done = console("plan", *options, "--registry-mirror", f"{registry.host}={closed}")
    assert done.code == 0, done.err
    (warned,) = [text for text in caplog.messages if "cannot be reached" in text]
    assert warned.startswith(f"mirror {closed}: http://{closed}: cannot be reached")
    assert warned.endswith(f"; asking {registry.host}")


def test_a_registry_that_cannot_be_reached_is_not_waited_for_again(
    console: Console, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    connect = socket.socket.connect

    def count(self: socket.socket, address: object) -> None:
        asked.append(address)
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr("bundler.build.resolve.CONCURRENCY", 1)
    monkeypatch.setattr(socket.socket, "connect", count)
    assert console("plan", *write(*(f"{closed}/a{number}:1" for number in range(5)))).code == 1
    assert len(asked) == 2 * 4, "four attempts for the first image, with TLS and without"


# ---------------------------------------------------------------- remedies


def test_each_cause_has_its_own_remedy(console: Console, closed: str, registry: FaultRegistry) -> None:
    host = registry.host
    registry.fail("broken", status(503), 100)
    options = write(
        f"{closed}/a:1", f"{closed}/b:1", f"{host}/shop/a1:9", f"{host}/shop/a0:9", f"{host}/shop/a0:broken"
    )
    failed = console("plan", *options)
    assert failed.code == ExitCode.FAILED
    lines = error_of(failed.err).splitlines()
    assert lines[0] == "error: 5 images cannot be resolved:"
    causes = {
        f"http://{closed}: cannot be reached": (
            f"{closed}/a:1, {closed}/b:1",
            "check the network, or use a mirror",
        ),
        "not found": (
            f"{host}/shop/a0:9, {host}/shop/a1:9",
            f"check the name and the tag; if the image is private: `docker login {host}`",
        ),
    }
    for cause, (names, hint) in causes.items():
        (at,) = [number for number, line in enumerate(lines) if line.startswith(f"  {cause}")]
        assert lines[at + 1 : at + 3] == [f"    for 2 images: {names}", f"    hint: {hint}"]
    (at,) = [number for number, line in enumerate(lines) if line.startswith(f"  {host}/shop/a0:broken: ")]
    assert "answers 503" in lines[at]
    assert "later" in lines[at + 1]
    assert "proxy" not in failed.err.lower()


def test_json_has_the_causes(console: Console, closed: str, registry: FaultRegistry) -> None:
    failed = console("plan", *write(f"{closed}/a:1", f"{closed}/b:1", f"{registry.host}/shop/a0:9"), "--json")
    event = json.loads(failed.err.splitlines()[-1])
    assert (event["event"], event["exit_code"], event["hint"]) == ("error", 1, None)
    assert {cause["hint"].partition(";")[0]: cause["images"] for cause in event["causes"]} == {
        "check the network, or use a mirror": [f"{closed}/a:1", f"{closed}/b:1"],
        "check the name and the tag": [f"{registry.host}/shop/a0:9"],
    }
    assert failed.out == ""


STATUSES = {
    404: ("not found", "check the name and the tag"),
    403: ("access denied", "`docker login HOST`, or check the name"),
    500: ("answers 500", "run the same command again later"),
    418: ("answers 418", "is HOST a registry?"),
    407: ("answers 407", "the proxy requires a login"),
}


@pytest.mark.parametrize("code", STATUSES)
def test_the_remedy_fits_the_status(console: Console, registry: FaultRegistry, code: int) -> None:
    for number in range(2):
        registry.fail(f"tag{number}", status(code), 100)
    failed = console("plan", *write(f"{registry.host}/shop/a0:tag0", f"{registry.host}/shop/a0:tag1"))
    says, remedy = STATUSES[code]
    assert failed.code == ExitCode.FAILED
    assert says in failed.err
    assert f"  for 2 images: {registry.host}/shop/a0:tag0, {registry.host}/shop/a0:tag1\n" in failed.err
    hint = failed.err.rpartition("  hint: ")[2].replace(registry.host, "HOST")
    assert remedy in hint
    assert ("proxy" in hint) == (code == 407)


def test_a_registry_that_requires_a_login_is_said_once(console: Console, registry: FaultRegistry) -> None:
    registry.basic = ("anna", "secret")
    failed = console("plan", *write(*(f"{registry.host}/shop/a{number}:1" for number in range(3))))
    assert f"error: access denied: {registry.host} requires a login\n  for 3 images: " in failed.err
    assert failed.err.endswith(f"  hint: `docker login {registry.host}`\n")
    registry.basic, registry.tokens = None, Tokens()
    assert console("plan", *write(f"{registry.host}/shop/a0:1")).code == 0


def test_several_sources_give_a_remedy_each(
    console: Console, registry: FaultRegistry, tmp_path: Path
) -> None:
    options = write(f"{registry.host}/shop/a0:9", f"{registry.host}/shop/a1:9", sources="registry, archive")
    failed = console("plan", *options)
    assert "error: no source has it (registry: not found: " in failed.err
    assert "; archive: not found in the archives (" in failed.err
    assert "\n  for 2 images: " in failed.err
    assert "\n  hint: registry: check the name and the tag; " in failed.err


# ---------------------------------------------------------------- combining


def test_one_error_stays_what_it_is() -> None:
    error = UsageError("wrong", hint="right")
    assert combine([error], "1 thing") is error


def test_errors_of_one_image_and_one_cause_are_one_line() -> None:
    errors = [BundleError("not found", about="web:1", hint="push it") for _ in range(2)]
    combined = combine(errors, "1 image")
    assert (str(combined), combined.hint) == ("web:1: not found", "push it")


def test_a_key_joins_what_is_said_differently() -> None:
    errors = [
        BundleError(f"after {number}", about=f"a{number}", key="down", hint="wait") for number in (2, 1)
    ]
    combined = combine(errors, "2 images")
    assert isinstance(combined, CombinedError)
    assert str(combined) == "after 2\n  for 2 images: a1, a2"
    assert combined.hint == "wait"


def test_another_remedy_is_another_cause_and_a_common_one_is_said_at_the_end() -> None:
    texts = [("missing", "a", "look"), ("missing", "b", "ask"), ("broken", "c", "ask")]
    combined = combine([BundleError(text, about=about, hint=hint) for text, about, hint in texts], "3 things")
    assert str(combined).splitlines() == [
        "3 things:",
        *("  a: missing", "    hint: look"),
        *("  b: missing", "    hint: ask"),
        *("  c: broken", "    hint: ask"),
    ]
    assert combined.hint is None
    common = combine([BundleError(text, about=about, hint="ask") for text, about, _ in texts[1:]], "2 things")
    assert str(common).splitlines() == ["2 things:", "  b: missing", "  c: broken"]
    assert common.hint == "ask"


def test_the_exit_code_is_that_of_all_errors_or_1() -> None:
    assert combine([UsageError("a"), UsageError("b")], "").exit_code == ExitCode.USAGE
    assert combine([UsageError("a"), BundleError("b")], "").exit_code == ExitCode.FAILED


# ---------------------------------------------------------------- full disks


@pytest.mark.parametrize(("number", "what"), [(errno.ENOSPC, "disk"), (errno.EDQUOT, "disk quota")])
def test_a_full_disk_of_the_cache_is_named(
    console: Console, registry: FaultRegistry, monkeypatch: pytest.MonkeyPatch, number: int, what: str
) -> None:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    options = write(f"{registry.host}/shop/a0:1")
    monkeypatch.setattr(os, "pwrite", fail)
    failed = console("build", *options, "--unsigned")
    assert failed.code == ExitCode.FAILED
    assert error_of(failed.err) == (
        f"error: the {what} of the cache is full: {Path('cache').absolute()}\n"
        "  hint: free some space there (`bundle cache --prune`), or choose another folder with --cache\n"
    )
    monkeypatch.undo()
    assert not list(Path("dist").glob("*.tar"))


def test_what_does_not_fit_is_not_begun(
    console: Console, registry: FaultRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that an earlier build has left need no space again."""
    options = ("--cache", "small", *write(f"{registry.host}/shop/a0:1"))
    (layer,) = IMAGES[0].layers
    content = IMAGES[0].blobs[layer]
    assert isinstance(content, bytes)
    room = len(content) - 10
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=room))
    failed = console("build", *options, "--unsigned")
    assert failed.code == ExitCode.FAILED
    assert "error: the disk of the cache is too full: small: " in failed.err
    assert f" are to be fetched, but {room} B are free\n  hint: free some space there" in failed.err
    assert registry.asked(layer) == 0
    (Path("small/partial") / layer[7:]).write_bytes(content[:10])
    assert "the bundle needs" in console("build", *options, "--unsigned").err, "it was fetched"
    assert registry.asked(layer) == 1


def test_a_full_disk_of_the_bundle_is_named(
    console: Console, registry: FaultRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("bundler.build.pack.write_archive", fail)
    failed = console("build", *write(f"{registry.host}/shop/a0:1"), "--unsigned", "--output", "out")
    assert failed.code == ExitCode.FAILED
    assert error_of(failed.err) == (
        "error: the disk of the bundle is full: out\n"
        "  hint: free some space, or choose another folder with --output\n"
    )
    assert list(Path("out").iterdir()) == []
