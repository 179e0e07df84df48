"""What is searched for secrets, what a profile decides about them, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bundler.api.application import ConfigFile
from bundler.api.variable import SiteVariable
from bundler.language import tr
from bundler_compose.secrets.forms import Form
from bundler_compose.secrets.layout import Today
from bundler_compose.secrets.places import Keys

Mode = Literal["refuse", "generate", "carry"]
ASK: Final = "ask"
CARRY: Final = "carry"
GENERATE: Final = "generate"
PUBLIC: Final = "public"


def in_files() -> dict[str, str]:
    """Return what can be decided about a file, as the choices of a problem."""
    return {"configuration": tr("the file travels, and everyone who has the bundle can read it")}


@dataclass(frozen=True)
class Rules:
    """What the profile decides.

    Attributes:
        mode: what happens to secrets in plain text of which nothing else is said.
        decisions: by name of a secret or of its place: `generate`, `ask`, `carry`, `public`, or a generator.
        declared: site variables of the profile, by name.
        carry: paths of files that travel with the secrets in them, because the profile names them.
    """

    mode: Mode = "refuse"
    decisions: Mapping[str, str] = field(default_factory=dict)
    declared: Mapping[str, SiteVariable] = field(default_factory=dict)
    carry: Collection[str] = ()

    def decision(self, *names: str) -> str | None:
        """Return what is decided about the first of the names of which anything is said."""
        return next((self.decisions[name] for name in names if name in self.decisions), None)


@dataclass(frozen=True)
class Project:
    """A project as it was read.

    Attributes:
        document: the canonical document with marks.
        today: the marks, and the values of today.
        files: carried files by path below `config/`.
        at: returns the place of a key for people, such as `compose.yaml:7: services.web`.
        rules: what the profile decides.
    """

    document: Mapping[str, Any]
    today: Today
    files: Mapping[str, ConfigFile]
    at: Callable[[Keys], str]
    rules: Rules = Rules()


@dataclass(frozen=True)
class Finding:
    """One place of a secret.

    Attributes:
        keys, index: the text of the document: its keys, and its number in a list of arguments.
        start, end: offsets in the text of today.
        value: the secret.
        names: names for it, the best first.
        where: the place for people.
        literal: whether it stands in plain text in the document, not in the value or default of a variable.
        variables: variables whose whole value it is.
        host: host of the address that it stands in, else empty.
    """

    keys: Keys
    index: int
    start: int
    end: int
    value: str
    names: tuple[str, ...]
    where: str
    literal: bool = False
    variables: frozenset[str] = frozenset()
    host: str = ""
    whole: bool = False


@dataclass(frozen=True)
class Group:
    """Places that have one value, and get one value at the site.

    Attributes:
        name: name of its site variable.
        value: value of today.
        names: names under which it stands.
        places: places for people, each once.
        literals: those of them in plain text.
        kind: `generate`, `ask` or `carry`: where the site's value comes from.
        form: how the site generates it.
        variables: variables of the project whose value it is.
        embedded: whether it stands inside other texts.
    """

    name: str
    value: str = field(repr=False)
    names: frozenset[str]
    places: tuple[str, ...]
    literals: tuple[str, ...]
    kind: Literal["generate", "ask", "carry"]
    form: Form
    variables: frozenset[str]
    embedded: bool = False


@dataclass(frozen=True)
class Problem:
    """Something that the profile must decide.

    Attributes:
        where: the place.
        message: what is wrong, without the place.
        setting: the key of `settings` that decides it: `secrets`, `carry` or `site_templates`.
        name: name of the secret or path of the file.
        choices: values that the key can have, each with what it means.
        more: further places.
        is_plain: whether it is decided with all other secrets in plain text by `literal_secrets`.
    """

    where: str
    message: str
    setting: str
    name: str
    choices: Mapping[str, str] = field(default_factory=dict)
    more: tuple[str, ...] = ()
    is_plain: bool = False
