"""Registers the renderer `kubernetes`."""

from __future__ import annotations

from bundler import hookimpl
from bundler.api.output import Renderer
from bundler_kubernetes.renderer import KubernetesRenderer


@hookimpl
def bundler_renderers() -> list[Renderer]:
    """See `bundler.api.hookspecs.bundler_renderers`."""
    return [KubernetesRenderer()]
