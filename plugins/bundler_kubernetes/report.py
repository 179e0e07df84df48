"""The report of a bundle: what is different in a cluster, and what its manifests ask for."""

from __future__ import annotations

from typing import Final

from bundler.language import tr
from bundler_kubernetes.files import SAFE_VALUE
from bundler_kubernetes.objects import Mapped, Note

_HOW: Final = (
    "Apply `manifests/` in the order of the names, with the values of `variables.tsv` for `@@NAME@@`; "
    "`ingress/` only where an Ingress offers the published ports."
)


def show(note: Note) -> str:
    """Return a note as a line, in the language of the run."""
    key = f" {note.key}:" if note.key else ""
    return f"{note.subject}:{key} {tr(note.text, **note.values)}"


def report(mapped: Mapped) -> str:
    """Return the report as Markdown, in English: the bytes of a bundle do not depend on a language."""
    lines = [
        f"# {mapped.title} {mapped.version} in a cluster",
        "",
        f"{len(mapped.objects)} objects. {_HOW}",
        "",
        "## What is different from Compose",
        "",
        *([f"- {_english(note)}" for note in mapped.notes] or ["Nothing."]),
    ]
    if mapped.in_files:
        lines += [
            "",
            "## Values in configuration files",
            "",
            f"These variables stand in files of other formats. Their values must match `{SAFE_VALUE}`:",
            "",
            *(f"- `{name}`: {', '.join(formats)}" for name, formats in mapped.in_files.items()),
        ]
    return "\n".join(lines) + "\n"


def _english(note: Note) -> str:
    key = f"`{note.key}`: " if note.key else ""
    text = note.text.format(**note.values) if note.values else note.text
    return f"{note.subject}: {key}{text}"
