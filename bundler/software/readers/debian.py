"""dpkg's database (deb-control(5), dpkg-query(1)), and copyright files (copyright-format 1.0, "DEP-5")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bundler.software.package import Package, UnreadableError, clean_license
from bundler.software.readers.content import Content, lines_of

_GONE: Final = frozenset({"not-installed", "config-files"})
"""States in which a package's files are not there: dpkg(1), "Package states"."""
_STATES: Final = _GONE | {
    "half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending", "installed",
}  # fmt: skip
_SOURCE: Final = re.compile(r"(\S+)(?:\s+\(([^)]*)\))?")
_STATING: Final = {"files", "format", "format-specification"}
"""Fields of paragraphs that state a licence, besides those that only give its text."""
_FORMAT: Final = re.compile(r"(?i)\A\s*format(?:-specification)?:")


def read_status(path: str, content: Content, _scratch: Path) -> Iterator[Package]:
    """Yield the packages of `var/lib/dpkg/status`, or of a file of `status.d`, as distroless images have it.

    Raises:
        UnreadableError: an entry has no name, version or valid state.
    """
    for entry in stanzas(content):
        name, version = entry.get("package", ""), entry.get("version", "")
        state = entry.get("status", "install ok installed").split()[-1:]
        if not name or not state or state[0] not in _STATES:
            raise UnreadableError("an entry has no package name or no valid state")
        if state[0] in _GONE:
            continue
        if not version:
            raise UnreadableError("an installed package has no version")
        source = _SOURCE.match(entry.get("source", ""))
        origin = f"{source[1]} {source[2] or version}" if source else f"{name} {version}"
        yield Package.of(
            "deb",
            name,
            version,
            path,
            architecture=entry.get("architecture", ""),
            supplier=entry.get("maintainer", ""),
            source=origin,
        )


def stanzas(content: Content, *, strict: bool = True) -> Iterator[dict[str, str]]:
    """Yield paragraphs of fields, with names in lower case; of a field with several lines, the first.

    Raises:
        UnreadableError: a line is neither a field nor the continuation of one.
    """
    entry: dict[str, str] = {}
    for line in lines_of(content, strict=strict):
        if not line.strip():
            if entry:
                yield entry
            entry = {}
        elif line[0] not in " \t#":
            key, colon, value = line.partition(":")
            if not colon:
                raise UnreadableError("a line is not a field")
            entry.setdefault(key.lower(), value.strip())
        elif not entry and line[0] != "#":
            raise UnreadableError("a line continues no field")
    if entry:
        yield entry


def read_copyright(content: Content) -> str:
    """Return the licences of a copyright file that machines can read, joined by `and`; else nothing.

    What is longer than a licence is left out as a whole.
    """
    if not _FORMAT.match(bytes(content[:200]).decode("utf-8", "replace")):
        return ""
    found: dict[str, None] = {}
    try:
        for entry in stanzas(content, strict=False):
            if entry.get("license") and not entry.keys().isdisjoint(_STATING):
                found.setdefault(entry["license"])
    except UnreadableError:
        return ""  # it only looks like one; what is no statement in a known form is not guessed
    joined = [f"({each})" if re.search(r"(?i)\sor\s", each) and len(found) > 1 else each for each in found]
    return clean_license(" and ".join(joined))
