"""Makes the relative paths of a document absolute.

Source: compose-go v2.16.1, `paths/resolve.go`, `paths/unix.go` and `paths/home.go`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading.tree import ITEM, FormError, Items, Map, Path, Patterns
from bundler_compose.site_text import has_mark

_REMOTE: Final = ("https://", "http://", "git://", "ssh://", "github.com/", "git@", "oci://")


_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")


def is_remote(path: str) -> bool:
    """Whether a path of `include` or `extends` is fetched from elsewhere: Git, HTTP or a registry."""
    return path.startswith(_REMOTE) or path.split("#", maxsplit=1)[0].endswith(".git")


def resolve_paths(value: Any, folder: FilePath, path: Path = ()) -> Any:  # noqa: ANN401 any YAML value
    """Return a canonical document whose relative paths start from `folder`.

    Raises:
        FormError: a path starts from a home folder, which the site does not have.
    """
    change: Callable[[Any, FilePath], Any] | None = _PATHS.find(path)
    if change is not None:
        try:
            return change(value, folder)
        except FormError:
            raise
        except BundleError as error:
            raise FormError(path, error.message, error.hint) from error
    if isinstance(value, Map):
        for key, item in value.items():
            value[key] = resolve_paths(item, folder, (*path, key))
    elif isinstance(value, Items):
        for index, item in enumerate(value):
            try:
                value[index] = resolve_paths(item, folder, (*path, ITEM))
            except FormError as error:
                raise error.of_item(path, index) from error
    return value


def absolute(path: str, folder: FilePath) -> str:
    """Return an absolute path without `.` and `..`; a path of Windows or of a home is unchanged."""
    if not path or path.startswith(("~", "\\\\")) or _DRIVE.match(path):
        return path
    return posixpath.normpath(path if path.startswith("/") else posixpath.join(folder.as_posix(), path))


def _path(value: Any, folder: FilePath) -> Any:  # noqa: ANN401 likewise
    if isinstance(value, str) and not has_mark(value):
        return value if value.startswith("/") else absolute(value, folder)
    return value


def _file(value: Any, folder: FilePath) -> Any:  # noqa: ANN401 likewise
    return folder.as_posix() if value == "" else _path(value, folder)


def _mount(value: Any, folder: FilePath) -> Any:  # noqa: ANN401 likewise
    if isinstance(value, Map) and value.get("type") == "bind":
        if not isinstance(value.get("source"), str):
            raise BundleError(tr("a mount of type bind has no source"), hint=tr("add `source:`"))
        value["source"] = _file(value["source"], folder)
    return value


def _volume(value: Any, folder: FilePath) -> Any:  # noqa: ANN401 likewise
    if isinstance(value, Map) and value.get("driver") == "local":
        options = value.get("driver_opts")
        if isinstance(options, Map) and options.get("o") == "bind" and "device" in options:
            options["device"] = _path(options["device"], folder)
    return value


_PATHS: Final = Patterns(
    {
        "services.*.build.context": _path,
        "services.*.env_file.*.path": _path,
        "services.*.label_file.*": _path,
        "services.*.extends.file": _path,
        "services.*.volumes.*": _mount,
        "services.*.pre_start.*.env_file.*.path": _path,
        "services.*.pre_start.*.volumes.*": _mount,
        "configs.*.file": _file,
        "secrets.*.file": _file,
        "volumes.*": _volume,
    }
)
