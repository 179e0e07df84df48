"""Trusted certificates: the system's, $SSL_CERT_FILE, the user's CA file, and Docker's for a host."""

from __future__ import annotations

import os
import re
import ssl
import sys
import threading
from contextlib import suppress
from pathlib import Path

from bundler.errors import FetchError
from bundler.language import tr

DOCKER_CERTIFICATES = Path("/etc/docker/certs.d")
"""`<host[:port]>/*.crt` are CAs, `*.cert` with `*.key` are client certificates: Docker's documentation,
"Verify repository client with certificates".
"""

_FOLDER = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9.:\[\]-]*")


def trusting_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a TLS context for connections to servers.

    Args:
        ca_file: PEM file with private certificate authorities, trusted in addition to the system's.

    Raises:
        FetchError: a certificate file cannot be read.
    """
    explicit = os.environ.get("SSL_CERT_FILE")
    if explicit and not Path(explicit).is_file():
        raise FetchError(
            tr("SSL_CERT_FILE={explicit}: no such file", explicit=explicit),
            hint=tr("fix or unset the variable"),
        )
    context = ssl.create_default_context() if _openssl_knows() else _system_context()
    # Python 3.13 is stricter about CA certificates than Docker; builds must work with any CA that pulls work
    # with
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if ca_file is not None:
        trust(context, ca_file)
    return context


def _openssl_knows() -> bool:
    """Whether OpenSSL finds the authorities itself: the user's choice, or the system's.

    OpenSSL reads them once for all connections. truststore reads them for each connection, which takes 20 ms
    for
    150 of them and makes connections wait for each other. On macOS they are stored where OpenSSL does not
    look.
    """
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return True
    paths = ssl.get_default_verify_paths()
    return sys.platform != "darwin" and bool(paths.cafile or paths.capath)


def _system_context() -> ssl.SSLContext:
    import truststore  # noqa: PLC0415 takes 6 ms, needed only here

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trust(context: ssl.SSLContext, file: Path) -> None:
    """Trust the authorities of a PEM file as well.

    Raises:
        FetchError: the file cannot be read, or contains no certificate.
    """
    try:
        context.load_verify_locations(file)
    except (OSError, ssl.SSLError) as error:
        raise FetchError(
            tr("{file}: not a CA certificate file: {error}", file=file, error=error),
            hint=tr("use certificates in PEM format (-----BEGIN CERTIFICATE-----)"),
        ) from error


class Certificates:
    """Creates TLS contexts, once for each set of certificates. Thread-safe."""

    def __init__(self, ca_file: Path | None, docker: Path = DOCKER_CERTIFICATES) -> None:
        self._ca_file = ca_file
        self._docker = docker
        self._lock = threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}

    def context(self, host: str) -> ssl.SSLContext:
        """Return the context for `host[:port]`.

        Raises:
            FetchError: a certificate file cannot be read.
        """
        folder = self._docker / host if _FOLDER.fullmatch(host) else None
        key = host if folder is not None and folder.is_dir() else ""
        with self._lock:
            if key not in self._contexts:
                self._contexts[key] = self._make(folder if key else None)
            return self._contexts[key]

    def read_ahead(self) -> None:
        """Start reading the system's authorities in the background, before the first connection.

        OpenSSL takes 50 ms for the 140 of Debian 12, and Python's lock is released meanwhile.
        """
        threading.Thread(target=self._read_ahead, name="authorities").start()

    def _read_ahead(self) -> None:
        with suppress(FetchError):  # reported when a context is requested
            self.context("")

    def _make(self, folder: Path | None) -> ssl.SSLContext:
        context = trusting_context(self._ca_file)
        if folder is not None:
            for authority in sorted(folder.glob("*.crt")):
                trust(context, authority)
            for certificate in sorted(folder.glob("*.cert")):
                _identify(context, certificate)
        return context


def _identify(context: ssl.SSLContext, certificate: Path) -> None:
    try:
        # prevents OpenSSL from prompting for the passphrase of an encrypted key
        context.load_cert_chain(certificate, certificate.with_suffix(".key"), password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        raise FetchError(
            tr(
                "{certificate}: cannot be used with {stem}.key: {error}",
                certificate=certificate,
                stem=certificate.stem,
                error=error,
            ),
            hint=tr("Docker's client certificates are pairs of PEM files, `<name>.cert` and `<name>.key`"),
        ) from error
