"""The facts of bundle.json, flat, for a shell without a JSON parser: docs/bundle-format.md, "Flat files"."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from bundler.contracts import ApplicationModel
from bundler.errors import BundleError
from bundler.layout import archive_entry, compact, index_entry
from bundler.manifest import BundleManifest, EngineEntry
from bundler.oci import Platform
from bundler_installer.checks import compile_checks, network_rows

HEADERS = {
    "images.tsv": "reference manifest config bytes unpacked",
    "image-oci.tsv": "reference descriptor",
    "image-archive.tsv": "reference entry",
    "blobs.tsv": "manifest blob bytes kind",
    "services.tsv": "service reference expect",
    "ports.tsv": "service address port protocol",
    "networks.tsv": "name subnet",
    "checks.tsv": "id group required recommended parameter",
    "variables.tsv": "name kind required default generator pattern choices prompt_en prompt_zh",
    "templates.tsv": "path mode",
    "data.tsv": "path mode uid gid",
    "certificates.tsv": "host certificate key self_signed certificate_path key_path",
    "dumps.tsv": "id service backup restore",
    "lifecycle.tsv": "what name",
    "engine.tsv": "kind value name",
}


def flat_facts(manifest: BundleManifest, application: ApplicationModel, other_bytes: int) -> dict[str, str]:
    """Every flat file, by name.

    Args:
        manifest: what to flatten.
        application: has the parts that bundle.json leaves out (prompts, templates, folders).
        other_bytes: bytes of the bundle's other files.

    Raises:
        BundleError: a field holds a control character.
    """
    platform = Platform.parse(manifest.platform)
    layers: dict[str, int] = {}
    for image in manifest.images:
        whole = max(1, sum(layer.size for layer in image.layers))
        layers |= {layer.digest: image.unpacked * layer.size // whole for layer in image.layers}
    rows: dict[str, Iterable[Iterable[object]]] = {
        "images.tsv": [
            (i.tag, i.manifest.digest, i.config.digest, i.size, i.unpacked) for i in manifest.images
        ],
        "image-oci.tsv": [(i.tag, compact(index_entry(i, platform))) for i in manifest.images],
        "image-archive.tsv": [(i.tag, compact(archive_entry(i))) for i in manifest.images],
        "blobs.tsv": [
            (image.manifest.digest, blob.digest, blob.size, kind)
            for image in manifest.images
            for kind, blobs in (
                ("manifest", (image.manifest,)),
                ("config", (image.config,)),
                ("layer", dict.fromkeys(image.layers)),
            )
            for blob in blobs
        ],
        "services.tsv": [(s.name, s.tag, s.expect) for s in manifest.services],
        "ports.tsv": [(p.service, p.address, p.port, p.protocol) for p in manifest.ports],
        "networks.tsv": network_rows(application.compose),
        "checks.tsv": compile_checks(manifest, sum(layers.values())),
        "variables.tsv": [
            (
                v.name,
                v.kind,
                "yes" if v.required else "no",
                v.default,
                v.generator,
                v.pattern,
                ",".join(v.choices),
                v.prompt_en,
                v.prompt_zh,
            )
            for v in application.variables
        ],
        "templates.tsv": [(f"config/{f.path}", f"{f.mode:04o}") for f in application.files if f.template],
        "data.tsv": [(d.path, f"{d.mode:04o}", d.uid, d.gid) for d in application.data],
        "certificates.tsv": [
            (c.host, c.certificate, c.key, c.self_signed, c.certificate_path, c.key_path)
            for c in application.certificates
        ],
        "dumps.tsv": [(d.id, d.service, d.backup, d.restore) for d in application.lifecycle.dumps],
        "lifecycle.tsv": [
            (what, name)
            for what in ("quiesce", "dumped", "disposable", "migrations")
            for name in getattr(application.lifecycle, what)
        ],
        "engine.tsv": _engine_rows(manifest.engine),
    }
    facts = {
        name: "#" + header.replace(" ", "\t") + "\n" + "".join(map(_row, rows[name]))
        for name, header in HEADERS.items()
    }
    size = other_bytes + sum(len(text.encode()) for text in facts.values())
    disk = next((r.minimum for r in manifest.requirements if r.id == "disk"), None)
    values = {
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
        "unpacked_bytes": sum(layers.values()),
        "bundle_bytes": size,
        "data_bytes": disk or 0,
        "health_timeout": manifest.health_timeout,
        "compression": manifest.packing.compression,
        "window": manifest.packing.window,
        "backup_schedule": manifest.backup.schedule,
        "backup_keep": manifest.backup.keep,
    }
    facts["bundle.env"] = "".join(f"{key}={_field(value)}\n" for key, value in values.items())
    return facts


def _engine_rows(engine: EngineEntry | None) -> Iterator[tuple[str, str | int | None, str | None]]:
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
            yield kind, value, None
    for file in engine.files:
        yield file.kind, file.path, file.name


def _row(fields: Iterable[object]) -> str:
    return "\t".join(map(_field, fields)) + "\n"


def _field(value: object) -> str:
    text = "" if value is None else str(value)
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise BundleError(
            f"{text!r}: a line break, tab or control character where the installer reads one line",
            hint="write it on one line",
        )
    return text or "-"
