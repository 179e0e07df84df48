"""Files from web servers: by the proxy of the environment, with a private authority, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.errors import FetchError
from bundler.net.download import Downloader
from tests.support.certificates import Authority
from tests.support.faults import basic
from tests.support.proxies import ForwardProxy
from tests.support.web import serving

CONTENT = bytes(range(256)) * 400


def read(url: str, downloader: Downloader | None = None) -> bytes:
    with (downloader or Downloader(environment={})).open(url) as stream:
        return stream.read()


def test_a_file_and_what_is_none() -> None:
    with serving(CONTENT) as port:
        assert read(f"http://127.0.0.1:{port}/file") == CONTENT
        assert read(f"http://127.0.0.1:{port}/moved") == CONTENT
        with pytest.raises(FetchError, match=r"/none: HTTP 404"):
            read(f"http://127.0.0.1:{port}/none")
        with pytest.raises(FetchError, match=r"/cut: .*IncompleteRead"):
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
    with pytest.raises(FetchError, match=r"bad\.pem: not a file of CA certificates"):
        read(url, Downloader(tmp_path / "bad.pem", {}))
