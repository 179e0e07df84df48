"""What an application says of installations that somebody made without this program."""

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
    """What becomes of one part of an existing installation: `adopt.tsv` of docs/reference/bundle-format.md.

    Attributes:
        what: which of the kinds that the page describes.
        service: of the old installation; None where it is about none.
        name: of a variable there, a path in the service's container, a version, a command, a digest.
        to: site variable, data folder, volume or dump that it becomes.
        how: what the kind takes besides.
        says: what people are told, where the kind is for people.
    """

    what: AdoptionKind
    service: str | None
    name: str
    to: str | None = None
    how: str | None = None
    says: Text | None = None
