"""What the application and the profile ask of a server, in one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bundler.api.application import Requirement
from bundler.profile.values import version_key

VERSIONS: Final = frozenset({"docker", "compose"})
"""Requirements whose tiers are version numbers of what runs the application."""


def merge_requirements(
    application: Iterable[Requirement], profile: Iterable[Requirement]
) -> list[Requirement]:
    """The profile's requirements, and the application's where the profile has none; sorted by id.

    A profile cannot ask for an older Docker or Compose than the application runs on: it is inherited by
    releases that it does not know. At the site an operator may accept one by name.
    """
    floors = {requirement.id: requirement for requirement in application}
    merged = floors | {one.id: _raised(one, floors.get(one.id)) for one in profile}
    return sorted(merged.values(), key=lambda requirement: requirement.id)


def _raised(asked: Requirement, floor: Requirement | None) -> Requirement:
    if floor is None or floor.minimum is None or asked.id not in VERSIONS:
        return asked
    minimum, recommended = asked.minimum, asked.recommended
    if minimum is None or version_key(minimum) < version_key(floor.minimum):
        minimum = floor.minimum
    if recommended is not None and version_key(recommended) < version_key(minimum):
        recommended = None
    return replace(asked, minimum=minimum, recommended=recommended)
