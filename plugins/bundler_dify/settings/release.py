"""Settings of Dify's release, and of the images that the table of releases does not list."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from bundler.errors import BundleError, HintedValueError
from bundler.image.reference import Reference
from bundler.language import tr, tr_later
from bundler.profile.base import ProfileModel
from bundler_dify.releases import RELEASES, Release

SOURCE = tr_later("see docker/docker-compose.yaml at that release's tag in langgenius/dify")


def _check_pinned(value: str) -> str:
    try:
        tag = Reference.parse(value).tag
    except BundleError as error:
        raise HintedValueError(error.message, hint=error.hint or tr(SOURCE)) from error
    if tag is None or not any(character.isdigit() for character in tag):
        raise HintedValueError(tr("{value!r} has no version tag", value=value), hint=tr(SOURCE))
    return value


PinnedImage = Annotated[str, AfterValidator(_check_pinned)]
"""An image with a version tag."""


class ReleaseImages(ProfileModel):
    """Images that the table of releases does not list. Listed images cannot be set."""

    plugin_daemon: PinnedImage | None = None
    """The plugin daemon, in its `-local` variant."""
    sandbox: PinnedImage | None = None
    """The sandbox of Code nodes."""

    @property
    def given(self) -> dict[str, str]:
        """The images that the profile sets, by name."""
        return self.model_dump(exclude_none=True)


def check_release(version: str, images: ReleaseImages) -> None:
    """Refuse an unknown release, missing images, and images that cannot be set.

    Raises:
        HintedValueError: one of these applies.
    """
    if version not in RELEASES:
        raise HintedValueError(
            tr("the images of Dify {version} are unknown", version=version),
            hint=tr("known releases: {names}", names=", ".join(sorted(RELEASES))),
            at=("version",),
        )
    release = RELEASES[version]
    for name in images.given:
        if name not in release.unknown:
            raise HintedValueError(
                tr(
                    "Dify {version} requires {image}",
                    version=version,
                    image=getattr(release.images, name),
                ),
                hint=tr("remove it"),
                at=("images", name),
            )
    for name in release.unknown:
        if name not in images.given:
            raise HintedValueError(
                tr("the {name} that matches Dify {version} is unknown", name=name, version=version),
                hint=tr("write `images: {{{name}: …}}`; {source}", name=name, source=tr(SOURCE)),
                at=("version",),
            )


def chosen_release(version: str, images: ReleaseImages) -> Release:
    """Return the release with all its images, for checked settings."""
    return RELEASES[version].with_images(images.given)
