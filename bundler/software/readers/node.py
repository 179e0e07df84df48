"""Installed Node packages: `package.json` in `node_modules/NAME` and `node_modules/@SCOPE/NAME`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bundler.io.json import parse_json
from bundler.software.package import Package, UnreadableError
from bundler.software.readers.content import Content


def read_package(path: str, content: Content, _scratch: Path) -> Iterator[Package]:
    """Yield the package of a `package.json`; none if it has no name: it is then no package.

    Raises:
        UnreadableError: it is not a JSON object, or its name or version is not a text.
    """
    try:
        document = parse_json(bytes(content).removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise UnreadableError("it is not JSON") from error
    if not isinstance(document, dict):
        raise UnreadableError("it is not a JSON object")
    name, version = document.get("name"), document.get("version")
    if name is None:
        return
    if not isinstance(name, str) or not isinstance(version, str | None) or not name:
        raise UnreadableError("its name or version is not a text")
    scope, slash, rest = name.partition("/")
    namespace = scope if slash and scope.startswith("@") else ""
    author = document.get("author")
    supplier = author if isinstance(author, str) else author.get("name") if isinstance(author, dict) else ""
    yield Package.of(
        "npm",
        rest if namespace else name,
        version or "",
        path,
        namespace=namespace,
        license=_license(document),
        supplier=supplier if isinstance(supplier, str) else "",
    )


def _license(document: dict[str, Any]) -> str:
    stated = document.get("license") or document.get("licenses") or ""
    each = stated if isinstance(stated, list) else [stated]
    names = [one.get("type") if isinstance(one, dict) else one for one in each]
    return " or ".join(name for name in names if isinstance(name, str) and name)
