"""Delivers containerised applications to sites without internet access."""

import pluggy

__version__ = "0.1.0"

hookimpl = pluggy.HookimplMarker("bundler")
"""Marks a plugin's function as an implementation of a hook in `bundler.api.hookspecs`."""
