"""Certificates of the site: a service that ends TLS itself reads them from a Secret that the site names.

The installer of one host checks or makes certificates and puts them into a folder of data. In a cluster that
folder is a Secret of the type `kubernetes.io/tls`, which the site makes, or a program such as cert-manager.
"""

from __future__ import annotations

import posixpath
from typing import Final

from bundler.api.application import Certificate
from bundler.language import tr, tr_later
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.names import variable_name
from bundler_kubernetes.objects import Body

DATA: Final = "${BUNDLE_DATA}/"
_MODE: Final = 0o440
"""Root owns the files; a group that owns volumes may read them."""


def find_certificate(context: Context, source: str) -> Certificate | None:
    """Return the certificate whose folder is mounted; None if it is no folder of a certificate."""
    if not source.startswith(DATA):
        return None
    path = posixpath.normpath(source.removeprefix(DATA))
    found = [each for each in context.application.certificates if path in _folders(each)]
    return found[0] if found else None


def certificate_volume(context: Context, workload: Workload, certificate: Certificate) -> Body:
    """Return the volume with a certificate and its key, under the names that the application reads."""
    folders = _folders(certificate)
    others = [
        each
        for each in context.application.certificates
        if each is not certificate and not folders.isdisjoint(_folders(each))
    ]
    if len(folders) > 1 or others:
        context.findings.refuse(
            workload.subject,
            "volumes",
            tr("{path} is not the folder of one certificate and its key", path=certificate.certificate_path),
            tr("give each certificate a folder of its own"),
        )
    name = context.setting(
        variable_name("tls-secret", workload.name),
        ("tls", workload.name, "secretName"),
        f"{workload.name}-tls",
        "certificate",
        about=f"Secret of the type kubernetes.io/tls with the certificate of {workload.name}",
    )
    context.findings.note(
        workload.subject,
        "volumes",
        tr_later(
            "the certificate comes from the Secret that {setting} names; after a new one, run `kubectl "
            "rollout restart deployment/{name}`"
        ),
        setting=name.name,
        name=workload.name,
    )
    context.findings.note(
        workload.subject, "ports", tr_later("it ends TLS itself, so no Ingress offers its ports")
    )
    items = [
        {"key": key, "path": posixpath.basename(path), "mode": _MODE}
        for key, path in (("tls.crt", certificate.certificate_path), ("tls.key", certificate.key_path))
    ]
    return {"secret": {"secretName": name, "items": items}}


def _folders(certificate: Certificate) -> set[str]:
    return {posixpath.dirname(path) for path in (certificate.certificate_path, certificate.key_path)}
