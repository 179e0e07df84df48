"""Registers the image sources `docker` and `archive`."""

from __future__ import annotations

from bundler import hookimpl
from bundler.api.images import ImageSource, SourceFactory, SourceOptions


class DockerSourceFactory:
    """Creates a `DockerSource` for one run."""

    name = "docker"

    def __call__(self, options: SourceOptions) -> ImageSource:
        """See `bundler.api.images.SourceFactory`."""
        from bundler_docker.engine import DockerSource  # noqa: PLC0415 the SDK takes 150 ms

        return DockerSource(options)


class ArchiveSourceFactory:
    """Creates an `ArchiveSource` for one run."""

    name = "archive"

    def __call__(self, options: SourceOptions) -> ImageSource:
        """See `bundler.api.images.SourceFactory`."""
        from bundler_docker.archives import ArchiveSource  # noqa: PLC0415 likewise

        return ArchiveSource(options)


@hookimpl
def bundler_sources() -> list[SourceFactory]:
    """See `bundler.api.hookspecs.bundler_sources`."""
    return [DockerSourceFactory(), ArchiveSourceFactory()]
