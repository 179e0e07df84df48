"""What is different with each target of a profile."""

from __future__ import annotations

from bundler.api.application import ApplicationModel
from bundler.api.plugins import Plugins
from bundler.build.render import pin
from bundler.errors import BundleError
from bundler.image.platform import Platform
from bundler.profile.load import LoadedProfile


def find_notes(
    loaded: LoadedProfile, plugins: Plugins, application: ApplicationModel, platform: Platform
) -> dict[str, list[str]]:
    """Return what is different with each target, as far as that is known without the images.

    Raises:
        BundleError: the application cannot run on one; the message begins with its place in the profile.
    """
    found = {}
    services = pin(application, platform, {})
    for number, name in enumerate(loaded.profile.targets):
        try:
            found[name] = plugins.renderer(name).notes(application, services)
        except BundleError as error:
            where = f"{loaded.origin(f'targets.{number}')}: targets: {name}: {error.message}"
            raise BundleError(where, hint=error.hint) from error
    return found
