"""The renderer `compose`: writes compose.yaml for the site, and the files beside it."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.api.application import ApplicationModel
from bundler.api.output import PinnedService
from bundler.bundle.tar import Member


class ComposeRenderer:
    """Writes the model as the Compose file that the site runs."""

    name = "compose"

    def render(self, application: ApplicationModel, images: Sequence[PinnedService]) -> list[Member]:
        """See `bundler.api.output.Renderer.render`. Services name their images as the site loads them."""
        from bundler_compose.dumper import dump  # noqa: PLC0415 YAML, only for rendering

        entries = application.compose["services"]
        services = {
            pinned.service: {**entries[pinned.service], "image": pinned.image, "pull_policy": "never"}
            for pinned in images
        }
        document = {**application.compose, "services": services}
        document.pop("version", None)  # obsolete, and Compose warns about it on each call
        members = [Member.of("config/compose.yaml", dump(document).encode())]
        return [*members, *(file.member("config") for file in application.files)]
