"""What the name of a path says about it: a file or a folder, and whether programs write it."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterable
from typing import Final

_SUFFIX: Final = re.compile(r"[^.].*\.([A-Za-z][A-Za-z0-9_-]*)$|^\.[^.]+\.([A-Za-z][A-Za-z0-9_-]*)$")
_FOLDER_SUFFIXES: Final = frozenset({"d", "git", "data", "local", "lan", "www", "old", "bak"})
"""Ends of the names of folders, such as `conf.d`."""
_FILE_NAMES: Final = frozenset(
    {
        ".bashrc", ".env", ".gitconfig", ".htaccess", ".htpasswd", ".my.cnf", ".netrc", ".npmrc", ".pgpass",
        "Caddyfile", "Corefile", "crontab", "Dockerfile", "fstab", "group", "hosts", "htpasswd", "id_ed25519",
        "id_rsa", "known_hosts", "Makefile", "passwd", "shadow", "sudoers", "timezone", "Vagrantfile",
    }
)  # fmt: skip
"""Names of files that have no suffix."""
_WRITTEN_SUFFIXES: Final = frozenset({"db", "db3", "log", "pid", "rdb", "aof", "sqlite", "sqlite3", "state"})
_WRITTEN_NAMES: Final = frozenset({"acme.json"})
"""Files that a program writes: Traefik keeps its certificates in `acme.json`."""
_ALIKE: Final = 0.8
"""Least likeness of a misspelt name: `difflib.SequenceMatcher.ratio`."""


def is_file_name(path: str) -> bool:
    """Whether the last part of `path` is probably the name of a file: it has a suffix, or is a known name."""
    name = posixpath.basename(path.rstrip("/"))
    if name in _FILE_NAMES:
        return True
    found = _SUFFIX.search(name)
    return found is not None and (found[1] or found[2]).lower() not in _FOLDER_SUFFIXES


def is_written_name(path: str) -> bool:
    """Whether the name is that of a file which programs write, such as a database or a log."""
    name = posixpath.basename(path)
    return name in _WRITTEN_NAMES or name.rpartition(".")[2].lower() in _WRITTEN_SUFFIXES


def find_alike(name: str, others: Iterable[str]) -> str | None:
    """Return the name among `others` that `name` is probably a misspelling of. Numbered names are not."""
    letters = re.sub(r"\d", "", name)
    candidates = [other for other in others if re.sub(r"\d", "", other) != letters]
    found = difflib.get_close_matches(name, candidates, 1, _ALIKE)
    return found[0] if found else None


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or below it; both relative, or both absolute."""
    return folder in {".", path} or path.startswith(folder.rstrip("/") + "/")
