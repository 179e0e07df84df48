"""Registers the application and the renderer `compose`."""

from __future__ import annotations

from bundler import hookimpl
from bundler.api.application import Application
from bundler.api.output import Renderer
from bundler_compose.application import ComposeApplication
from bundler_compose.renderer import ComposeRenderer


@hookimpl
def bundler_applications() -> list[Application]:
    """See `bundler.api.hookspecs.bundler_applications`."""
    return [ComposeApplication()]


@hookimpl
def bundler_renderers() -> list[Renderer]:
    """See `bundler.api.hookspecs.bundler_renderers`."""
    return [ComposeRenderer()]
