"""Settings of Dify's release, and of the images that the table of releases does not list."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from bundler.errors import BundleError, HintedValueError
from bundler.image.reference import Reference
from bundler.profile.base import ProfileModel
from bundler_dify.releases import RELEASES, Release

SOURCE = "see docker/docker-compose.yaml at that release's tag in langgenius/dify"


def _check_pinned(value: str) -> str:
    try:
        tag = Reference.parse(value).tag
    except BundleError as error:
        raise HintedValueError(error.message, hint=error.hint or SOURCE) from error
    if tag is None or not any(character.isdigit() for character in tag):
        raise HintedValueError(f"{value!r} has no version tag", hint=SOURCE)
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
            f"the images of Dify {version} are unknown",
            hint="known releases: " + ", ".join(sorted(RELEASES)),
            at=("version",),
        )
    release = RELEASES[version]
    for name in images.given:
        if name not in release.unknown:
            raise HintedValueError(
                f"Dify {version} requires {getattr(release.images, name)}",
                hint="remove it",
                at=("images", name),
            )
    for name in release.unknown:
        if name not in images.given:
            raise HintedValueError(
                f"the {name} that matches Dify {version} is unknown",
                hint=f"write `images: {{{name}: …}}`; {SOURCE}",
                at=("version",),
            )


def chosen_release(version: str, images: ReleaseImages) -> Release:
    """Return the release with all its images, for checked settings."""
    return RELEASES[version].with_images(images.given)
