"""Assembles the preflight as a separate small file, which can be sent ahead of the bundle."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.bundle.tar import Member
from bundler.errors import BundleError
from bundler.language import tr
from bundler_installer.assemble import guard, join_sources
from bundler_installer.tables import BUNDLE_ENV

NEEDED = {
    "lib": (
        "header", "environment", "globals", "ending", "meter", "messages", "programs", "text", "processes",
        "scratch", "mistakes", "host", "writers", "options", "files", "columns", "space", "notes",
        "facts", "root", "holders", "run", "terminal",
    ),
    "bundle": (
        "archive",
    ),
    "target/compose": (
        "engine", "compact", "images", "scope",
    ),
    "engine": (
        "plan",
    ),
    "site": (
        "answers", "variables", "certificate",
    ),
    "preflight": (
        "checks", "hardware", "storage", "podman", "lacking", "engine", "document", "system", "addresses",
        "network", "site", "expiry", "objects", "limits", "devices", "options", "results", "report",
        "verdict",
    ),
}  # fmt: skip
"""Shell sources of the preflight by folder, in the order of `assemble`."""
SOURCES = (*(f"{folder}/{name}" for folder, names in NEEDED.items() for name in names), "standalone")
"""All sources in order. The tables precede `standalone.sh`, and only its last line starts anything."""
TABLES = (
    BUNDLE_ENV,
    "certificates.tsv",
    "checks.tsv",
    "document.tsv",
    "engine.tsv",
    "images.tsv",
    "networks.tsv",
    "ports.tsv",
    "services.tsv",
    "variables.tsv",
)
"""The flat facts that the preflight reads."""
END = "END_OF_TABLE"


def assemble_preflight(members: Sequence[Member]) -> bytes:
    """Return the file `<bundle>.preflight.sh`, with the bundle's flat facts.

    Raises:
        BundleError: a table is missing, or contains the line that marks its end.
    """
    tables = {member.path: member.read().decode() for member in members if member.path in TABLES}
    parts = []
    for name in TABLES:
        content = tables.get(name)
        if content is None or END in content.splitlines():
            raise BundleError(tr("{name} cannot be embedded in the preflight file", name=name))
        parts.append(f"    cat >\"$1/{name}\" <<'{END}'\n{content}{END}\n")
    function = "# write_tables FOLDER: the bundle's facts that the checks read\nwrite_tables() {\n"
    function += "".join(parts) + "}\n\n"
    before, mark, after = join_sources(SOURCES, part=True).partition(b"# ---- standalone")
    return guard(before + function.encode() + mark + after)
