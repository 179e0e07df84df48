"""Which platform each image must be for, and whether it is made for it."""

from __future__ import annotations

from functools import partial

from bundler.api import compose
from bundler.api.application import ApplicationModel
from bundler.api.images import ImageSource, ResolvedImage
from bundler.errors import BundleError, FetchError
from bundler.image.oci import ImageConfig, Manifest
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.language import tr
from bundler.store.blobs import Store
from bundler.store.receiver import Receiver, naming


def platforms(application: ApplicationModel, platform: Platform) -> dict[Reference, Platform]:
    """Return the platform of each image: the `platform:` of the service that runs it, or else the bundle's.

    Images that services only mount, or run before they start, are the bundle's: docker/compose,
    `pullRequiredImages` and `addPreStartHookPulls` in pkg/compose/pull.go at f729794.

    Raises:
        BundleError: a platform is not of the bundle's operating system, or one image is for two platforms.
    """
    found: dict[Reference, Platform] = {}
    for service in compose.services(application.compose):
        own = Platform.parse(service.platform) if service.platform else platform
        if own.os != platform.os:
            raise BundleError(
                tr(
                    "service {service_name}: platform: {own} cannot run on a server for {platform}",
                    service_name=service.name,
                    own=own,
                    platform=platform,
                ),
                hint=tr("remove `platform:`, or build for another --platform"),
            )
        known = found.setdefault(Reference.parse(service.image), own)
        if known != own:
            raise BundleError(
                tr(
                    "service {service_name}: platform: {own}, but another service runs {image} for {known}",
                    service_name=service.name,
                    own=own,
                    image=service.image,
                    known=known,
                ),
                hint=tr("a site has one image of a name: give one of the two services another tag"),
            )
    for _, entry in compose.running(application.compose):
        for image in compose.other_images(entry):
            found.setdefault(Reference.parse(image), platform)
    return found


def check_platform(config: ImageConfig, where: str, platform: Platform, *, of_service: bool) -> Platform:
    """Return the platform that the image is made for.

    Args:
        config: the image's config.
        where: the image's name.
        platform: what the image must be for.
        of_service: whether a service asks for the platform; otherwise, the bundle does.

    Raises:
        FetchError: the image is for another platform.
    """
    made_for = config.platform.completed(platform)
    if not platform.accepts(made_for):
        wanted = (
            tr("its service has `platform: {platform}`", platform=platform)
            if of_service
            else tr("the bundle is for {platform}", platform=platform)
        )
        raise FetchError(
            tr("made for {made_for}, but {wanted}", made_for=made_for, wanted=wanted),
            about=where,
            hint=tr("choose another --platform, or an image built for this platform"),
        )
    return made_for


def read_config(
    image: ResolvedImage, manifest: Manifest, source: ImageSource | None, store: Store, *, keep: bool
) -> ImageConfig:
    """Read the image's config from the store, or else from the source.

    Args:
        image: the image.
        manifest: its manifest.
        source: where to get the config if it is not in the store; None if the store must have it.
        store: the store.
        keep: keep the config in the store.

    Raises:
        FetchError: the config is unavailable or invalid.
    """
    blob, where = manifest.config, image.reference.familiar
    if source is None or store.has(blob):
        return ImageConfig.parse(store.read(blob.digest), where)
    open_at = partial(source.open_blob, image, blob)
    data = bytearray()
    with naming(where):
        if keep:
            store.fetch(blob, open_at, lambda _: None)
            data += store.read(blob.digest)
        else:
            receiver = Receiver(blob.digest, blob.size, data.extend)
            receiver.receive(open_at, None, lambda _: None)
    return ImageConfig.parse(bytes(data), where)
