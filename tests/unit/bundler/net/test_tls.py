"""Trusted certificates: the system's, from any of its usual places, and the user's."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from pathlib import Path

import pytest
import truststore

from bundler.net.tls import trusting_context
from tests.support.certificates import Authority
from tests.support.programs import run

NOTHING = ssl.DefaultVerifyPaths(None, None, "SSL_CERT_FILE", "/nowhere", "SSL_CERT_DIR", "/nowhere")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def shake_hands(authority: Authority, context: ssl.SSLContext) -> None:
    """Perform a TLS handshake with a server whose certificate the authority issued.

    Raises:
        ssl.SSLCertVerificationError: the certificate is not trusted.
    """
    here, there = socket.socketpair()
    server = authority.server()

    def serve() -> None:
        try:
            server.wrap_socket(there, server_side=True).close()
        except (ssl.SSLError, OSError):
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        context.wrap_socket(here, server_hostname="registry.bank.example").close()
    finally:
        here.close()
        thread.join()


def refused(authority: Authority, context: ssl.SSLContext) -> bool:
    try:
        shake_hands(authority, context)
    except ssl.SSLCertVerificationError:
        return True
    return False


def test_where_openssl_finds_authorities_truststore_is_not_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "truststore", None)
    assert trusting_context(None).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("where", ["darwin", "a Linux whose OpenSSL looks elsewhere"])
def test_where_openssl_finds_none_truststore_is_used(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "darwin":
        monkeypatch.setattr("bundler.net.tls.sys.platform", where)
    else:
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: NOTHING)
    found = trusting_context(None)
    assert isinstance(found, truststore.SSLContext)
    assert refused(authority, found)
    shake_hands(authority, trusting_context(authority.certificate))


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_users_choice_is_taken_on_every_platform(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr("bundler.net.tls.sys.platform", platform)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    shake_hands(authority, trusting_context(None))
    monkeypatch.delenv("SSL_CERT_FILE")
    (tmp_path / "ca.crt").write_bytes(authority.certificate.read_bytes())
    run("openssl", "rehash", tmp_path)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    shake_hands(authority, trusting_context(None))


@pytest.mark.parametrize("known", [True, False], ids=["openssl", "truststore"])
def test_a_ca_without_extensions_that_python_wants_since_3_13_is_trusted(
    monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    if not known:
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: NOTHING)
    assert not trusting_context(None).verify_flags & ssl.VERIFY_X509_STRICT
