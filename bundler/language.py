"""The language of texts for people: English, as it stands in the code, or a translation of it.

A text is written where it is used, `tr("{path} does not exist", path=path)`: a template in English, which
is also its key in the catalogue, and its values by name. It is translated at once, and from then on it is a
`str`.
Templates that stand in a table are marked there by `tr_later("...")` and translated where they are used,
`tr(TABLE[key])`: modules are imported once, but the language is chosen in each run.

Catalogues are those of gettext: `locale/<language>/LC_MESSAGES/<domain>.po` and `.mo`, which
`tools/messages.py` writes. A plugin of somebody else has a catalogue of its own:

    from bundler.language import Catalogue

    tr = Catalogue("acme", Path(__file__).with_name("locale"))
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path  # costs 10 ms, which every command would pay

LANGUAGES: Final = ("en", "zh")
"""The first is that of the code."""
VARIABLE: Final = "LANGUAGE"
"""Where gettext looks first for the language (GNU gettext, "Locale Environment Variables")."""
DOMAIN: Final = "bundler"
_chosen = LANGUAGES[0]


def language() -> str:
    """Return the language in which texts are: one of `LANGUAGES`."""
    return _chosen


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Translate the texts of this program, and those of click, into a language within the block.

    Args:
        name: one of `LANGUAGES`.
    """
    global _chosen  # noqa: PLW0603 a process speaks one language, and all its threads the same
    before, domain, variable = _chosen, gettext.textdomain(), os.environ.get(VARIABLE)
    _chosen = name
    if name != LANGUAGES[0]:  # click asks gettext itself
        gettext.bindtextdomain(DOMAIN, str(tr.folder))
        gettext.textdomain(DOMAIN)
        os.environ[VARIABLE] = name
    try:
        yield
    finally:
        _chosen = before
        gettext.textdomain(domain)
        if variable is not None:
            os.environ[VARIABLE] = variable
        else:
            os.environ.pop(VARIABLE, None)


def tr_later(text: str) -> str:
    """Return `text`, a template that is translated where it is used: it has its place in the catalogue."""
    return text


class Catalogue:
    """The translations of one program or plugin.

    Attributes:
        domain: the name of its files.
        folder: the folder `locale`.
    """

    def __init__(self, domain: str, folder: str | Path) -> None:
        self.domain = domain
        self.folder = folder

    def __call__(self, text: str, /, **values: object) -> str:
        """Return a text in the language, with its values; in English if there is no translation.

        Args:
            text: the template in English, as for `str.format`; without values, as it stands.
            values: what its placeholders stand for.
        """
        if _chosen != LANGUAGES[0] and text:
            text = self._catalogue.gettext(text)
        return text.format(**values) if values else text

    def plural(self, one: str, many: str, number: int, /, **values: object) -> str:
        """Return the text for a number of things; `{number}` stands for it.

        Args:
            one: the template for one thing.
            many: the template for any other number.
            number: how many there are.
            values: what the other placeholders stand for.
        """
        if _chosen != LANGUAGES[0]:
            text = self._catalogue.ngettext(one, many, number)
        else:
            text = one if number == 1 else many
        return text.format(number=number, **values)

    @cached_property
    def _catalogue(self) -> gettext.NullTranslations:
        return gettext.translation(self.domain, self.folder, [LANGUAGES[1]], fallback=True)


tr: Final = Catalogue(DOMAIN, os.path.join(os.path.dirname(__file__), "locale"))
"""Translates the texts of this program, and of the plugins that come with it."""
