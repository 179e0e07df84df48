"""The renderer `compose`: writes compose.yaml for the site, and the files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bundler.api.application import ApplicationModel
from bundler.api.compose import DOCUMENT
from bundler.api.output import PinnedService
from bundler.bundle.tar import Member


class ComposeRenderer:
    """Writes the model as the Compose file that the site runs."""

    name = "compose"

    def notes(
        self,
        application: ApplicationModel,  # noqa: ARG002 the document is the model
        images: Sequence[PinnedService],  # noqa: ARG002 likewise
    ) -> list[str]:
        """See `bundler.api.output.Renderer.notes`: nothing is different."""
        return []

    def render(self, application: ApplicationModel, images: Sequence[PinnedService]) -> list[Member]:
        """See `bundler.api.output.Renderer.render`. Services name their images as the site loads them."""
        from bundler_compose.dumper import dump  # noqa: PLC0415 YAML, only for rendering

        pinned = {each.service: each for each in images}
        services = {
            name: {**_pin(entry, pinned.get(name)), "pull_policy": "never"}
            for name, entry in application.compose["services"].items()
        }
        document = {**application.compose, "services": services}
        document.pop("version", None)  # obsolete, and Compose warns about it on each call
        members = [Member.of(DOCUMENT, dump(document).encode())]
        return [*members, *(file.member("config") for file in application.files)]


def _pin(service: Mapping[str, Any], pinned: PinnedService | None) -> Mapping[str, Any]:
    """Return the service with its images as the site loads them.

    A service with zero replicas keeps its references, whose images the bundle lacks: others may depend on it.
    """
    if pinned is None:
        return service
    return {**_pin_others(service, pinned.others), "image": pinned.image}


def _pin_others(service: Mapping[str, Any], tags: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the service with the images that it mounts or starts with, as the site loads them."""
    pinned = dict(service)
    if service.get("volumes"):
        pinned["volumes"] = [
            {**volume, "source": tags[volume["source"]]}
            if isinstance(volume, Mapping) and volume.get("type") == "image"
            else volume
            for volume in service["volumes"]
        ]
    if service.get("pre_start"):
        pinned["pre_start"] = [
            {**hook, "image": tags[hook["image"]]} if hook.get("image") else hook
            for hook in service["pre_start"]
        ]
    return pinned
