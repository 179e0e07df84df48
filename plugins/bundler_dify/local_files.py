"""Files of this machine that the settings name."""

from __future__ import annotations

from pathlib import Path

from bundler.errors import BundleError


def read_file(path: Path, key: str) -> bytes:
    """The file's bytes.

    Args:
        path: absolute.
        key: of the settings that name it, for the error.

    Raises:
        BundleError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{path}: settings: {key}: cannot be read: {error.strerror}",
            hint="relative paths start from the folder of the profile",
        ) from error
