"""What is said of a key of the Compose specification."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from bundler.profile.values import version_key


class Fate(StrEnum):
    """What becomes of a key.

    Attributes:
        CARRIED: it stands in the bundle's document; the site may set variables in its value.
        BOUND: it is resolved at the build, and so are the variables in its value.
        IGNORED: it has no meaning at the site, and the bundle does not have it.
        REFUSED: it cannot travel; the build fails with the reason.
    """

    CARRIED = "carried"
    BOUND = "bound"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True)
class Level:
    """The keys of a mapping.

    Attributes:
        keys: the keys; none for a mapping whose keys the project chooses, such as labels.
        each: where the mapping is: the value itself, each value of a mapping with names (`*`), or each item
            of a list (`[]`).
        extensions: whether `x-` keys are allowed.
        free: whether other keys are allowed too.
        named: whether the names of a mapping with names must be letters, digits and `._-`.
    """

    keys: tuple[Key, ...]
    each: Literal["", "*", "[]"] = ""
    extensions: bool = True
    free: bool = False
    named: bool = True

    def find(self, name: str) -> Key | None:
        """Return the key with this name, or None."""
        return next((key for key in self.keys if key.name == name), None)


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        name: as it is written.
        fate: what becomes of it, and of what is below it unless that says otherwise.
        compose: lowest version of Docker Compose that knows it; empty for 2.0.
        engine: lowest version of the Docker engine that can do it; empty where all can.
        note: key of `texts.NOTES`: what people have to know.
        below: keys of its value, if it has any that the specification names.
    """

    name: str
    fate: Fate = Fate.CARRIED
    compose: str = ""
    engine: str = ""
    note: str = ""
    below: Level | None = None


def plain(names: str, compose: str = "", note: str = "", fate: Fate = Fate.CARRIED) -> tuple[Key, ...]:
    """Return keys without keys below them: names, separated by spaces."""
    return tuple(Key(name, fate, compose, note=note) for name in names.split())


def since(key: Key, compose: str) -> Key:
    """Return a key, and those below it, that no release before `compose` knows."""
    below = key.below and replace(key.below, keys=tuple(since(each, compose) for each in key.below.keys))
    newest = max(key.compose or "0", compose, key=version_key)
    return replace(key, compose=newest, below=below)
