"""Registers the image source `registry`."""

from __future__ import annotations

from bundler import hookimpl
from bundler.contracts import ImageSource, SourceFactory, SourceOptions


class RegistrySourceFactory:
    """Makes a `RegistrySource` for one run."""

    name = "registry"

    def __call__(self, options: SourceOptions) -> ImageSource:
        """See `bundler.contracts.SourceFactory`."""
        from bundler_registry.source import RegistrySource  # noqa: PLC0415 urllib3 costs 50 ms: who fetches pays

        return RegistrySource(options)


@hookimpl
def bundler_sources() -> list[SourceFactory]:
    """See `bundler.hookspecs.bundler_sources`."""
    return [RegistrySourceFactory()]
