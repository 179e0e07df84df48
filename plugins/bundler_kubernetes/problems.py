"""Collects what a cluster cannot do, and what is different there, while an application is mapped."""

from __future__ import annotations

from bundler.errors import BundleError, combine
from bundler.language import tr
from bundler_kubernetes.objects import Note


class Findings:
    """What was found so far.

    Attributes:
        notes: what is mapped with a loss.
        problems: what is refused.
    """

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.problems: list[BundleError] = []

    def note(self, subject: str, key: str, text: str, **values: object) -> None:
        """Add a line to the report, once."""
        line = Note(subject, key, text, {name: str(value) for name, value in values.items()})
        if line not in self.notes:
            self.notes.append(line)

    def refuse(self, subject: str, key: str, reason: str, hint: str | None = None) -> None:
        """Refuse a value; the application is still read to its end, so that all problems are named."""
        cause = tr("{key}: impossible in a cluster: {reason}", key=key, reason=reason)
        advice = hint or tr("change the project, or remove `kubernetes` from `targets`")
        self.problems.append(BundleError(f"{subject}: {cause}", hint=advice))

    def check(self) -> None:
        """Raise what was refused.

        Raises:
            BundleError: something was; it names all of it.
        """
        if self.problems:
            count = len(self.problems)
            what = tr.plural("{number} value cannot be mapped", "{number} values cannot be mapped", count)
            raise combine(self.problems, what)
