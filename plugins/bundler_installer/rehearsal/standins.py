"""What a bundle expects of its server, and a rehearsal makes: external networks and volumes, paths.

`document.tsv` lists them: docs/reference/bundle-format.md. Devices, GPUs and other features of hardware
cannot be made: where this machine lacks them, the preflight fails, and the bundle is not rehearsed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bundler.language import tr, tr_later
from bundler_installer.rehearsal.engine import Server
from bundler_installer.rehearsal.tables import read_table

PATHS: Final = {"path": "-e", "folder": "-d", "file": "-f"}
"""Kind of a path in `document.tsv` -> how `test` asks whether it exists."""
EXTERNAL: Final = {"network": tr_later("external network"), "volume": tr_later("external volume")}
"""Kind of an object in `document.tsv` that no file of the bundle makes -> what a report calls it."""
_USE: Final = re.compile(
    r"\$\$|\$\{([A-Za-z_]\w*)(?:(:?[-+?])((?:[^${}]|\$\$|\$\{[^{}]*\})*))?\}|\$([A-Za-z_]\w*)"
)


def make_stand_ins(server: Server, folder: Path, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Make what the document expects and this site lacks; return what was made, as kind and name.

    Args:
        server: the site's server; its engine runs.
        folder: the unpacked bundle.
        values: the site's values by variable.

    Raises:
        BundleError: the engine refuses a network or a volume.
    """
    made = []
    for row in read_table(folder, "document.tsv"):
        what, name = row["what"], resolve(row["value"], values)
        if what in EXTERNAL:
            if not server.run("docker", what, "inspect", name, timeout=60).ok:
                server.docker(what, "create", name)
                made.append((tr(EXTERNAL[what]), name))
        elif what in PATHS and name.startswith("/") and not server.run("test", PATHS[what], name).ok:
            made.append((_make_path(server, what, name), name))
    return made


def _make_path(server: Server, what: str, name: str) -> str:
    """Make an empty folder or file of the server; return what it is called."""
    if what == "file":
        server.run("sh", "-c", 'mkdir -p "${1%/*}" && touch "$1"', "sh", name)
        return tr("empty file of the server")
    server.run("mkdir", "-p", name)
    return tr("empty folder of the server")


def resolve(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its variables, as Compose resolves them; one in the word of another also."""

    def replace(found: re.Match[str]) -> str:
        name = found[1] or found[4]
        if name is None:
            return "$"
        operator, word, value = found[2] or "", found[3] or "", values.get(name)
        if operator.startswith(":") and not value:
            value = None
        if operator.endswith("+"):
            return resolve(word, values) if value is not None else ""
        if value is None:
            return resolve(word, values) if operator.endswith("-") else ""
        return value

    return _USE.sub(replace, text)
