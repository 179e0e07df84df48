"""The hooks that a plugin may implement. Each registers named providers; a profile selects them by name."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from bundler.api.application import Application
from bundler.api.images import SourceFactory
from bundler.api.output import Packer, Renderer
from bundler.api.signing import Signer

hookspec = pluggy.HookspecMarker("bundler")


@hookspec
def bundler_sources() -> Iterable[SourceFactory]:  # type: ignore[empty-body]
    """Image sources, selected by `sources:` in the profile, asked in that order."""


@hookspec
def bundler_applications() -> Iterable[Application]:  # type: ignore[empty-body]
    """Applications, selected by `application:`."""


@hookspec
def bundler_renderers() -> Iterable[Renderer]:  # type: ignore[empty-body]
    """Renderers of an application's configuration, selected by `renderer:`."""


@hookspec
def bundler_signers() -> Iterable[Signer]:  # type: ignore[empty-body]
    """Signature schemes, selected by `signer:`."""


@hookspec
def bundler_packers() -> Iterable[Packer]:  # type: ignore[empty-body]
    """Packers, selected by `packer:`."""
