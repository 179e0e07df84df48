"""Any fault of a registry ends in a correct blob or a clear error; the store stays intact."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from bundler.api.images import SourceOptions
from bundler.errors import BundleError, FetchError, ImageNotFoundError
from bundler.image.reference import Reference
from bundler_registry.source import RegistrySource
from examples.demo.sample_registry import Document, Request, Response, make_image
from tests.support.faults import (
    Fault,
    FaultRegistry,
    cut,
    longer,
    no_range,
    other_bytes,
    other_size,
    redirect,
    short,
    stall,
    status,
    with_headers,
)
from tests.support.pulls import AMD64, NOISE, Fixed, Puller, check_store

IMAGE = make_image([{"base": NOISE}, {"top": NOISE[:50_000]}])
OTHER = make_image([{"base": NOISE}, {"other": NOISE[50_000:90_000]}])
BASE, TOP = IMAGE.layers


PUSHED = {"app:1": IMAGE}
"""The images in the registry."""


def test_each_blob_of_all_images_is_asked_for_once(registry: FaultRegistry, puller: Puller) -> None:
    registry.add_image("other", "1", OTHER)
    puller.pull(f"{registry.host}/app:1", f"{registry.host}/other:1")
    assert registry.counts() == dict.fromkeys({*IMAGE.blobs, *OTHER.blobs}, 1)
    assert registry.asked("1") == 2
    assert len([r for r in registry.requests if "/blobs/" not in r.path]) == 2, "one for each manifest"
    puller.pull(f"{registry.host}/app:1", f"{registry.host}/other:1")
    assert registry.counts() == dict.fromkeys({*IMAGE.blobs, *OTHER.blobs}, 1), "a second build asks for none"


def until(seconds: int) -> Fault:
    """Answer 429 with a Retry-After date `seconds` after the answer."""

    def late(request: Request, answer: Response) -> Response:
        return status(429, {"Retry-After": formatdate(time.time() + seconds)})(request, answer)

    return late


PASSING: dict[str, Fault] = {
    "429": status(429, {"Retry-After": "30"}),
    "429 until a date": until(30),
    "503": status(503),
    "500": status(500),
    "502": status(502, text="<html>"),
    "408": status(408),
    "cut at the start": cut(0),
    "cut in the middle": cut(60_000),
    "cut in chunks": cut(60_000, chunked=True),
    "ends early": short(60_000),
    "empty": short(0),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
@pytest.mark.parametrize("times", [1, 3])
def test_transient_faults_end_in_a_correct_blob(
    registry: FaultRegistry, puller: Puller, fault: Fault, times: int
) -> None:
    registry.fail(BASE, fault, times)
    puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)
    counts = registry.counts()
    assert counts[BASE] == times + 1
    assert sum(counts.values()) == len(IMAGE.blobs) + times
    assert len(puller.pauses) == times


@pytest.mark.parametrize("name", ["429", "429 until a date"])
def test_retry_after_is_honoured(registry: FaultRegistry, puller: Puller, name: str) -> None:
    registry.fail(BASE, PASSING[name])
    puller.pull(f"{registry.host}/app:1")
    assert puller.pauses == [pytest.approx(30, abs=15)]


def test_a_server_cannot_make_a_build_wait_for_hours(registry: FaultRegistry, puller: Puller) -> None:
    registry.fail(BASE, status(429, {"Retry-After": "86400"}))
    puller.pull(f"{registry.host}/app:1")
    assert puller.pauses == [60]


@pytest.mark.parametrize("fault", list(PASSING.values())[:7], ids=list(PASSING)[:7])
def test_a_manifest_is_asked_for_again_too(registry: FaultRegistry, puller: Puller, fault: Fault) -> None:
    registry.fail("1", fault, 2)
    puller.pull(f"{registry.host}/app:1")
    assert registry.asked("1") == 3
    check_store(puller.store, IMAGE)


def test_a_stalled_body_is_resumed(registry: FaultRegistry, puller: Puller) -> None:
    puller.read_timeout = 2
    registry.fail(BASE, stall(100_000, registry.released))
    started = time.monotonic()
    puller.pull(f"{registry.host}/app:1")
    assert time.monotonic() - started < 60
    check_store(puller.store, IMAGE)
    ranges = [r.headers["Range"] for r in registry.requests if r.path.endswith(BASE)]
    assert ranges == [None, "bytes=100000-"]


@pytest.mark.parametrize("seed", range(12))
def test_a_connection_cut_anywhere_any_number_of_times(
    registry: FaultRegistry, puller: Puller, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 the same in each run
    size = len(IMAGE.blobs[BASE])  # type: ignore[arg-type]
    lengths = [chance.randrange(20_000, size // 4) for _ in range(8)]
    for length in lengths:
        registry.fail(BASE, cut(length, chunked=chance.random() < 0.5))
    puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)
    ranges = [r.headers["Range"] for r in registry.requests if r.path.endswith(BASE)]
    starts = [int(text[6:-1]) for text in ranges[1:]]
    assert starts == sorted(starts)
    assert starts[0] == lengths[0], "nothing that has come is asked for again"


def test_a_server_without_ranges_sends_it_all_again(registry: FaultRegistry, puller: Puller) -> None:
    registry.fail(BASE, cut(100_000))
    registry.fail(BASE, lambda _request, answer: type(answer)(200, {}, registry.blobs[BASE]))  # type: ignore[arg-type]
    puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)
    assert registry.asked(BASE) == 2


@pytest.mark.parametrize(
    "lie",
    [
        with_headers(Content_Range="bytes 0-9/10"),
        with_headers(Content_Range="nonsense"),
        status(416),
        no_range,
    ],
    ids=["wrong range", "no range", "416", "200 with a part"],
)
def test_a_server_that_lies_about_ranges_is_asked_for_the_whole(
    registry: FaultRegistry, puller: Puller, lie: Fault
) -> None:
    registry.fail(BASE, cut(100_000))
    registry.fail(BASE, lie)
    if lie is no_range:
        with pytest.raises(FetchError, match="bytes, but the manifest says"):
            puller.pull(f"{registry.host}/app:1")
        check_store(puller.store, None)
        return
    puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)
    assert [r.headers["Range"] for r in registry.requests if r.path.endswith(BASE)][-1] is None


LASTING: dict[str, tuple[Fault, str]] = {
    "503 for ever": (status(503), r"answers 503.*given up after 6 attempts"),
    "cut for ever": (cut(1000), "given up after 6 attempts"),
    "429 for ever": (status(429), r"answers 429.*given up"),
    "wrong bytes": (other_bytes, r"arrived as sha256:\w+; it was discarded"),
    "too many bytes": (longer, r"arrived as \d+ bytes; it was discarded"),
    "another size": (other_size, r"has \d+ bytes, but the manifest says \d+"),
    "gone": (status(404), "answers 404"),
    "forbidden": (status(403), "answers 403"),
    "no such method": (status(405), "answers 405"),
}


@pytest.mark.parametrize(("fault", "says"), LASTING.values(), ids=LASTING.keys())
def test_persistent_faults_end_in_a_clear_error_and_an_intact_store(
    registry: FaultRegistry, puller: Puller, fault: Fault, says: str
) -> None:
    registry.fail(BASE, fault, 1000)
    with pytest.raises(FetchError, match=says) as caught:
        puller.pull(f"{registry.host}/app:1")
    assert BASE in caught.value.message
    assert f"{registry.host}/app:1" in caught.value.message
    check_store(puller.store, None)
    assert not puller.store.path(BASE).exists()
    registry._faults.clear()  # noqa: SLF001 the registry is well again
    puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)


def test_what_arrived_before_giving_up_is_kept(registry: FaultRegistry, puller: Puller) -> None:
    registry.fail(BASE, cut(200_000))
    registry.fail(BASE, status(503), 1000)
    with pytest.raises(FetchError, match="given up") as caught:
        puller.pull(f"{registry.host}/app:1")
    assert "run the same command again" in (caught.value.hint or "")
    registry._faults.clear()  # noqa: SLF001 the registry is well again
    registry.requests.clear()
    puller.pull(f"{registry.host}/app:1")
    assert [r.headers["Range"] for r in registry.requests if r.path.endswith(BASE)] == ["bytes=200000-"]
    check_store(puller.store, IMAGE)


def test_one_failure_ends_the_other_downloads(registry: FaultRegistry, puller: Puller) -> None:
    registry.fail(BASE, stall(1000, registry.released))
    registry.fail(TOP, status(404))
    puller.read_timeout = 1
    with pytest.raises(FetchError, match=TOP):
        puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, None)


MANIFESTS: dict[str, tuple[Fault, str]] = {
    "a login page": (
        lambda _request, answer: type(answer)(200, {"Content-Type": "text/html"}, b"<html>Log in</html>"),
        "the answer is not a manifest",
    ),
    "a list": (
        lambda _request, answer: type(answer)(
            200, dict(answer.headers) | {"Docker-Content-Digest": ""}, b"[]"
        ),
        "not a JSON object",
    ),
    "other bytes": (other_bytes, "the registry says sha256:"),
    "more than 4 MiB": (
        lambda _request, answer: type(answer)(200, dict(answer.headers), b" " * (4 * 1024 * 1024 + 1)),
        "more than 4 MiB",
    ),
    "another type": (
        with_headers(Content_Type="application/vnd.docker.distribution.manifest.v2+json"),
        "the registry says application/vnd.docker.distribution.manifest.v2",
    ),
    "503 for ever": (status(503), "given up after 6 attempts"),
    "a teapot": (status(418), "answers 418"),
}


@pytest.mark.parametrize(("fault", "says"), MANIFESTS.values(), ids=MANIFESTS.keys())
def test_a_bad_manifest_is_a_clear_error(
    registry: FaultRegistry, puller: Puller, fault: Fault, says: str
) -> None:
    registry.fail("1", fault, 1000)
    with pytest.raises(BundleError, match=says) as caught:
        puller.pull(f"{registry.host}/app:1")
    assert f"{registry.host}/app:1" in caught.value.message
    assert list(puller.store.entries()) == []


def test_a_manifest_asked_for_by_digest_must_have_it(registry: FaultRegistry, puller: Puller) -> None:
    digest = IMAGE.manifest.digest
    registry.documents["app"][digest] = OTHER.manifest
    with pytest.raises(FetchError, match="has the digest sha256:"):
        puller.pull(f"{registry.host}/app@{digest}")


@pytest.mark.parametrize("reference", ["app:2", "nothing:1"])
def test_a_missing_image_gets_a_hint(registry: FaultRegistry, puller: Puller, reference: str) -> None:
    with pytest.raises(ImageNotFoundError, match=f"{reference}: not found: .*404: ") as caught:
        puller.pull(f"{registry.host}/{reference}")
    assert "docker login" in (caught.value.hint or "")


def test_all_unavailable_images_are_named_at_once(registry: FaultRegistry, puller: Puller) -> None:
    with pytest.raises(FetchError, match=r"answers 404.*\n  for 2 images: .*app:2, .*app:3"):
        puller.pull(*(f"{registry.host}/app:{tag}" for tag in (1, 2, 3)))


def test_an_index_that_lies_about_a_manifest_is_refused(registry: FaultRegistry, puller: Puller) -> None:
    digest = registry.add_index("multi", "1", [IMAGE])
    index = registry.documents["multi"][digest].raw
    size = len(IMAGE.manifest.raw)
    lie = index.replace(b'"size":%d' % size, b'"size":%d' % (size + 1), 1)
    registry.add_document("multi", "1", Document(registry.documents["multi"][digest].media_type, lie))
    with pytest.raises(FetchError, match=rf"has {size} bytes, but its index says {size + 1}"):
        puller.pull(f"{registry.host}/multi:1")


# ---------------------------------------------------------------- redirects


@pytest.fixture
def storage() -> Iterator[FaultRegistry]:
    """Blob storage on another origin."""
    with FaultRegistry() as found:
        found.add_image("app", None, IMAGE)
        yield found


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_to_blob_storage_are_followed(
    registry: FaultRegistry, storage: FaultRegistry, puller: Puller, code: int
) -> None:
    for digest in IMAGE.blobs:
        registry.fail(digest, redirect(f"{storage.url}{{path}}?signature=secret", code))
    puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)
    assert storage.counts() == dict.fromkeys(IMAGE.blobs, 1)
    assert all(request.query == {"signature": "secret"} for request in storage.requests)


def test_an_expired_signed_url_is_requested_again(
    registry: FaultRegistry, storage: FaultRegistry, puller: Puller
) -> None:
    registry.fail(BASE, redirect(f"{storage.url}{{path}}?signature=old"))
    registry.fail(BASE, redirect(f"{storage.url}{{path}}?signature=new"))
    storage.fail(BASE, status(403, text="Request has expired"))
    puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)
    assert [request.query["signature"] for request in storage.requests] == ["old", "new"]


def test_a_resumed_blob_is_asked_for_at_the_registry_again(
    registry: FaultRegistry, storage: FaultRegistry, puller: Puller
) -> None:
    registry.fail(BASE, redirect(f"{storage.url}{{path}}"), 2)
    storage.fail(BASE, cut(123_456))
    puller.pull(f"{registry.host}/app:1")
    assert [request.headers["Range"] for request in storage.requests] == [None, "bytes=123456-"]
    check_store(puller.store, IMAGE)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("https://", "not followed"),
        ("file:///etc/passwd", "not followed"),
        ("ftp://127.0.0.1/x", "not followed"),
        ("http://storage.example/x", "plain HTTP"),
        ("http://user:secret@127.0.0.1:1/x", "not followed"),
        ("{path}", "more than 5 redirects"),
        ("http://[::1/x", "an invalid address"),
    ],
)
def test_redirects_that_are_not_followed(
    registry: FaultRegistry, puller: Puller, target: str, says: str
) -> None:
    registry.fail(BASE, redirect(target), 1000)
    with pytest.raises(FetchError, match=says) as caught:
        puller.pull(f"{registry.host}/app:1")
    assert "secret" not in caught.value.message
    check_store(puller.store, None)


@pytest.mark.parametrize("target", ["http://127.0.0.1:2375/x", "http://localhost/x", "https://[::1]/x"])
def test_a_server_elsewhere_cannot_send_us_to_this_machine(
    registry: FaultRegistry, puller: Puller, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    original = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest: original("127.0.0.1" if host == "bank.example" else host, *rest),
    )
    name = f"bank.example:{registry.host.rpartition(':')[2]}"
    puller.options = SourceOptions(insecure=frozenset({name}))
    registry.fail(BASE, redirect(target), 1000)
    with pytest.raises(FetchError, match="which is this machine, and is not followed"):
        puller.pull(f"{name}/app:1")


def test_closing_the_source_ends_waits_at_once(registry: FaultRegistry, tmp_path: Path) -> None:
    """Ctrl-C must not wait for a server's Retry-After."""
    registry.fail("1", status(503, {"Retry-After": "50"}), 100)
    source = RegistrySource(SourceOptions(), logins=Fixed(), environment={})
    threading.Timer(0.3, source.close).start()
    started = time.monotonic()
    with pytest.raises(FetchError, match="the run is ending"):
        source.resolve(Reference.parse(f"{registry.host}/app:1"), AMD64)
    assert time.monotonic() - started < 10
