"""Makes the data of a report from a verified bundle, or from a plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bundler.api import compose
from bundler.api.output import Description
from bundler.build.pipeline import Plan, PlannedImage
from bundler.bundle.manifest import BundleManifest, ImageEntry
from bundler.image.reference import Reference
from bundler.report import attested, composition
from bundler.report.composition import Composition, Running
from bundler.report.model import Advisory, Blob, Checked, Image, Mount, Port, Report, Variable
from bundler.trust.verify import Verified

KEPT: Final = {
    compose.DOCUMENT: composition.LIMIT,
    attested.SBOM: attested.SBOM_LIMIT,
    attested.PROVENANCE: attested.PROVENANCE_LIMIT,
}
"""Files of a bundle that a report reads, and the most bytes that each may have."""


def of_bundle(found: Verified, file: str, description: Description, claimed: tuple[str, ...]) -> Report:
    """Return the report of a bundle.

    Args:
        found: the bundle, verified, with the files of `KEPT`.
        file: name of its file.
        description: by the packer that wrote it.
        claimed: fingerprints of the keys in the bundle, if its signatures were not checked.

    Raises:
        VerificationError: a file of `KEPT` cannot be read.
    """
    manifest, kept = found.manifest, found.kept
    document = kept.get(compose.DOCUMENT)
    running = [Running(each.name, each.tag, each.expect) for each in manifest.services]
    shown = composition.read(composition.parse(document) if document else {}, running)
    sbom, provenance = kept.get(attested.SBOM), kept.get(attested.PROVENANCE)
    return Report(
        title=manifest.title,
        name=manifest.name,
        version=manifest.version,
        profile=manifest.profile,
        platform=manifest.platform,
        project=manifest.project,
        file=file,
        size=found.size,
        created=manifest.created,
        compression=manifest.packing.compression,
        packed=manifest.packing.packed_bytes,
        kept=manifest.packing.kept_bytes,
        images=_images_of_bundle(manifest),
        documented=document is not None,
        services=shown.services,
        networks=shown.networks,
        volumes=shown.volumes,
        secrets=shown.secrets,
        ports=tuple(Port(each.service, each.address, each.port, each.protocol) for each in manifest.ports),
        mounts=tuple(
            Mount(each.service, each.target, each.kind, each.place, each.read_only)
            for each in manifest.mounts
        ),
        variables=tuple(
            _variable(each.name, each.kind, each.default, each.generator, required=each.required)
            for each in manifest.variables
        ),
        requirements=description.requirements,
        checks=description.checks,
        notes=description.lines,
        contained=attested.read_sbom(sbom) if sbom else None,
        advisories=tuple(
            Advisory(each.path, each.kind, each.date or "", each.counts) for each in manifest.advisories
        ),
        provenance=attested.read_provenance(provenance) if provenance else None,
        checked=Checked(found.files, tuple(key.fingerprint for key in found.signers), claimed),
    )


def _images_of_bundle(manifest: BundleManifest) -> tuple[Image, ...]:
    users = _users((each.name, each.tag) for each in manifest.services)
    return tuple(_image_of_bundle(image, users.get(image.tag, ())) for image in manifest.images)


def _image_of_bundle(image: ImageEntry, services: tuple[str, ...]) -> Image:
    return Image(
        name=image.tag,
        digest=image.origin,
        platform=image.platform,
        size=image.size,
        unpacked=image.unpacked,
        layers=tuple(Blob(layer.digest, layer.size) for layer in image.layers),
        documents=tuple(Blob(blob.digest, blob.size) for blob in (image.manifest, image.config)),
        services=services,
    )


def of_plan(plan: Plan, profile: str) -> Report:
    """Return the report of what a build of the profile with this name would make."""
    application = plan.application
    services = compose.services(application.compose)
    running = [
        Running(each.name, Reference.parse(each.image).tagged, each.expect, each.replicas)
        for each in services
    ]
    shown: Composition = composition.read(application.compose, running)
    users = _users((each.name, each.image) for each in running)
    packed = plan.compact if plan.compaction else plan.total
    return Report(
        title=application.title,
        name=application.name,
        version=application.version,
        profile=profile,
        platform=str(plan.platform),
        project=compose.project_name(application.compose, application.name),
        file=None,
        size=packed,
        created=None,
        compression="compact" if plan.compaction else "keep",
        packed=packed,
        kept=plan.total,
        images=tuple(
            _planned(each, users.get(each.image.reference.tagged, ()))
            for each in sorted(plan.images, key=lambda each: str(each.image.reference))
        ),
        documented=True,
        services=shown.services,
        networks=shown.networks,
        volumes=shown.volumes,
        secrets=shown.secrets,
        ports=tuple(
            Port(each.service, each.address or "-", each.port, each.protocol)
            for each in compose.ports(application.compose)
        ),
        mounts=tuple(
            Mount(each.service, each.target, each.kind, each.place, each.read_only)
            for each in application.mounts
        ),
        variables=tuple(
            _variable(each.name, each.kind, each.default, each.generator, required=each.required)
            for each in application.variables
        ),
        requirements=plan.packer.requirements,
        checks=plan.packer.checks,
        notes=plan.packer.lines,
        contained=None,
        advisories=(),
        provenance=None,
        checked=None,
    )


def _planned(planned: PlannedImage, services: tuple[str, ...]) -> Image:
    image = planned.image
    layers: tuple[Blob, ...] = ()
    documents: tuple[Blob, ...] = ()
    if image.manifest is not None:
        layers = tuple(Blob(layer.digest, layer.size) for layer in image.manifest.layers)
        documents = tuple(
            Blob(blob.digest, blob.size) for blob in (image.manifest.descriptor, image.manifest.config)
        )
    return Image(
        name=image.reference.tagged,
        digest=image.digest,
        platform=str(image.platform) if image.platform else None,
        size=image.size,
        unpacked=None,
        layers=layers,
        documents=documents,
        services=services,
    )


def _users(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return the names of the services that run each image; the pairs are service and image."""
    users: dict[str, tuple[str, ...]] = {}
    for service, image in pairs:
        users[image] = (*users.get(image, ()), service)
    return users


def _variable(
    name: str, kind: str, default: str | None, generator: str | None, *, required: bool
) -> Variable:
    """Return a variable; what a bundle says is the default of a secret is not shown."""
    return Variable(name, kind, required, None if kind == "secret" else default, generator)
