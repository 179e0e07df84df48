"""Download files: through the environment's proxy, with a private authority, completely or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from bundler.errors import FetchError
from bundler.image.digest import digest_of
from bundler.io.streams import CHUNK
from bundler.net.download import Downloader, downloaded
from bundler.store.blobs import Store
from bundler.store.receiver import WrongBytesError
from tests.support.certificates import Authority
from tests.support.faults import basic
from tests.support.proxies import ForwardProxy
from tests.support.raw import RawServer
from tests.support.web import FileServer, serving

CONTENT = bytes(range(256)) * 400


def read(url: str, downloader: Downloader | None = None) -> bytes:
    with (downloader or Downloader(environment={}, pause=lambda _: None)).open(url) as stream:
        return b"".join(iter(lambda: stream.read(CHUNK), b""))


def test_a_file_is_downloaded_and_a_missing_one_is_an_error() -> None:
    with serving(CONTENT) as port:
        assert read(f"http://127.0.0.1:{port}/file") == CONTENT
        assert read(f"http://127.0.0.1:{port}/moved") == CONTENT
        with pytest.raises(FetchError, match=r"/none: HTTP 404"):
            read(f"http://127.0.0.1:{port}/none")
        with pytest.raises(FetchError, match=r"/cut: .*1000 bytes received.*given up after 6"):
            read(f"http://127.0.0.1:{port}/cut")


def test_it_goes_through_the_proxy_with_its_login() -> None:
    with serving(CONTENT) as port, ForwardProxy() as proxy:
        url = f"http://files.bank.example:{port}/file"
        environment = {"http_proxy": f"http://user:p%40ss@{proxy.host}"}
        assert read(url, Downloader(environment=environment)) == CONTENT
        assert proxy.seen == [(f"GET {url}", basic("user", "p@ss"))]
        read(f"http://127.0.0.1:{port}/file", Downloader(environment=environment))
        assert len(proxy.seen) == 1, "loopback is reached directly"


def test_a_proxy_of_another_kind_is_refused_without_its_password() -> None:
    environment = {"http_proxy": "socks5://u:secret@127.0.0.1:1"}
    with pytest.raises(FetchError) as caught:
        read("http://files.bank.example/x", Downloader(environment=environment))
    assert "secret" not in caught.value.message


def test_a_private_authority(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    with serving(CONTENT, authority.server()) as port:
        url = f"https://localhost:{port}/file"
        assert read(url, Downloader(authority.certificate, {})) == CONTENT
        with pytest.raises(FetchError, match="certificate"):
            read(url)
    (tmp_path / "bad.pem").write_text("nothing")
    with pytest.raises(FetchError, match=r"bad\.pem: not a CA certificate file"):
        read(url, Downloader(tmp_path / "bad.pem", {}))


# ---------------------------------------------------------------- downloads in the store, and resuming

OTHER = CONTENT[::-1]
SHA256, OTHER_SHA256 = (digest_of(content)[7:] for content in (CONTENT, OTHER))


class Downloads:
    """A store, and a downloader that records its waits instead of sleeping."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "cache")
        self.pauses: list[float] = []

    def fetch(self, server: FileServer, sha256: str = SHA256) -> bytes:
        downloader = Downloader(environment={}, pause=self.pauses.append)
        return downloader.fetch(server.url, sha256, self.store).read_bytes()

    @property
    def partial(self) -> list[int]:
        return [path.stat().st_size for path in (self.store.root / "partial").iterdir()]


@pytest.fixture
def downloads(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path)


TAGS = [{}, {"ETag": '"one"'}, {"Last-Modified": "Fri, 27 Nov 2026 20:00:00 GMT"}, {"ETag": 'W/"weak"'}]


@pytest.mark.parametrize("headers", TAGS, ids=["neither", "tag", "date", "weak tag"])
def test_a_broken_connection_is_resumed(downloads: Downloads, headers: dict[str, str]) -> None:
    with FileServer(CONTENT, headers, faults=[40_000, 20_000]) as server:
        assert downloads.fetch(server) == CONTENT
    validator = None if "weak" in str(headers) else next(iter(headers.values()), None)
    assert server.asked == [(None, None), ("bytes=40000-", validator), ("bytes=60000-", validator)]
    assert downloads.partial == []


def test_a_busy_server_is_retried_after_the_time_it_names(downloads: Downloads) -> None:
    with FileServer(CONTENT, faults=[HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS]) as server:
        assert downloads.fetch(server) == CONTENT
    assert downloads.pauses == [7, 7]
    assert len(server.asked) == 3


def test_persistent_failures_are_given_up_and_the_next_run_resumes(downloads: Downloads) -> None:
    with FileServer(CONTENT, faults=[30_000, *[HTTPStatus.BAD_GATEWAY] * 6]) as server:
        with pytest.raises(FetchError, match=r"/file: HTTP 502 \(given up after 6 attempts\)") as caught:
            downloads.fetch(server)
        assert "completed downloads are kept" in (caught.value.hint or "")
        assert downloads.partial == [30_000]
        assert downloads.fetch(server) == CONTENT
    assert server.asked[-1] == ("bytes=30000-", None)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_not_retried(downloads: Downloads, status: int) -> None:
    with (
        FileServer(CONTENT, faults=[HTTPStatus(status)]) as server,
        pytest.raises(FetchError, match=f"/file: HTTP {status}"),
    ):
        downloads.fetch(server)
    assert len(server.asked) == 1


def test_a_server_without_ranges_sends_it_all_again(downloads: Downloads) -> None:
    with FileServer(CONTENT, ranges=False, faults=[40_000]) as server:
        assert downloads.fetch(server) == CONTENT
    assert len(server.asked) == 2


class Changing(FileServer):
    """A server whose file changes after the first request."""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if len(self.asked) == 1:
            self.content, self.headers = OTHER, dict.fromkeys(self.headers, '"two"')
        super().answer(request)


def test_a_file_that_changed_on_its_server_is_fetched_from_the_start(downloads: Downloads) -> None:
    """The result does not mix two versions."""
    with Changing(CONTENT, {"ETag": '"one"'}, faults=[40_000]) as server:
        assert downloads.fetch(server, OTHER_SHA256) == OTHER
    assert server.asked == [(None, None), ("bytes=40000-", '"one"'), (None, None)]


def test_without_a_validator_a_changed_length_restarts_the_download(downloads: Downloads) -> None:
    class Growing(FileServer):
        def answer(self, request: BaseHTTPRequestHandler) -> None:
            self.content = CONTENT if self.asked else OTHER[:50_000]
            super().answer(request)

    with Growing(b"", faults=[40_000]) as server:
        assert downloads.fetch(server) == CONTENT
    assert [wanted for wanted, _ in server.asked] == [None, "bytes=40000-", None]


def test_a_file_that_keeps_changing_is_given_up(downloads: Downloads) -> None:
    class Restless(FileServer):
        def answer(self, request: BaseHTTPRequestHandler) -> None:
            self.headers = {"ETag": f'"{len(self.asked)}"'}
            super().answer(request)

    with (
        Restless(CONTENT, faults=[40_000] * 100) as server,
        pytest.raises(FetchError, match="/file: the file changed on the server"),
    ):
        downloads.fetch(server)
    assert len(server.asked) <= 10


def test_leftovers_of_another_file_are_discarded(downloads: Downloads) -> None:
    with FileServer(OTHER, faults=[40_000, *[HTTPStatus.NOT_FOUND] * 2]) as server:
        with pytest.raises(FetchError):
            downloads.fetch(server)
        server.content = CONTENT
        server.faults.clear()
        assert downloads.fetch(server) == CONTENT
    assert [wanted for wanted, _ in server.asked[2:]] == ["bytes=40000-", None]


def test_a_file_that_an_earlier_run_completed_is_not_sent_again(downloads: Downloads) -> None:
    partial = downloads.store.root / "partial" / SHA256
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT)
    with FileServer(CONTENT) as server:
        assert downloads.fetch(server) == CONTENT
    assert server.asked == [(f"bytes={len(CONTENT)}-", None)]


def test_two_builds_at_once_download_a_file_once(downloads: Downloads) -> None:
    with FileServer(CONTENT) as server, ThreadPoolExecutor(4) as pool:
        stores = [Store(downloads.store.root) for _ in range(4)]
        paths = [pool.submit(Downloader(environment={}).fetch, server.url, SHA256, store) for store in stores]
        assert {path.result().read_bytes() for path in paths} == {CONTENT}
    assert len(server.asked) == 1
    assert downloads.partial == []


def test_another_digest_is_an_error_and_nothing_is_kept(downloads: Downloads) -> None:
    with (
        FileServer(CONTENT) as server,
        pytest.raises(
            WrongBytesError, match=f"/file: its sha256 is {SHA256}, but the profile says {OTHER_SHA256}"
        ) as caught,
    ):
        downloads.fetch(server, OTHER_SHA256)
    assert "which one is right" in (caught.value.hint or "")
    assert len(server.asked) == 1
    assert list(downloads.store.entries()) == []
    assert downloads.partial == []


def test_a_download_is_found_in_the_store_and_checked(downloads: Downloads) -> None:
    with FileServer(CONTENT) as server:
        assert downloaded(server.url, SHA256, downloads.store) is None
        downloads.fetch(server)
        path = downloaded(server.url, SHA256, downloads.store)
        assert path == downloads.store.path(f"sha256:{SHA256}")
        path.chmod(0o644)
        path.write_bytes(OTHER)
        with pytest.raises(WrongBytesError, match=f"from the cache: its sha256 is {OTHER_SHA256}"):
            downloaded(server.url, SHA256, downloads.store)


def test_redirects_may_lead_to_any_server(downloads: Downloads) -> None:
    """The digest protects the content, and no password is sent."""
    with FileServer(CONTENT) as target, RawServer(lambda _: [found]) as server:
        found = f"HTTP/1.1 302 Found\r\nLocation: {target.url}\r\nContent-Length: 0\r\n\r\n".encode()
        downloader = Downloader(environment={})
        path = downloader.fetch(f"http://{server.host}/moved", SHA256, downloads.store)
        assert path.read_bytes() == CONTENT
