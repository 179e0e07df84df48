"""Reads local files that the settings name."""

from __future__ import annotations

from pathlib import Path

from bundler.errors import BundleError
from bundler.language import tr


def read_file(path: Path, key: str) -> bytes:
    """Return the file's bytes.

    Args:
        path: absolute path.
        key: key of the settings that names the file, for the error.

    Raises:
        BundleError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            tr(
                "{path}: settings: {key}: cannot be read: {strerror}",
                path=path,
                key=key,
                strerror=error.strerror,
            ),
            hint=tr("relative paths start from the folder of the profile"),
        ) from error
