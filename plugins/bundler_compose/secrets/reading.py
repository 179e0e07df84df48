"""What is searched for secrets, from a project as `bundler_compose.reading` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bundler.api.application import ConfigFile
from bundler.api.variable import SiteVariable
from bundler_compose.reading import Project as Reading
from bundler_compose.secrets.layout import Today
from bundler_compose.secrets.project import Mode, Project, Rules


def project_of(
    site: Reading, document: Mapping[str, Any], files: Mapping[str, ConfigFile], rules: Rules
) -> Project:
    """Return what is searched for secrets.

    Args:
        site: the reading for the site.
        document: its document, with the paths of the site.
        files: carried files by path below `config/`.
        rules: what the profile decides.
    """
    today = Today(site.marks, values_of(site))
    return Project(document, today, files, lambda keys: site.at(*keys), rules)


def values_of(site: Reading) -> dict[str, str]:
    """Return the values that the project's variables have today: those made of others with marks in them."""
    lookup = site.environment.for_site(site.marks, site.bound)
    values = dict(site.environment.given)
    environment = site.environment
    names = [entry.name for entry in environment.entries]
    while environment.outer is not None:
        environment = environment.outer
        names += [entry.name for entry in environment.entries]
    for name in dict.fromkeys(names):
        today = site.environment.today(name)
        found = lookup(name)
        made = isinstance(found, str) and all(use.name != name for use in site.marks.uses(found))
        if today is not None and name not in site.environment.given:
            values[name] = found if made and isinstance(found, str) else today
    return values


def rules_of(
    mode: Mode,
    decisions: Mapping[str, str],
    carry: Mapping[str, str],
    declared: Iterable[SiteVariable],
) -> Rules:
    """Return the rules of a profile's settings: `literal_secrets`, `secrets`, `carry` and `variables`."""
    named = frozenset(path for path, kind in carry.items() if kind != "data")
    return Rules(mode, decisions, {variable.name: variable for variable in declared}, named)
