"""What writes the bundle: the renderer of the configuration, and the packer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from bundler.api.application import ApplicationModel
    from bundler.bundle.manifest import BundleManifest
    from bundler.bundle.tar import Member


@dataclass(frozen=True)
class PinnedService:
    """A service and the image that it runs, by the name that the site's engine will know."""

    service: str
    image: str


@runtime_checkable
class Renderer(Protocol):
    """Writes the application's configuration for a target (Compose, later Kubernetes)."""

    name: str

    def render(self, application: ApplicationModel, images: Sequence[PinnedService]) -> list[Member]:
        """The files under `config/`."""


@runtime_checkable
class Packer(Protocol):
    """Makes the bundle a thing that installs itself."""

    name: str

    def members(
        self, manifest: BundleManifest, application: ApplicationModel, others: Sequence[Member]
    ) -> list[Member]:
        """The packer's own files: `install` and the flat facts. `others` are all other files."""

    def sidecars(self, members: Sequence[Member]) -> list[Member]:
        """Small files beside the bundle, to be sent ahead of it; made of its unsigned members.

        A path has no `/`: it becomes `<bundle>.<path>`, with `<bundle>.<path>.sha256` beside it.
        """
