"""Renders an application with its pinned images into all files of the bundle except signatures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bundler import __version__
from bundler.api import compose
from bundler.api.application import ApplicationModel, ConfigFile
from bundler.api.output import ImageFacts, PackContext, Packer, PinnedService, Preparation, Renderer
from bundler.build.advisories import Advisories
from bundler.build.contents import LayerContents
from bundler.build.fetch import FetchedImage
from bundler.build.images import PackedImages
from bundler.bundle import cyclonedx, spdx
from bundler.bundle.attestations import provenance
from bundler.bundle.manifest import (
    FORMAT,
    MANIFEST,
    MANIFEST_LIMIT,
    BundleManifest,
    MountEntry,
    PortEntry,
    Provenance,
    ServiceEntry,
    SoftwareEntry,
    VariableEntry,
)
from bundler.bundle.names import PathError, PathSet, show_path
from bundler.bundle.tar import Member
from bundler.errors import BundleError
from bundler.image.oci import Descriptor
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.language import tr

_WORD = re.compile(r"[a-z0-9][a-z0-9._-]*")
EARLIEST = 315532800
"""1980-01-01, the earliest time that zip can represent: used if no creation time is known."""


@dataclass(frozen=True)
class Rendering:
    """Input of the render stage, except the application and its images."""

    profile: str
    profile_sha256: str
    platform: Platform
    carried: Sequence[ConfigFile]
    statements: Sequence[Member]
    epoch: int | None
    renderers: Sequence[Renderer]
    packer: Packer
    context: PackContext
    preparation: Preparation
    layer: Callable[[Descriptor], Path | None]
    """Returns the file of a layer; None if it is not on this machine."""
    software: spdx.Software | None = None
    advisories: Advisories = Advisories()  # noqa: RUF009 frozen


@dataclass(frozen=True)
class Rendered:
    """All files except the signatures, the manifest that describes them, and the sidecars."""

    manifest: BundleManifest
    members: list[Member]
    sidecars: list[Member]
    notes: Mapping[str, Sequence[str]]
    """What is different with each target, by its name."""

    @property
    def top(self) -> str:
        """Return the name of the bundle's top folder, which is also the base name of its file."""
        return self.manifest.top


def render(
    application: ApplicationModel,
    images: Sequence[FetchedImage],
    packed: PackedImages,
    rendering: Rendering,
) -> Rendered:
    """Write the manifest, the configuration and the attestations.

    Raises:
        BundleError: a name is not valid in the format, two files have one path, or bundle.json is too large.
    """
    for what, word in (
        (tr("application name"), application.name),
        ("version", application.version),
        ("profile", rendering.profile),
    ):
        if not _WORD.fullmatch(word):
            raise BundleError(
                tr("the {what} {word!r} cannot be part of a bundle's name", what=what, word=word),
                hint=tr(
                    "use only lower-case letters, digits, '.', '_' and '-', starting with a letter or digit"
                ),
            )
    preparation = rendering.preparation
    application = replace(application, requirements=(*application.requirements, *packed.requirements))
    manifest = rendering.packer.complete(
        _manifest(application, images, packed, rendering),
        replace(rendering.context, application=application),
        preparation,
    )
    facts = {image.resolved.reference: _facts(image, rendering.layer) for image in images}
    services = pin(application, rendering.platform, facts)
    notes = {each.name: each.notes(application, services) for each in rendering.renderers}
    members = [member for each in rendering.renderers for member in each.render(application, services)]
    carried = (*application.carried, *rendering.carried, *preparation.files)
    members += [file.member("files") for file in carried]
    members += [
        Member.of(spdx.PATH, spdx.sbom(manifest, preparation.components, rendering.software)),
        Member.of(cyclonedx.PATH, _cyclonedx(manifest, rendering)),
        Member.of("attestations/provenance.json", provenance(manifest, preparation.components)),
        *rendering.advisories.members,
    ]
    members += [*rendering.statements, *packed.members]
    members.append(manifest_member(manifest))
    members += rendering.packer.members(manifest, application, members)
    check_members(members)
    return Rendered(manifest, members, rendering.packer.sidecars(members), notes)


def pin(
    application: ApplicationModel, platform: Platform, facts: Mapping[Reference, ImageFacts]
) -> list[PinnedService]:
    """Return the services with the tags of their images, and with what is known of these.

    Args:
        application: the application.
        platform: that of the bundle.
        facts: what images say, by reference, as far as they were read.
    """
    pinned = []
    for service, entry in compose.running(application.compose):
        reference = Reference.parse(service.image)
        others = {image: Reference.parse(image).tagged for image in compose.other_images(entry)}
        pinned.append(
            PinnedService(
                service.name,
                reference.tagged,
                others,
                Platform.parse(service.platform) if service.platform else platform,
                facts.get(reference),
            )
        )
    return pinned


def _facts(image: FetchedImage, layer: Callable[[Descriptor], Path | None]) -> ImageFacts:
    layers = [layer(each) for each in image.manifest.layers]
    there = [path for path in layers if path is not None]
    contents = LayerContents(there) if len(there) == len(layers) else None
    return ImageFacts(image.config.user, image.config.exposed, contents, image.config.healthcheck)


def manifest_member(manifest: BundleManifest) -> Member:
    """Return bundle.json.

    Raises:
        BundleError: it is larger than what verifies bundles reads.
    """
    raw = manifest.to_bytes()
    if len(raw) > MANIFEST_LIMIT:
        raise BundleError(
            tr(
                "{file}: it would have {size} bytes; with more than {limit} MiB, no bundle can be verified",
                file=MANIFEST,
                size=len(raw),
                limit=MANIFEST_LIMIT >> 20,
            ),
            hint=tr(
                "split the application into several bundles, with fewer images, services and settings each"
            ),
        )
    return Member.of(MANIFEST, raw)


def check_members(members: Sequence[Member]) -> None:
    """Refuse paths that a site could misread, and those that collide on some file systems.

    Raises:
        BundleError: a path is refused; the message names the file, by its path on this machine if it has one.
    """
    paths = PathSet()
    for member in members:
        try:
            paths.add(member.path)
        except PathError as error:
            where = show_path(member.path)
            if member.content.file is not None:
                where = f"{show_path(str(member.content.file))}: {where}"
            raise BundleError(f"{where}: {error}", hint=error.hint) from error


def _cyclonedx(manifest: BundleManifest, rendering: Rendering) -> bytes:
    digests = [(member.path, member.sha256) for member in rendering.advisories.members]
    return cyclonedx.sbom(manifest, rendering.preparation.components, rendering.software, digests)


def _software(packed: PackedImages, software: spdx.Software) -> tuple[SoftwareEntry, ...]:
    return tuple(
        SoftwareEntry(tag=image.tag, packages=found.counts, gaps=found.gaps)
        for image in packed.images
        for found in (software[image.origin],)
    )


def _manifest(
    application: ApplicationModel,
    images: Sequence[FetchedImage],
    packed: PackedImages,
    rendering: Rendering,
) -> BundleManifest:
    created = rendering.epoch
    if created is None:
        created = max([EARLIEST, *(image.config.created for image in images)])
    _check_names(images)
    return BundleManifest(
        format=FORMAT,
        name=application.name,
        version=application.version,
        title=application.title,
        profile=rendering.profile,
        platform=str(rendering.platform),
        project=compose.project_name(application.compose, application.name),
        created=created,
        images=packed.images,
        services=tuple(
            ServiceEntry(
                name=service.name,
                tag=Reference.parse(service.image).tagged,
                expect=service.expect,
            )
            for service in compose.services(application.compose)
        ),
        ports=tuple(
            PortEntry(
                service=port.service, address=port.address or "-", port=port.port, protocol=port.protocol
            )
            for port in compose.ports(application.compose)
        ),
        variables=tuple(
            VariableEntry(
                name=variable.name,
                kind=variable.kind,
                required=variable.required,
                default=variable.default,
                generator=variable.generator,
            )
            for variable in application.variables
        ),
        mounts=tuple(MountEntry(**vars(mount)) for mount in application.mounts),
        software=() if rendering.software is None else _software(packed, rendering.software),
        advisories=rendering.advisories.entries,
        targets=tuple(each.name for each in rendering.renderers),
        packing=packed.packing,
        provenance=Provenance(builder=f"bundler {__version__}", profile_sha256=rendering.profile_sha256),
    )


def _check_names(images: Sequence[FetchedImage]) -> None:
    tags: dict[str, str] = {}
    for image in images:
        tag = image.resolved.reference.tagged
        digest = image.manifest.descriptor.digest
        if tags.setdefault(tag, digest) != digest:
            raise BundleError(
                tr("{tag}: two images of the application would have this name at the site", tag=tag),
                hint=tr("give one of them a different tag"),
            )
