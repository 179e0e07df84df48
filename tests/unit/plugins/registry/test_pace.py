"""Servers that send just enough to keep a connection open are given up; honest slow lines are not."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from bundler.api.images import SourceOptions
from bundler.errors import BundleError, FetchError
from bundler.image.reference import Reference
from bundler.net.download import Downloader
from bundler.net.errors import GaveUpError, TransientError
from bundler.net.pace import Pace
from bundler.net.retry import Retry, RetryPolicy
from bundler_registry.source import RegistrySource
from examples.demo.sample_registry import make_image
from tests.support.faults import FaultRegistry, Tokens, body, drip, status
from tests.support.pulls import AMD64, NOISE, Puller, check_store
from tests.support.raw import RawServer

IMAGE = make_image([{"base": NOISE}])
(LAYER,) = IMAGE.layers
QUICK = Pace(rate=1000, window=0.3, document=1.0)
"""The limits of the real pace, scaled down to a shorter time."""


PUSHED = {"app:1": IMAGE}
"""The images in the registry."""


@pytest.fixture
def puller(tmp_path: Path) -> Puller:
    return Puller(tmp_path, pace=QUICK)


@pytest.mark.parametrize("reference", ["1", LAYER])
def test_a_trickle_of_bytes_is_given_up(registry: FaultRegistry, puller: Puller, reference: str) -> None:
    registry.fail(reference, drip(registry.released), 100)
    with pytest.raises(
        FetchError, match=r"app:1.*too slow: only \d+ bytes received in .*after 2 attempts"
    ) as caught:
        puller.pull(f"{registry.host}/app:1")
    assert "--min-speed 0" in (caught.value.hint or "")
    assert registry.asked(reference) == 2


def test_a_slow_token_server_is_given_up(registry: FaultRegistry, puller: Puller) -> None:
    registry.tokens = Tokens()
    registry.fail("token", drip(registry.released), 100)
    with pytest.raises(FetchError, match="too slow"):
        puller.pull(f"{registry.host}/app:1")


def test_a_slow_connection_is_reopened_where_it_ended(registry: FaultRegistry, puller: Puller) -> None:
    registry.fail(LAYER, drip(registry.released, 100_000))
    puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)
    first, second = (r.headers["Range"] for r in registry.requests if r.path.endswith(LAYER))
    assert first is None
    assert int(second[6:-1]) >= 100_000


def test_a_slow_mirror_is_left_for_the_registry(registry: FaultRegistry, puller: Puller) -> None:
    with FaultRegistry() as mirror:
        mirror.add_image("app", "1", IMAGE)
        mirror.fail(LAYER, drip(mirror.released), 100)
        puller.options = SourceOptions(mirrors={registry.host: mirror.host})
        puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)
    assert registry.counts()[LAYER] == 1


def test_no_limit_waits(registry: FaultRegistry, puller: Puller) -> None:
    puller.pace = Pace(rate=0, window=0.05)
    registry.fail("1", drip(registry.released, seconds=0.001))
    puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)


def test_time_that_is_not_spent_waiting_does_not_count(registry: FaultRegistry, puller: Puller) -> None:
    """A slow disk or processor must not be blamed on the server."""
    store = puller.store
    source = puller.source()
    image = source.resolve(Reference.parse(f"{registry.host}/app:1"), AMD64)
    assert image.manifest is not None
    pieces = 0

    def advance(_size: int) -> None:
        nonlocal pieces
        pieces += 1
        if pieces < 4:
            registry.released.wait(0.4)

    blob = image.manifest.layers[0]
    store.fetch(blob, lambda offset: source.open_blob(image, blob, offset), advance)
    source.close()
    assert registry.asked(LAYER) == 1


def test_the_command_line_sets_the_limit(registry: FaultRegistry, puller: Puller) -> None:
    """Only the option's arrival is checked: the built-in limit takes over a minute."""
    source = RegistrySource(SourceOptions(min_speed=7))
    assert source._transport._pace.rate == 7  # noqa: SLF001 no way to ask


# ---------------------------------------------------------------- not HTTP, or barely

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = (
    OK + b"Content-Type: application/vnd.oci.image.manifest.v1+json\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def for_ever(piece: bytes, first: bytes = b"") -> Callable[[str], Iterable[bytes]]:
    return lambda _head: itertools.chain([first], itertools.repeat(piece))


ENDLESS = {
    "garbage": (for_ever(b"\x16\x03\x01" * 100), "not HTTP"),
    "another protocol": (lambda _head: [b"SSH-2.0-OpenSSH_9.2\r\n"], "not HTTP"),
    "100 Continue": (for_ever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "hardly any"),
    "header lines": (for_ever(b"X-A: " + b"a" * 4000 + b"\r\n", OK), "headers|hardly any"),
    "one header line": (for_ever(b"a" * 4000, OK + b"X: "), "line|hardly any"),
    "a chunk's size": (for_ever(b"0" * 4000, CHUNKED), "content|chunk|line"),
    "chunk extensions": (
        for_ever(b"1;" + b"x" * 60_000 + b"\r\n \r\n", CHUNKED),
        "hardly any",
    ),
    "trailers": (for_ever(b"X: y\r\n" * 500, CHUNKED + b"0\r\n"), "hardly any"),
}


@pytest.mark.parametrize(("answer", "says"), ENDLESS.values(), ids=ENDLESS.keys())
def test_an_endless_answer_is_given_up(
    puller: Puller, answer: Callable[[str], Iterable[bytes]], says: str
) -> None:
    with RawServer(answer) as server:
        with pytest.raises(FetchError, match=rf"{server.host}/app:1: .*({says}).*given up after") as caught:
            puller.pull(f"{server.host}/app:1")
        assert len(server.requests) <= 6
    assert len(caught.value.message) < 400


def test_a_head_that_comes_byte_by_byte_ends(puller: Puller) -> None:
    def answer(_head: str) -> Iterator[bytes]:
        for byte in OK + b"X-Long: " + b"a" * 10_000:
            server.released.wait(0.02)
            yield bytes([byte])

    with RawServer(answer) as server, pytest.raises(FetchError, match="too slow"):
        puller.pull(f"{server.host}/app:1")


def test_an_endless_body_that_is_not_needed_is_not_read(puller: Puller) -> None:
    head = b"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\n\r\n"

    def answer(_head: str) -> Iterator[bytes]:
        yield head
        server.released.wait(30)

    with (
        RawServer(answer) as server,
        pytest.raises(BundleError, match="refuses access and offers only bearer"),
    ):
        puller.pull(f"{server.host}/app:1")


# ---------------------------------------------------------------- files


def download(downloader: Downloader, url: str) -> int:
    with downloader.open(url) as stream:
        return sum(map(len, iter(lambda: stream.read(1 << 20), b"")))


def test_a_slow_file_server_is_given_up() -> None:
    def answer(_head: str) -> Iterator[bytes]:
        yield OK + b"Content-Length: 10000\r\n\r\n"
        for _ in range(10_000):
            server.released.wait(0.02)
            yield b"x"

    with RawServer(answer) as server:
        url = f"http://{server.host}/file"
        with pytest.raises(FetchError, match=rf"{url}: the server is too slow: only") as caught:
            download(Downloader(window=0.3, environment={}), url)
    assert "--min-speed 0" in (caught.value.hint or "")


# ---------------------------------------------------------------- patience


def test_slow_attempts_are_forgiven_after_steady_bytes() -> None:
    retry = Retry("blob", RetryPolicy(), lambda _: None)
    slow = TransientError("too slow", slow=True)
    for _ in range(20):
        retry.wait(slow)
        retry.progress(64 * 1024)
    retry.wait(slow)
    retry.progress(54_000)
    with pytest.raises(GaveUpError, match="given up after 2 attempts"):
        retry.wait(slow)


def test_patience_ends_without_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("bundler.net.retry.time.monotonic", lambda: now[0])

    def pause(seconds: float) -> None:
        now[0] += seconds

    retry = Retry("blob", RetryPolicy(), pause)
    busy = TransientError("busy", retry_after=1e9)
    for _ in range(4):
        retry.wait(busy)
    now[0] += 1
    with pytest.raises(GaveUpError, match="given up after 5 attempts"):
        retry.wait(busy)
    assert now[0] - 1000 < 300


def test_a_retry_after_of_thirty_years_is_capped_at_a_minute(registry: FaultRegistry, puller: Puller) -> None:
    registry.fail("1", status(429, {"Retry-After": "1000000000"}), 2)
    puller.pull(f"{registry.host}/app:1")
    assert puller.pauses == [60, 60]


# ---------------------------------------------------------------- packed documents


def gzipped(raw: bytes, **headers: str) -> dict[str, str]:
    return {"Content-Encoding": "gzip", "Content-Type": IMAGE.manifest.media_type, **headers}


def test_a_manifest_that_comes_packed_is_unpacked(registry: FaultRegistry, puller: Puller) -> None:
    raw = IMAGE.manifest.raw
    registry.fail("1", body(gzip.compress(raw), headers=gzipped(raw)))
    puller.pull(f"{registry.host}/app:1")
    check_store(puller.store, IMAGE)
    assert puller.store.read(IMAGE.manifest.digest) == raw


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: gzip.compress(b" " * (64 << 20)), "more than 4 MiB"),
        (lambda: gzip.compress(IMAGE.manifest.raw)[:-9], "is truncated"),
        (lambda: b"not gzip", "incorrect header"),
    ],
    ids=["a bomb", "cut", "none"],
)
def test_packed_documents_that_are_refused(
    registry: FaultRegistry, puller: Puller, make: Callable[[], bytes], says: str
) -> None:
    registry.fail("1", body(make(), headers=gzipped(b"")), 100)
    with pytest.raises(FetchError, match=rf"app:1: .*{says}"):
        puller.pull(f"{registry.host}/app:1")


def test_other_packings_are_named(registry: FaultRegistry, puller: Puller) -> None:
    registry.fail("1", body(b"x", headers={"Content-Encoding": "br"}), 100)
    with pytest.raises(FetchError, match=r"app:1: .*Content-Encoding 'br', which was not requested"):
        puller.pull(f"{registry.host}/app:1")
