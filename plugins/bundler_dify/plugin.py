"""Registers the application `dify`."""

from __future__ import annotations

from bundler import hookimpl
from bundler.api.application import Application
from bundler_dify.application import DifyApplication


@hookimpl
def bundler_applications() -> list[Application]:
    """See `bundler.api.hookspecs.bundler_applications`."""
    return [DifyApplication()]
