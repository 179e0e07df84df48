"""Certificates of a private certificate authority, for servers on loopback."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from tests.support.programs import run


@dataclass(frozen=True)
class Authority:
    """A private certificate authority.

    Attributes:
        folder: contains all keys and certificates.
        certificate: the authority's certificate, PEM, for clients that trust it.
    """

    folder: Path
    certificate: Path

    @classmethod
    def make(cls, folder: Path) -> Authority:
        """Create an authority with openssl."""
        folder.mkdir(parents=True, exist_ok=True)
        found = cls(folder, folder / "ca.crt")
        run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", folder / "ca.key", "-out", found.certificate, "-days", "2", "-subj", "/CN=Bank CA",
            "-addext", "basicConstraints=critical,CA:true",
        )  # fmt: skip
        return found

    def issue(self, name: str, *alternatives: str, subject: str = "") -> tuple[Path, Path]:
        """Issue a certificate and its key; `alternatives` have the form `DNS:x` or `IP:y`.

        Args:
            name: the name of the files, without the ending.
            alternatives: the names and addresses of the server.
            subject: such as `/O=group/CN=user`; without it, the name.
        """
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        run(
            "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", request, "-subj", subject or f"/CN={name}",
        )  # fmt: skip
        extensions = self.folder / f"{name}.ext"
        names = ",".join(alternatives)
        extensions.write_text(f"subjectAltName={names}\n" if names else "basicConstraints=CA:false\n")
        run(
            "openssl", "x509", "-req", "-in", request, "-out", certificate, "-days", "2",
            "-CA", self.certificate, "-CAkey", self.folder / "ca.key", "-CAcreateserial",
            "-extfile", extensions,
        )  # fmt: skip
        return certificate, key

    def server(self, *, clients: bool = False) -> ssl.SSLContext:
        """Return a TLS context for a server on loopback, also named registry.bank.example.

        Args:
            clients: whether clients must also present a certificate of this authority.
        """
        certificate, key = self.issue("server", "IP:127.0.0.1", "DNS:localhost", "DNS:registry.bank.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if clients:
            context.load_verify_locations(self.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
