"""Whose certificates are believed: the system's, $SSL_CERT_FILE's and the user's CA file."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from bundler.errors import FetchError

SYSTEM_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)
"""Where systems keep their CAs; asked only by a Python whose own OpenSSL looks elsewhere."""


def trusting_context(ca_file: Path | None) -> ssl.SSLContext:
    """A TLS context for connections to servers.

    Args:
        ca_file: PEM file with private certificate authorities, trusted besides the system's.

    Raises:
        FetchError: a file of certificates cannot be read.
    """
    context = ssl.create_default_context()
    # Python 3.13 asks more of a CA than Docker does; one that pulls from a registry must build from it
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    explicit = os.environ.get("SSL_CERT_FILE")
    if explicit and not Path(explicit).is_file():
        raise FetchError(f"SSL_CERT_FILE={explicit}: no such file", hint="correct or unset it")
    paths = ssl.get_default_verify_paths()
    if not explicit and not paths.cafile and not paths.capath:
        for bundle in filter(Path.is_file, SYSTEM_BUNDLES):
            trust(context, bundle)
            break
    if ca_file is not None:
        trust(context, ca_file)
    return context


def trust(context: ssl.SSLContext, file: Path) -> None:
    """Believe the authorities of a PEM file too.

    Raises:
        FetchError: it cannot be read, or holds none.
    """
    try:
        context.load_verify_locations(file)
    except (OSError, ssl.SSLError) as error:
        raise FetchError(
            f"{file}: not a file of CA certificates: {error}",
            hint="give certificates in PEM form (-----BEGIN CERTIFICATE-----)",
        ) from error
