"""Replaces the variables of one text, for the values of today or for the site.

Source: compose-go v2, `template/template.go` at e70e961: `withDefaultWhenAbsence`, `withDefaultWhenPresence`
and `withRequired`. The word of an operator is read only where it applies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.site_text import Marks, Use, has_mark, refuse_marks
from bundler_compose.template_text import Substitution, pieces

_DEEPEST: Final = 60
"""Maximum depth of uses within words."""


class Site(Enum):
    """The answer of a lookup for a variable that the site may set."""

    SITE = "site"


Lookup = Callable[[str], str | Site | None]
"""Returns the value of a variable (a text that may have marks), None where it is unset, or `Site.SITE`."""
Missing = Callable[[Use], str]
"""Returns the text for a required variable without a value, or raises."""


def refuse_missing(use: Use) -> str:
    """Raise the error of a required variable without a value."""
    reason = f": {use.word}" if use.word else ""
    raise BundleError(
        tr(
            "{where}: the required variable {name} has no value{reason}",
            where=use.where,
            name=use.name,
            reason=reason,
        ),
        hint=tr("give {name} a value in `.env`, or in `settings: values`", name=use.name),
    )


@dataclass(frozen=True)
class Interpolation:
    """How the texts of one reading are resolved.

    Attributes:
        lookup: value of a variable.
        marks: where the uses stay that the site resolves.
        missing: what stands for a required variable without a value.
    """

    lookup: Lookup
    marks: Marks
    missing: Missing = refuse_missing

    def text(self, text: str, where: str) -> str:
        """Return `text` with its variables replaced by values, or by marks.

        Args:
            text: a text of the project.
            where: place for errors, such as `compose.yaml:3`.

        Raises:
            BundleError: Compose refuses the text; a required variable has no value; a use depends on the site
                in a way that no `${NAME}` can say; `text` has private characters of marks.
        """
        refuse_marks(text, where)
        try:
            return self._resolve(text, where, 0)
        except BundleError as error:
            if where and not error.message.startswith(where):
                raise BundleError(f"{where}: {error.message}", hint=error.hint) from error
            raise

    def _resolve(self, text: str, where: str, depth: int) -> str:
        if depth > _DEEPEST:
            raise BundleError(tr("`${...}` is nested too deeply"), hint=tr("nest fewer defaults"))
        return "".join(
            piece if isinstance(piece, str) else self._replace(piece, where, depth) for piece in pieces(text)
        )

    def _replace(self, use: Substitution, where: str, depth: int) -> str:
        def word() -> str:
            return self._resolve(use.word, where, depth + 1)

        value = self.lookup(use.name)
        if value is Site.SITE:
            return self.marks.mark(Use(use.name, use.operator, word(), where))
        lacking = value is None or (use.operator.startswith(":") and self._emptiness(value))
        if isinstance(lacking, Use):
            return self._depending(lacking, use, word(), where)
        match use.operator[-1:]:
            case "-" if lacking:
                return word()
            case "+":
                return "" if lacking else word()
            case "?" if lacking:
                return self.missing(Use(use.name, use.operator, word(), where))
        return value or ""

    def _emptiness(self, value: str) -> bool | Use:
        """Return whether a value is empty, or the use of the site on which that depends.

        Raises:
            BundleError: it depends on more than one plain use.
        """
        if not has_mark(value):
            return not value
        if self._is_certain(value):
            return False
        parts = list(self.marks.split(value))
        if len(parts) == 1 and isinstance(parts[0], Use) and self._is_simple(parts[0]):
            return parts[0]
        raise BundleError(
            tr("a default depends on whether {value!r} is empty at the site", value=self.marks.render(value)),
            hint=tr("use one variable there, or set it in `settings: values`"),
        )

    def _is_simple(self, use: Use) -> bool:
        return not use.operator or (use.operator == "-" and not has_mark(use.word))

    def _is_certain(self, value: str) -> bool:
        """Whether a value is not empty at any site."""
        return any(
            isinstance(piece, str)
            or piece.operator == ":?"
            or (piece.operator == ":-" and self._is_certain(piece.word))
            for piece in self.marks.split(value)
        )

    def _depending(self, known: Use, use: Substitution, word: str, where: str) -> str:
        """Return the text for `${NAME:operator word}`, where NAME is `${KNOWN}` or `${KNOWN-text}`."""

        def mark(operator: str, text: str) -> str:
            return self.marks.mark(Use(known.name, operator, text, where))

        if not known.word:
            return mark(use.operator, word)
        if use.operator == ":+":
            raise BundleError(
                tr(
                    "${{{name}:+...}} depends on ${{{known_name}-{word}}}: no text of Compose says so",
                    name=use.name,
                    known_name=known.name,
                    word=known.word,
                ),
                hint=tr("use ${{{name}:+...}} there, or set {name} in `settings: values`", name=known.name),
            )
        unset = mark("-", known.word)
        if use.operator == ":-":
            return mark(":-", mark("+", word) + unset)
        return mark(":-", mark("+", mark(":?", word)) + unset)
