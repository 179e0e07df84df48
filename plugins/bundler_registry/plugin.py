"""Registers the image source `registry`."""

from __future__ import annotations

from bundler import hookimpl
from bundler.api.images import ImageSource, SourceFactory, SourceOptions


class RegistrySourceFactory:
    """Creates a `RegistrySource` for one run."""

    name = "registry"

    def __call__(self, options: SourceOptions) -> ImageSource:
        """See `bundler.api.images.SourceFactory`."""
        # importing TLS takes 10 ms and urllib3 50 ms, so commands that fetch nothing do not import them;
        # the certificate authorities are read while urllib3 is imported
        from bundler.net.tls import Certificates  # noqa: PLC0415 see above

        certificates = Certificates(options.ca_file)
        if not options.offline:
            certificates.read_ahead()
        from bundler_registry.source import RegistrySource  # noqa: PLC0415 see above

        return RegistrySource(options, certificates=certificates)


@hookimpl
def bundler_sources() -> list[SourceFactory]:
    """See `bundler.api.hookspecs.bundler_sources`."""
    return [RegistrySourceFactory()]
