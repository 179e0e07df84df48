"""Registers the packer `installer`."""

from __future__ import annotations

from bundler import hookimpl
from bundler.api.output import Packer
from bundler_installer.packer import InstallerPacker


@hookimpl
def bundler_packers() -> list[Packer]:
    """See `bundler.api.hookspecs.bundler_packers`."""
    return [InstallerPacker()]
