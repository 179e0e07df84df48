"""A packer that can rehearse: it tries a finished bundle on this machine before it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from bundler.bundle.manifest import BundleManifest
    from bundler.terminal.progress import Reporter

StepResult = Literal["passed", "failed", "not rehearsed"]


@dataclass(frozen=True)
class RehearsalOptions:
    """How a bundle is rehearsed.

    Attributes:
        keys: public keys that the site gets, each as PEM; empty for an unsigned bundle.
        answers: answers to the installer, by the names of site variables. Others are generated.
        scratch: existing folder for everything that the site holds.
        records: folder with a note of each rehearsal that has not been removed, and with kept logs.
        keep: leave the site running at the end, instead of uninstalling.
        reporter: receives progress.
    """

    keys: tuple[bytes, ...]
    answers: Mapping[str, str]
    scratch: Path
    records: Path
    keep: bool
    reporter: Reporter


@dataclass(frozen=True)
class RehearsalStep:
    """A step of a rehearsal.

    Attributes:
        name: name of the step in English; people read its translation.
        result: what came of it.
        seconds: how long it took.
        said: for people: what was waited for, or the reason of a failure.
    """

    name: str
    result: StepResult
    seconds: float
    said: str


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal found.

    Attributes:
        steps: the steps in order; it ends with the first that failed.
        tables: for people: column headings and rows.
        lines: for people: texts after the tables.
        data: for machines, in addition to the steps.
    """

    steps: tuple[RehearsalStep, ...]
    tables: tuple[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]], ...] = ()
    lines: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> RehearsalStep | None:
        """The step that failed; None if the bundle works."""
        return next((step for step in self.steps if step.result == "failed"), None)


@runtime_checkable
class Rehearser(Protocol):
    """A packer whose bundles can be rehearsed: implement these methods in addition to those of `Packer`."""

    def check_machine(self) -> None:
        """Check what a rehearsal needs of this machine, before anything else is done.

        Raises:
            BundleError: something is missing; exit code 3.
        """

    def rehearse(self, bundle: Path, manifest: BundleManifest, options: RehearsalOptions) -> Rehearsal:
        """Install the bundle on a throwaway site, use all its commands, and remove the site.

        Raises:
            BundleError: this machine cannot rehearse the bundle; exit code 3.
            UsageError: an answer is unknown, or none can be generated.
        """

    def end_rehearsals(self, records: Path) -> list[str]:
        """End rehearsals that were kept, remove what killed ones left, and return a line for each."""
