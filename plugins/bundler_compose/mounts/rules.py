"""The settings that decide what travels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bundler.api.templates.formats import TemplateFormat
from bundler_compose.mounts.names import is_below

Chosen = Literal["configuration", "data", "initial"]
"""A value of `settings: carry`."""


@dataclass(frozen=True)
class Rules:
    """Settings that concern files. Paths of the project are relative to its root, without `./`.

    Attributes:
        carry: kind of paths of the project; a folder's kind is that of all paths below it.
        host_paths: paths of the site's host that services may mount.
        templates: files that are rendered when the bundle is built; their names end with `.j2`.
        site_templates: files with site values, each with its format, or None to derive it from the name.
        site_secrets: variables of secrets that each site asks for or generates.
    """

    carry: Mapping[str, Chosen] = field(default_factory=dict)
    host_paths: Collection[str] = ()
    templates: Collection[str] = ()
    site_templates: Mapping[str, TemplateFormat | None] = field(default_factory=dict)
    site_secrets: Collection[str] = ()

    def chosen(self, path: str) -> Chosen | None:
        """Return the kind that the settings give to `path`: that of its nearest folder."""
        nearest = max((each for each in self.carry if is_below(path, each)), key=len, default=None)
        return None if nearest is None else self.carry[nearest]

    def is_host(self, path: str) -> bool:
        """Whether the absolute `path` belongs to the site's host."""
        return any(is_below(path, each.rstrip("/") or "/") for each in self.host_paths)
