"""Writes the facts of bundle.json as flat files for a shell that cannot parse JSON.

Format: docs/reference/bundle-format.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bundler.api import compose
from bundler.api.application import ApplicationModel
from bundler.bundle.layout import archive_entry, compact, index_entry
from bundler.bundle.manifest import ImageEntry
from bundler.bundle.tar import Member
from bundler.image.platform import Platform
from bundler_installer import forms
from bundler_installer.checks import compile_checks, network_rows
from bundler_installer.document import document_rows
from bundler_installer.manifest import EngineEntry, InstallerManifest
from bundler_installer.mounted import mounted_rows
from bundler_installer.probes import check_probes
from bundler_installer.tables import BUNDLE_ENV, TABLES


def application_rows(application: ApplicationModel) -> dict[str, list[object]]:
    """Return the lines of the tables that depend only on the application, and which an adoption reads."""
    return {
        "variables.tsv": list(application.variables),
        "data.tsv": list(application.data),
        "initial.tsv": list(application.initial),
        "lifecycle.tsv": [
            {"what": what, "name": name}
            for what in ("quiesce", "dumped", "disposable", "migrations")
            for name in getattr(application.lifecycle, what)
        ],
        "adopt.tsv": [
            {
                "what": each.what,
                "service": each.service,
                "from": each.name,
                "to": each.to,
                "how": each.says.en if each.says else each.how,
                "zh": each.says and each.says.get("zh"),
            }
            for each in application.adoption
        ],
    }


def flat_facts(
    manifest: InstallerManifest, application: ApplicationModel, others: Sequence[Member]
) -> dict[str, str]:
    """Return the content of each flat file, by name.

    Args:
        manifest: the manifest to flatten.
        application: supplies what bundle.json does not contain (prompts, templates, folders).
        others: the bundle's other files.

    Raises:
        BundleError: the site does not accept the form of a field, or a probe is invalid.
    """
    check_probes(application)
    platform = Platform.parse(manifest.platform)
    unpacked = unpacked_bytes(manifest.images)
    rows: dict[str, Iterable[object]] = {
        **_image_rows(manifest.images, platform),
        **application_rows(application),
        "services.tsv": _service_rows(manifest, application),
        "mounted.tsv": mounted_rows(application.compose, [file.path for file in application.initial]),
        "ports.tsv": manifest.ports,
        "networks.tsv": network_rows(application.compose),
        "document.tsv": document_rows(application.compose, platform),
        "checks.tsv": compile_checks(manifest, unpacked),
        "templates.tsv": [
            {"path": f"config/{f.path}", "mode": f.mode, "format": f.template}
            for f in application.files
            if f.template
        ],
        "modes.tsv": [member for member in others if member.path.startswith(("config/", "files/"))],
        "certificates.tsv": application.certificates,
        "dumps.tsv": application.lifecycle.dumps,
        "probes.tsv": [replace(p, script=f"files/{p.script}") if p.script else p for p in application.probes],
        "probe-words.tsv": [{"probe": p.id, "word": word} for p in application.probes for word in p.command],
        "engine.tsv": _engine_rows(manifest.engine),
    }
    facts = {
        name: forms.header(name) + "".join(forms.row(name, record) for record in rows[name])
        for name in TABLES
    }
    size = sum(member.size for member in others) + sum(len(text.encode()) for text in facts.values())
    values = _bundle_values(manifest, unpacked, size)
    facts[BUNDLE_ENV] = "".join(f"{key}={forms.field(value)}\n" for key, value in values.items())
    return facts


def unpacked_bytes(images: Iterable[ImageEntry]) -> int:
    """Return the bytes of all unpacked layers; each layer has a share of its image, and counts once."""
    layers: dict[str, int] = {}
    for image in images:
        whole = max(1, sum(layer.size for layer in image.layers))
        layers |= {layer.digest: image.unpacked * layer.size // whole for layer in image.layers}
    return sum(layers.values())


def _bundle_values(manifest: InstallerManifest, unpacked: int, size: int) -> dict[str, object]:
    platform = Platform.parse(manifest.platform)
    disk = next((r.minimum for r in manifest.requirements if r.id == "disk"), None)
    return {
        "format": manifest.format,
        "name": manifest.name,
        "version": manifest.version,
        "profile": manifest.profile,
        "title": manifest.title,
        "os": platform.os,
        "arch": platform.architecture,
        "variant": platform.variant,
        "project": manifest.project,
        "created": manifest.created,
        "images_bytes": sum(blob.size for blob in manifest.blobs.values()),
        "unpacked_bytes": unpacked,
        "bundle_bytes": size,
        "data_bytes": disk or 0,
        "health_timeout": manifest.health_timeout,
        "compression": manifest.packing.compression,
        "window": manifest.packing.window,
        "backup_schedule": manifest.backup.schedule,
        "backup_keep": manifest.backup.keep,
        "counter": manifest.release.counter if manifest.release else None,
        "expires": manifest.release.expires if manifest.release else None,
        "grace": manifest.release.grace if manifest.release else 0,
    }


def _image_rows(images: Sequence[ImageEntry], platform: Platform) -> dict[str, list[object]]:
    return {
        "images.tsv": [
            {
                "reference": i.tag,
                "manifest": i.manifest.digest,
                "config": i.config.digest,
                "bytes": i.size,
                "unpacked": i.unpacked,
            }
            for i in images
        ],
        "image-oci.tsv": [
            {"reference": i.tag, "descriptor": compact(index_entry(i, platform))} for i in images
        ],
        "image-archive.tsv": [{"reference": i.tag, "entry": compact(archive_entry(i))} for i in images],
        "blobs.tsv": [
            {"manifest": image.manifest.digest, "blob": blob.digest, "bytes": blob.size, "kind": kind}
            for image in images
            for kind, blobs in (
                ("manifest", (image.manifest,)),
                ("config", (image.config,)),
                ("layer", dict.fromkeys(image.layers)),
            )
            for blob in blobs
        ],
    }


def _service_rows(manifest: InstallerManifest, application: ApplicationModel) -> list[dict[str, str]]:
    replicas = {service.name: service.replicas for service in compose.services(application.compose)}
    return [
        {"service": s.name, "reference": s.tag, "expect": s.expect, "replicas": replicas[s.name]}
        for s in manifest.services
    ]


def _engine_rows(engine: EngineEntry | None) -> Iterator[dict[str, object]]:
    if engine is None:
        return
    for kind, value in (
        ("version", engine.version),
        ("bytes", engine.size),
        ("room", engine.room),
        ("data-root", engine.data_root),
        *(("program", name) for name in engine.programs),
    ):
        if value is not None:
            yield {"kind": kind, "value": value, "name": None}
    for file in engine.files:
        yield {"kind": file.kind, "value": file.path, "name": file.name}
