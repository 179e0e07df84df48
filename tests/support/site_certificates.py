"""Certificates of every kind that a site may be given."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

HOST = "dify.bank.example"
NOW = dt.datetime.now(dt.UTC)


def write_pair(
    folder: Path,
    name: str = "server",
    *,
    hosts: tuple[str, ...] = (HOST,),
    start: int = -1,
    days: int = 300,
    passphrase: bytes | None = None,
    issuer: str | None = None,
) -> tuple[Path, Path]:
    """Write a certificate and its key, valid for `days` from day `start` relative to today."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer or HOST)]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW + dt.timedelta(days=start))
        .not_valid_after(NOW + dt.timedelta(days=start + days))
    )
    if hosts:
        names = [
            x509.IPAddress(ipaddress.ip_address(one))
            if re.fullmatch(r"[0-9.]+|.*:.*", one)
            else x509.DNSName(one)
            for one in hosts
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate, private = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            Encoding.PEM,
            PrivateFormat.PKCS8,
            BestAvailableEncryption(passphrase) if passphrase else NoEncryption(),
        )
    )
    return certificate, private
