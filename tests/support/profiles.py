"""Load profiles as the builder does, with the installer's sections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bundler.profile import load
from bundler.profile.load import LoadedProfile
from bundler_installer.profile import InstallerProfile


def load_profile(
    name: str, *, overrides: Sequence[str] = (), search: Sequence[Path] | None = None
) -> LoadedProfile:
    """Load a profile as `bundler.profile.load.load_profile` does, with the installer as packer."""
    return load.load_profile(name, overrides=overrides, search=search, model=lambda _: InstallerProfile)


def installer_profile(loaded: LoadedProfile) -> InstallerProfile:
    """Return a loaded profile with the installer's sections."""
    assert isinstance(loaded.profile, InstallerProfile)
    return loaded.profile
