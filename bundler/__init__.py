"""Carries containerised applications into places without internet."""

import pluggy

__version__ = "0.1.0"

hookimpl = pluggy.HookimplMarker("bundler")
"""Marks a function of a plugin as an implementation of one of `bundler.api.hookspecs`."""
