"""The error about what a profile must decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.secrets.project import Problem

SHOWN: Final = 40
"""Places that an error shows at most."""


class UndecidedError(BundleError):
    """The profile must decide something before a bundle can be built.

    Attributes:
        problems: what it must decide.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Make the error that shows the problems, each with its place."""
        self.problems = tuple(problems)
        super().__init__(_message(self.problems), hint=_hint(self.problems))


def refuse_undecided(problems: Sequence[Problem]) -> None:
    """Raise an error if there are any problems.

    Raises:
        UndecidedError: there are.
    """
    if problems:
        raise UndecidedError(problems)


def _message(problems: Sequence[Problem]) -> str:
    lines = list(
        dict.fromkeys(
            f"{where}: {problem.message}" for problem in problems for where in (problem.where, *problem.more)
        )
    )
    if len(lines) == 1:
        return lines[0]
    more = [tr("and {count} more", count=len(lines) - SHOWN)] if len(lines) > SHOWN else []
    return "\n  ".join([tr("the profile must decide about secrets:"), *lines[:SHOWN], *more])


def _hint(problems: Sequence[Problem]) -> str:
    parts = []
    if any(problem.is_plain for problem in problems):
        parts.append(
            tr(
                "write ${NAME} instead, which becomes a secret of the site; or set "
                "`settings: literal_secrets: generate` to do so for all of them, or `carry` to include them"
            )
        )
    parts += _choices(problem for problem in problems if not problem.is_plain)
    return tr("; ").join(parts)


def _choices(problems: Iterable[Problem]) -> list[str]:
    """Return one setting for each problem, as a profile has it."""
    settings: dict[str, dict[str, list[str]]] = {}
    for problem in problems:
        settings.setdefault(problem.setting, {})[problem.name] = list(problem.choices)
    parts = []
    for setting, names in settings.items():
        if setting == "site_templates":
            parts.append(f"`settings: site_templates: [{', '.join(names)}]`")
            continue
        shown = ", ".join(f"{name}: {' | '.join(choices)}" for name, choices in names.items())
        decision = f"`settings: {setting}: {{{shown}}}`"
        if setting == "carry":
            decision = tr(
                "keep it out of the project, so that the site has its own; or carry it, for everyone who has "
                "the bundle to read: {decision}",
                decision=decision,
            )
        parts.append(decision)
    return parts


def preferred(problem: Problem) -> str:
    """Return the choice that a profile suggests: the first one, which is right most often."""
    return next(iter(problem.choices), "")
