"""Facts of bundle.json as flat files, for a shell without JSON parser: docs/reference/bundle-format.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bundler.api.application import ApplicationModel
from bundler.bundle.layout import archive_entry, compact, index_entry
from bundler.bundle.manifest import BundleManifest, EngineEntry
from bundler.bundle.tar import Member
from bundler.image.oci import Platform
from bundler_installer import forms
from bundler_installer.checks import compile_checks, network_rows
from bundler_installer.probes import check_probes


def application_rows(application: ApplicationModel) -> dict[str, list[tuple[object, ...]]]:
    """Table -> rows, of the tables that the application alone decides, and an adoption reads."""
    return {
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
        "data.tsv": [(d.path, f"{d.mode:04o}", d.uid, d.gid) for d in application.data],
        "lifecycle.tsv": [
            (what, name)
            for what in ("quiesce", "dumped", "disposable", "migrations")
            for name in getattr(application.lifecycle, what)
        ],
        "adopt.tsv": [(a.what, a.service, a.name, a.to, a.how, a.zh) for a in application.adoption],
    }


def flat_facts(
    manifest: BundleManifest, application: ApplicationModel, others: Sequence[Member]
) -> dict[str, str]:
    """Every flat file, by name.

    Args:
        manifest: what to flatten.
        application: has the parts that bundle.json leaves out (prompts, templates, folders).
        others: the bundle's other files.

    Raises:
        BundleError: a field has another form than the site accepts, or a probe names what is not there.
    """
    check_probes(application)
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
        **application_rows(application),
        "services.tsv": [(s.name, s.tag, s.expect) for s in manifest.services],
        "ports.tsv": [(p.service, p.address, p.port, p.protocol) for p in manifest.ports],
        "networks.tsv": network_rows(application.compose),
        "checks.tsv": compile_checks(manifest, sum(layers.values())),
        "templates.tsv": [
            (f"config/{f.path}", f"{f.mode:04o}", f.template) for f in application.files if f.template
        ],
        "modes.tsv": [
            (member.path, f"{member.mode:04o}")
            for member in others
            if member.path.startswith(("config/", "files/"))
        ],
        "certificates.tsv": [
            (c.host, c.certificate, c.key, c.self_signed, c.certificate_path, c.key_path)
            for c in application.certificates
        ],
        "dumps.tsv": [(d.id, d.service, d.backup, d.restore) for d in application.lifecycle.dumps],
        "probes.tsv": [
            (
                p.id,
                p.service,
                p.limit,
                p.script and f"files/{p.script}",
                p.when,
                p.title_en,
                p.title_zh,
                p.remedy_en,
                p.remedy_zh,
            )
            for p in application.probes
        ],
        "probe-words.tsv": [(p.id, word) for p in application.probes for word in p.command],
        "engine.tsv": _engine_rows(manifest.engine),
    }
    facts = {
        name: forms.header(name) + "".join(forms.row(name, fields) for fields in rows[name])
        for name in forms.TABLES
    }
    size = sum(member.size for member in others) + sum(len(text.encode()) for text in facts.values())
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
        "counter": manifest.release.counter if manifest.release else None,
        "expires": manifest.release.expires if manifest.release else None,
        "grace": manifest.release.grace if manifest.release else 0,
    }
    facts["bundle.env"] = "".join(f"{key}={forms.field(value)}\n" for key, value in values.items())
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
