"""Hooks that a plugin may implement. Each one registers named providers, which a profile selects by name."""

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
    """Return image sources, selected by `sources:` in the profile and tried in that order."""


@hookspec
def bundler_applications() -> Iterable[Application]:  # type: ignore[empty-body]
    """Return applications, selected by `application:`."""


@hookspec
def bundler_renderers() -> Iterable[Renderer]:  # type: ignore[empty-body]
    """Return renderers of an application's configuration, selected by `targets:`."""


@hookspec
def bundler_signers() -> Iterable[Signer]:  # type: ignore[empty-body]
    """Return signature schemes, selected by `signer:`."""


@hookspec
def bundler_packers() -> Iterable[Packer]:  # type: ignore[empty-body]
    """Return packers, selected by `packer:`."""
