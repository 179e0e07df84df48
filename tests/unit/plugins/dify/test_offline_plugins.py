"""Plugins of a profile: from files, from URLs, and from the cache."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from bundler.errors import BundleError, FetchError
from bundler.store.blobs import Store
from bundler_dify.settings.plugins import Plugin
from tests.support import dify
from tests.support.certificates import Authority
from tests.support.dify_plugins import FILES, MANIFEST, pack, unpack
from tests.support.web import serving


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUNDLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def profile(**plugin: object) -> dict[str, Any]:
    return {"plugin_signatures": {"policy": "unverified"}, "plugins": [plugin]}


def test_packages_travel_with_the_command_that_installs_them(tmp_path: Path) -> None:
    package = pack({"manifest.yaml": MANIFEST})
    (tmp_path / "hello.difypkg").write_bytes(package)
    digest = hashlib.sha256(package).hexdigest()
    application = dify.model(profile(path="hello.difypkg", sha256=digest), tmp_path)
    carried = {file.path: file for file in application.carried}
    assert set(carried) == {
        "dify-plugins/hello-offline.difypkg",
        "dify-plugins/install.sh",
        "dify-plugins/install_plugins.py",
        "probes/dify.py",
    }
    assert carried["dify-plugins/install.sh"].mode == 0o755
    content = carried["dify-plugins/hello-offline.difypkg"].content
    assert isinstance(content, Path)
    assert "requirements.txt" in unpack(content.read_bytes())


def test_a_package_that_is_carried_is_not_touched(tmp_path: Path) -> None:
    package = pack(
        {"manifest.yaml": MANIFEST, "wheels/x-1-py3-none-any.whl": b"", "requirements.txt": b"x\n"}
    )
    (tmp_path / "signed.difypkg").write_bytes(package)
    application = dify.model({"plugins": [{"path": "signed.difypkg", "mode": "carry"}]}, tmp_path)
    content = application.carried[0].content
    assert isinstance(content, Path)
    assert content.read_bytes() == package
    # It contains its own wheels; the daemon is configured with the folder for plugins that do not.
    assert [file.path for file in application.files if "wheels" in file.path] == ["plugin-wheels/README"]
    found = dify.environment(application, "plugin_daemon")
    assert found["PIP_EXTRA_ARGS"] == "--no-index --find-links=/etc/dify/plugin-wheels"
    volumes = application.compose["services"]["plugin_daemon"]["volumes"]
    assert "./plugin-wheels:/etc/dify/plugin-wheels:ro" in volumes


def test_a_file_with_another_digest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hello.difypkg").write_bytes(pack(FILES))
    with pytest.raises(BundleError, match="the profile says 0000"):
        dify.model(profile(path="hello.difypkg", sha256="0" * 64), tmp_path)
    with pytest.raises(BundleError, match="cannot be read"):
        dify.model(profile(path="none.difypkg"), tmp_path)


def test_a_package_that_the_site_would_refuse_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "big.difypkg").write_bytes(b"x" * (2**20 + 1))
    wanted = {"plugins": [{"path": "big.difypkg", "mode": "carry"}], "uploads": {"plugin_mb": 1}}
    with pytest.raises(BundleError, match="the site accepts at most 1048576"):
        dify.model(wanted, tmp_path)


def test_the_marketplace_has_an_address_for_each_package() -> None:
    address = Plugin(marketplace="bank/hello:0.0.1", sha256="1" * 64).address
    assert str(address).startswith("https://marketplace.dify.ai/")
    assert "bank/hello" in str(address)


def test_downloads_are_checked_and_cached(tmp_path: Path) -> None:
    """TLS uses a private authority, and a cached download needs no connection."""
    package = pack({"manifest.yaml": MANIFEST})
    authority = Authority.make(tmp_path / "ca")
    digest = hashlib.sha256(package).hexdigest()
    online = {"store": Store(tmp_path / "mine"), "ca_file": authority.certificate}
    with serving(package, authority.server()) as port:
        wanted = profile(url=f"https://localhost:{port}/file", sha256=digest)
        with pytest.raises(FetchError, match="certificate"):
            dify.model(wanted, tmp_path, store=Store(tmp_path / "mine"))
        with pytest.raises(FetchError, match=r"plugins: https://localhost.* not in the cache .*mine"):
            dify.model(wanted, tmp_path, **online, offline=True)
        with pytest.raises(BundleError, match="the profile says"):
            dify.model(profile(url=f"https://localhost:{port}/file", sha256="1" * 64), tmp_path, **online)
        first = dify.model(wanted, tmp_path, **online).carried
    again = dify.model(wanted, tmp_path, **online, offline=True).carried
    assert again == first
    assert first[0].content == tmp_path / "mine/caches/dify-plugins" / Path(str(first[0].content)).name
    assert (tmp_path / "mine/blobs/sha256" / digest).read_bytes() == package
    assert not (tmp_path / "cache").exists()


def test_wheels_that_are_not_in_the_cache_are_not_fetched_offline(tmp_path: Path) -> None:
    package = pack({"manifest.yaml": MANIFEST})
    (tmp_path / "hello.difypkg").write_bytes(package)
    digest = hashlib.sha256(package).hexdigest()
    with pytest.raises(FetchError, match=r"plugins: the wheels of hello.* not in the cache"):
        dify.model(profile(path="hello.difypkg", sha256=digest), tmp_path, offline=True)
