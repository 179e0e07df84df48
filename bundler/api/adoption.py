"""How an application maps an existing installation, made without this program, onto a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bundler.api.text import Text

AdoptionKind = Literal[
    "value",
    "file",
    "published",
    "folder",
    "volume",
    "seed",
    "dump",
    "needs",
    "most",
    "image",
    "note",
    "refuse",
]


@dataclass(frozen=True)
class Adoption:
    """A rule for adopting part of an existing installation: docs/reference/bundle-format.md, `adopt.tsv`.

    Attributes:
        what: kind of the rule; the page lists the kinds.
        service: service of the existing installation; None if the rule concerns no service.
        name: variable of the existing installation, path in the service's container, version, command or
            digest.
        to: site variable, data folder, volume or dump that the part becomes.
        how: further argument of the kind, if it takes one.
        says: text shown to people, for kinds that have one.
    """

    what: AdoptionKind
    service: str | None
    name: str
    to: str | None = None
    how: str | None = None
    says: Text | None = None
