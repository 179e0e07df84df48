"""apk's database `installed` (https://wiki.alpinelinux.org/wiki/Apk_spec)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from bundler.software.package import Package, UnreadableError
from bundler.software.readers.content import Content, lines_of


def read_installed(path: str, content: Content, _scratch: Path) -> Iterator[Package]:
    """Yield the packages of `lib/apk/db/installed`.

    Raises:
        UnreadableError: an entry has no name or no version, or a line is no field.
    """
    fields: dict[str, str] = {}
    for line in chain(lines_of(content), [""]):
        if line:
            if line[1:2] != ":":
                raise UnreadableError("a line is not a field")
            fields.setdefault(line[0], line[2:])
        elif fields:
            name, version = fields.get("P", ""), fields.get("V", "")
            if not name or not version:
                raise UnreadableError("an entry has no name or no version")
            yield Package.of(
                "apk",
                name,
                version,
                path,
                architecture=fields.get("A", ""),
                license=fields.get("L", ""),
                supplier=fields.get("m", ""),
                source=f"{fields['o']} {version}" if fields.get("o") else "",
            )
            fields = {}
