"""Installed Python packages: METADATA of `.dist-info`, PKG-INFO of `.egg-info` (PEP 376, 566, 639)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bundler.software.package import Package, UnreadableError
from bundler.software.readers.content import Content, lines_of

LONG: Final = 120
"""Characters of a licence field from which it is the licence's text rather than its name."""
_APPROVED: Final = re.compile(r"License\s*::\s*(?:OSI Approved\s*::\s*)?(.+)")


def read_metadata(path: str, content: Content, _scratch: Path) -> Iterator[Package]:
    """Yield the package of a METADATA or PKG-INFO file.

    Raises:
        UnreadableError: it has no name or no version.
    """
    fields: dict[str, str] = {}
    classified = []
    key = ""
    for line in lines_of(content):
        if not line.strip():
            break
        if line[0] in " \t":
            fields[key] = fields.get(key, "") + "\n" + line
            continue
        key, _, value = line.partition(":")
        key, value = key.lower(), value.strip()
        if key == "classifier" and (found := _APPROVED.fullmatch(value)) and found[1] != "OSI Approved":
            classified.append(found[1])
        fields.setdefault(key, value)
    name, version = fields.get("name", "").strip(), fields.get("version", "").strip()
    if not name or not version:
        raise UnreadableError("it has no name or no version")
    stated = fields.get("license", "").strip()
    if len(stated) > LONG or "\n" in stated:
        stated = ""
    license = fields.get("license-expression") or stated or " and ".join(dict.fromkeys(classified))  # noqa: A001
    supplier = fields.get("author", "") or fields.get("author-email", "")
    yield Package.of("pypi", name, version, path, license=license, supplier=supplier.partition("\n")[0])
