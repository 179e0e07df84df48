"""Connect to a registry: TLS with a private authority, plain HTTP where allowed, mirrors, proxies."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.api.images import SourceOptions
from bundler.errors import BundleError, FetchError, ImageNotFoundError, UsageError
from bundler.net.proxies import Proxies
from bundler.net.tls import Certificates
from bundler_registry.credentials import Login
from bundler_registry.source import RegistrySource
from examples.demo.sample_registry import make_image
from tests.support.certificates import Authority
from tests.support.faults import FaultRegistry, basic, cut, redirect, status
from tests.support.proxies import ForwardProxy
from tests.support.pulls import Puller

IMAGE = make_image([{"base": b"base" * 50_000}, {"top": b"top" * 5000}])
BANK = "registry.bank.example"


PUSHED = {"app:1": IMAGE, "library/app:1": IMAGE}
"""The images in the registry."""


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secure(authority: Authority) -> Iterator[FaultRegistry]:
    """Provide a registry with a certificate of a private authority."""
    with FaultRegistry(tls=authority.server()) as found:
        found.add_image("app", "1", IMAGE)
        yield found


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve names below bank.example to loopback, as an /etc/hosts might."""
    original = socket.getaddrinfo

    def resolve(host: str, *rest: object, **more: object) -> object:
        target = "127.0.0.1" if str(host).endswith("bank.example") else host
        return original(target, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def port(registry: FaultRegistry) -> str:
    return registry.host.rpartition(":")[2]


def whole(puller: Puller) -> bool:
    return all(puller.store.read(digest) == content for digest, content in IMAGE.blobs.items())


# ---------------------------------------------------------------- TLS


def test_an_unknown_authority_is_refused_with_the_remedy(secure: FaultRegistry, puller: Puller) -> None:
    with pytest.raises(FetchError, match="its certificate is not trusted") as caught:
        puller.pull(f"{secure.host}/app:1")
    assert "--ca-file" in (caught.value.hint or "")
    assert f"/etc/docker/certs.d/{secure.host}/ca.crt" in (caught.value.hint or "")
    assert secure.requests == [], "loopback too: plain HTTP is no way around a bad certificate"
    assert puller.pauses == [], "another attempt would not help"


def test_a_given_authority_is_trusted(secure: FaultRegistry, puller: Puller, authority: Authority) -> None:
    puller.options = SourceOptions(ca_file=authority.certificate)
    puller.pull(f"{secure.host}/app:1")
    assert whole(puller)


def test_ssl_cert_file_is_used(
    secure: FaultRegistry, puller: Puller, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    puller.pull(f"{secure.host}/app:1")
    assert whole(puller)


def test_dockers_folder_of_certificates_is_used(
    secure: FaultRegistry, puller: Puller, authority: Authority, tmp_path: Path
) -> None:
    folder = tmp_path / "certs.d" / secure.host
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(authority.certificate.read_bytes())
    puller.certificates = tmp_path / "certs.d"
    puller.pull(f"{secure.host}/app:1")
    assert whole(puller)


def test_client_certificates_of_dockers_folder(puller: Puller, authority: Authority, tmp_path: Path) -> None:
    with FaultRegistry(tls=authority.server(clients=True)) as registry:
        registry.add_image("app", "1", IMAGE)
        folder = tmp_path / "certs.d" / registry.host
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(authority.certificate.read_bytes())
        puller.certificates = tmp_path / "certs.d"
        with pytest.raises(BundleError):
            puller.pull(f"{registry.host}/app:1")
        certificate, key = authority.issue("client")
        (folder / "client.cert").write_bytes(certificate.read_bytes())
        (folder / "client.key").write_bytes(key.read_bytes())
        puller.pull(f"{registry.host}/app:1")
        assert whole(puller)


def test_a_certificate_for_another_name_is_refused(
    secure: FaultRegistry, puller: Puller, authority: Authority, names: None
) -> None:
    puller.options = SourceOptions(ca_file=authority.certificate)
    puller.pull(f"{BANK}:{port(secure)}/app:1")
    with pytest.raises(FetchError, match=r"not trusted: Hostname mismatch"):
        puller.pull(f"other.bank.example:{port(secure)}/app:1")


def test_invalid_certificate_files_are_refused(
    secure: FaultRegistry, puller: Puller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    puller.options = SourceOptions(ca_file=tmp_path / "ca.pem")
    with pytest.raises(FetchError, match=r"ca.pem: not a CA certificate file"):
        puller.pull(f"{secure.host}/app:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    with pytest.raises(FetchError, match=r"SSL_CERT_FILE=/nowhere.pem"):
        Puller(tmp_path).pull(f"{secure.host}/app:1")


def test_what_was_read_ahead_serves_and_its_errors_wait(authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.certificate.read_bytes())
    certificates = Certificates(file, tmp_path)
    certificates.read_ahead()
    for thread in threading.enumerate():
        if thread.name == "authorities":
            thread.join()
    file.write_text("no certificate")
    known = certificates.context(BANK).get_ca_certs(binary_form=True)
    assert ssl.PEM_cert_to_DER_cert(authority.certificate.read_text()) in known
    wrong = Certificates(file, tmp_path)
    wrong.read_ahead()
    with pytest.raises(FetchError, match=r"ca.pem: not a CA certificate file"):
        wrong.context(BANK)


def test_a_redirect_from_tls_to_plain_http_is_not_followed(
    secure: FaultRegistry, registry: FaultRegistry, puller: Puller, authority: Authority
) -> None:
    puller.options = SourceOptions(ca_file=authority.certificate)
    secure.fail(IMAGE.layers[0], redirect(f"{registry.url}{{path}}"), 10)
    with pytest.raises(FetchError, match="from https to plain http"):
        puller.pull(f"{secure.host}/app:1")
    assert registry.requests == []


# ---------------------------------------------------------------- plain HTTP


def test_plain_http_is_for_loopback(registry: FaultRegistry, puller: Puller) -> None:
    puller.pull(f"{registry.host}/app:1", f"localhost:{port(registry)}/app:1")
    assert whole(puller)


def test_plain_http_elsewhere_needs_to_be_allowed_by_name(
    registry: FaultRegistry, puller: Puller, names: None
) -> None:
    name = f"{BANK}:{port(registry)}"
    with pytest.raises(FetchError) as caught:
        puller.pull(f"{name}/app:1")
    assert f"--insecure-registry {name}" in (caught.value.hint or "")
    assert registry.requests == [], "not one byte of HTTP went there"
    puller.options = SourceOptions(insecure=frozenset({BANK}))
    with pytest.raises(FetchError):
        puller.pull(f"{name}/app:1")
    puller.options = SourceOptions(insecure=frozenset({name}))
    puller.pull(f"{name}/app:1")
    assert whole(puller)


def test_a_login_is_not_sent_where_plain_http_is_not_allowed(
    registry: FaultRegistry, puller: Puller, names: None
) -> None:
    name = f"{BANK}:{port(registry)}"
    puller.logins = {name: Login("anna", "secret")}
    registry.basic = ("anna", "secret")
    with pytest.raises(FetchError):
        puller.pull(f"{name}/app:1")
    assert registry.requests == []


def test_a_registry_that_is_not_there(puller: Puller) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(
            FetchError, match=r"cannot be reached: Connection refused.*given up after 4"
        ) as caught:
            puller.pull(f"{host}/app:1")
    assert caught.value.hint == "check the network, or use a mirror"


def test_a_name_that_does_not_resolve(puller: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(FetchError, match="the host name cannot be resolved") as caught:
        puller.pull("registry.nowhere.example/app:1")
    assert "check the name" in (caught.value.hint or "")


# ---------------------------------------------------------------- mirrors


@pytest.fixture
def mirror() -> Iterator[FaultRegistry]:
    with FaultRegistry() as found:
        found.add_image("library/app", "1", IMAGE)
        found.add_image("hub/cache/library/app", "1", IMAGE)
        yield found


def mirrored(mirror: FaultRegistry, registry: FaultRegistry, prefix: str = "") -> SourceOptions:
    """Return mirror options; docker.io cannot be simulated, so the registry in the test has another name."""
    return SourceOptions(mirrors={registry.host: mirror.host + prefix})


def test_docker_hub_by_way_of_a_mirror(mirror: FaultRegistry, puller: Puller) -> None:
    puller.options = SourceOptions(mirrors={"docker.io": mirror.host})
    (found,) = puller.pull("app:1")
    assert str(found.resolved.reference) == "docker.io/library/app:1"
    assert whole(puller)


@pytest.mark.parametrize("name", ["index.docker.io", "registry-1.docker.io"])
def test_docker_hub_has_more_names_than_one(mirror: FaultRegistry, puller: Puller, name: str) -> None:
    puller.options = SourceOptions(mirrors={name: mirror.host})
    puller.pull("app:1")
    assert whole(puller)


def test_a_mirror_below_a_prefix(mirror: FaultRegistry, puller: Puller) -> None:
    puller.options = SourceOptions(mirrors={"docker.io": f"{mirror.host}/hub/cache"})
    puller.pull("app:1")
    assert all(request.path.startswith("/v2/hub/cache/library/app/") for request in mirror.requests)


def test_a_mirror_is_asked_and_the_registry_is_not(
    mirror: FaultRegistry, registry: FaultRegistry, puller: Puller
) -> None:
    puller.options = mirrored(mirror, registry)
    puller.pull(f"{registry.host}/library/app:1")
    assert registry.requests == []
    assert whole(puller)


def test_images_missing_from_a_mirror_come_from_the_registry(
    mirror: FaultRegistry, registry: FaultRegistry, puller: Puller, caplog: pytest.LogCaptureFixture
) -> None:
    puller.options = mirrored(mirror, registry)
    puller.pull(f"{registry.host}/app:1")
    assert whole(puller)
    assert mirror.counts() == {}, "a mirror without the manifest is not asked for its blobs"
    assert f"mirror {mirror.host}" in caplog.text


def test_a_mirror_that_is_down_is_left_alone(registry: FaultRegistry, puller: Puller) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        down = f"127.0.0.1:{unused.getsockname()[1]}"
        puller.options = SourceOptions(mirrors={registry.host: down})
        puller.pull(f"{registry.host}/app:1")
        assert whole(puller)
        assert len(puller.pauses) == 3, "the manifest was tried 4 times; its blobs not at all"


def test_a_mirror_that_breaks_in_a_blob_leaves_the_rest_to_the_registry(
    mirror: FaultRegistry, registry: FaultRegistry, puller: Puller
) -> None:
    base = IMAGE.layers[0]
    puller.options = mirrored(mirror, registry)
    mirror.fail(base, cut(100))
    mirror.fail(base, status(503), 100)
    puller.pull(f"{registry.host}/library/app:1")
    assert whole(puller)
    asked = [request for request in registry.requests if request.path.endswith(base)]
    assert [request.headers["Range"] for request in asked] == ["bytes=100-"]


def test_a_mirror_with_other_bytes_is_found_out(
    mirror: FaultRegistry, registry: FaultRegistry, puller: Puller
) -> None:
    base = IMAGE.layers[0]
    puller.options = mirrored(mirror, registry)
    mirror.blobs[base] = b"x" * len(IMAGE.blobs[base])  # type: ignore[arg-type]
    with pytest.raises(FetchError, match="it was discarded"):
        puller.pull(f"{registry.host}/library/app:1")
    assert not puller.store.path(base).exists()


def test_a_login_is_for_its_own_registry_not_for_the_mirror(
    mirror: FaultRegistry, registry: FaultRegistry, puller: Puller
) -> None:
    puller.options = mirrored(mirror, registry)
    puller.logins = {registry.host: Login("anna", "secret")}
    mirror.basic = ("mirror", "other")
    registry.basic = ("anna", "secret")
    puller.pull(f"{registry.host}/library/app:1")
    assert {request.headers["Authorization"] for request in mirror.requests} == {None}
    assert basic("anna", "secret") in {request.headers["Authorization"] for request in registry.requests}


@pytest.mark.parametrize(
    "text", ["", "http://mirror:5000", "mirror:5000/UPPER", "mirror:port", "user@mirror"]
)
def test_an_invalid_mirror_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"mirror of docker.io"):
        RegistrySource(SourceOptions(mirrors={"docker.io": text}))


def test_offline_opens_no_connection(registry: FaultRegistry, puller: Puller) -> None:
    puller.options = SourceOptions(offline=True)
    with pytest.raises(ImageNotFoundError, match="this run is offline"):
        puller.pull(f"{registry.host}/app:1")
    assert registry.requests == []


# ---------------------------------------------------------------- proxies


def test_plain_http_goes_through_the_proxy_with_its_login(registry: FaultRegistry, puller: Puller) -> None:
    name = f"{BANK}:{port(registry)}"
    with ForwardProxy() as proxy:
        puller.environment = {
            "http_proxy": f"http://user:p%40ss@{proxy.host}",
            "https_proxy": "http://127.0.0.1:1",
        }
        puller.options = SourceOptions(insecure=frozenset({name}))
        puller.pull(f"{name}/app:1")
        assert whole(puller)
        assert proxy.seen[0] == (f"GET http://{name}/v2/app/manifests/1", basic("user", "p@ss"))
    assert all(request.headers["Proxy-Authorization"] is None for request in registry.requests)


def test_tls_goes_through_the_proxy_in_a_tunnel(
    secure: FaultRegistry, puller: Puller, authority: Authority
) -> None:
    name = f"{BANK}:{port(secure)}"
    with ForwardProxy() as proxy:
        puller.environment = {"HTTPS_PROXY": proxy.host}
        puller.options = SourceOptions(ca_file=authority.certificate)
        puller.pull(f"{name}/app:1")
        assert whole(puller)
        assert {target for target, _ in proxy.seen} == {f"CONNECT {name}"}
        assert len(proxy.seen) <= 4, "connections are used again"


def test_loopback_and_no_proxy_go_directly(
    registry: FaultRegistry, secure: FaultRegistry, puller: Puller, authority: Authority, names: None
) -> None:
    with ForwardProxy() as proxy:
        puller.environment = {"all_proxy": proxy.host, "no_proxy": ".bank.example"}
        puller.options = SourceOptions(ca_file=authority.certificate)
        puller.pull(f"{registry.host}/app:1", f"{BANK}:{port(secure)}/app:1")
        assert proxy.seen == []


def test_an_unreachable_proxy_is_named_without_its_password(puller: Puller) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        puller.environment = {"https_proxy": f"http://user:secret@{host}"}
        with pytest.raises(FetchError, match=rf"through the proxy http://{host}\)") as caught:
            puller.pull(f"{BANK}/app:1")
    assert "secret" not in caught.value.message
    assert caught.value.hint == "check HTTPS_PROXY and NO_PROXY"


def test_a_kind_of_proxy_that_is_not_supported(puller: Puller) -> None:
    puller.environment = {"https_proxy": "socks5://127.0.0.1:1080"}
    with pytest.raises(FetchError, match=r"socks5://127.0.0.1:1080 is not supported"):
        puller.pull(f"{BANK}/app:1")


@pytest.mark.parametrize(
    ("rules", "url", "direct"),
    [
        ("", "https://a.example/", False),
        ("*", "https://a.example/", True),
        ("a.example", "https://a.example/", True),
        ("a.example", "https://b.a.example/", True),
        ("a.example", "https://ba.example/", False),
        (".a.example", "https://b.a.example/", True),
        ("*.a.example", "https://b.a.example/", True),
        ("a.example:5000", "https://a.example:5000/", True),
        ("a.example:5000", "https://a.example/", False),
        ("a.example:443", "https://a.example/", True),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.0.0.0/8,x", "https://10.example/", False),
        ("10.1.2.3", "https://10.1.2.3:5000/", True),
        ("fd00::/8", "https://[fd00::1]:5000/", True),
        ("[fd00::1]:5000", "https://[fd00::1]:5000/", True),
        ("fd00::1", "https://[fd00::1]/", True),
        ("nonsense/8, A.EXAMPLE", "https://a.example/", True),
        ("", "https://127.0.0.5/", True),
        ("", "https://localhost:5000/", True),
        ("", "https://[::1]:5000/", True),
    ],
)
def test_no_proxy_rules(rules: str, url: str, direct: bool) -> None:
    proxies = Proxies.from_environment({"HTTPS_PROXY": "proxy:3128", "NO_PROXY": rules})
    assert proxies.choose(url) == (None if direct else "http://proxy:3128")


def test_lower_case_wins() -> None:
    found = Proxies.from_environment(
        {"https_proxy": "http://a", "HTTPS_PROXY": "http://b", "ALL_PROXY": "http://c"}
    )
    assert (found.https, found.http) == ("http://a", "http://c")


def test_signatures_of_blob_storage_are_not_logged(
    registry: FaultRegistry, puller: Puller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "urllib3")
    with FaultRegistry() as storage:
        storage.add_image("app", None, IMAGE)
        registry.fail(IMAGE.layers[0], redirect(f"{storage.url}{{path}}?X-Amz-Signature=s3cret"))
        puller.pull(f"{registry.host}/app:1")
    assert whole(puller)
    assert "/v2/app" in caplog.text
    assert "s3cret" not in caplog.text
