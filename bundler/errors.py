"""Errors that a user can cause or needs to see. Only `bundler.cli.main` prints them and exits."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from bundler.language import tr


class ExitCode(IntEnum):
    """Exit codes of the process; the installer uses the same numbers."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PREFLIGHT = 3
    VERIFICATION = 4


class BundleError(Exception):
    """An expected error.

    Attributes:
        message: what is wrong, one sentence, naming the file, key or image.
        hint: what to do about it; None if there is nothing to do.
        about: the image that has the problem; None if the message names it, or if it has no subject.
        cause: the message without `about`.
        key: equal for errors with the same cause, see `combine`.
        exit_code: exit code of the process.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        about: str | None = None,
        key: Hashable | None = None,
    ) -> None:
        """Describe what is wrong.

        Args:
            message: what is wrong; `about` is put before it.
            hint: what to do about it.
            about: the image that has the problem.
            key: equal for errors whose cause is the same in spite of different messages; by default, the
                message and the hint.
        """
        self.cause = message
        self.message = f"{about}: {message}" if about else message
        super().__init__(self.message)
        self.hint = hint
        self.about = about
        self.key = (message, hint) if key is None else key


class UsageError(BundleError):
    """An invalid or impossible command line."""

    exit_code = ExitCode.USAGE


class ProfileError(BundleError):
    """An invalid profile; the message begins with `file:line: key:`."""

    exit_code = ExitCode.USAGE


class PluginError(BundleError):
    """A plugin that cannot be loaded or violates its interface; the message names it."""


class ImageNotFoundError(BundleError):
    """A source does not have the image; the next source is tried."""


class FetchError(BundleError):
    """A blob or manifest is unavailable or invalid."""


@dataclass(frozen=True)
class Cause:
    """What one or more things have as their problem.

    Attributes:
        message: what is wrong, without the names of the things.
        about: their names, sorted; empty if `message` names the thing.
        hint: what to do about it.
    """

    message: str
    about: tuple[str, ...]
    hint: str | None

    def lines(self, *, hinted: bool) -> list[str]:
        """Return the lines for people, the hint among them on request."""
        if len(self.about) == 1:
            lines = [f"{self.about[0]}: {self.message}"]
        else:
            names = ", ".join(self.about)
            images = tr("for {count} images: {names}", count=len(self.about), names=names)
            lines = [self.message, *([f"  {images}"] if self.about else [])]
        return lines + (["  " + tr("hint: {hint}", hint=self.hint)] if hinted and self.hint else [])


class CombinedError(FetchError):
    """Several errors at once, each cause said once.

    Attributes:
        causes: the causes in the order in which they were met.
    """

    def __init__(self, what: str, causes: Sequence[Cause], exit_code: ExitCode) -> None:
        """Describe the errors; `what` is the head line if there are several causes."""
        hints = {cause.hint for cause in causes}
        common = hints.pop() if len(hints) == 1 else None
        lines = [line for cause in causes for line in cause.lines(hinted=common is None)]
        head = [] if len(causes) == 1 else [tr("{what}:", what=what)]
        super().__init__(("\n  " if head else "\n").join([*head, *lines]), hint=common)
        self.causes = tuple(causes)
        self.exit_code = exit_code


def combine(errors: Sequence[BundleError], what: str) -> BundleError:
    """Return one error for all `errors`, in which each cause is said once, with all that it concerns.

    Args:
        errors: at least one.
        what: the head line if there are several causes, for example `3 images cannot be resolved`.
    """
    if len(errors) == 1:
        return errors[0]
    groups: dict[Hashable, list[BundleError]] = {}
    for error in errors:
        groups.setdefault(error.key, []).append(error)
    causes = [
        Cause(group[0].cause, tuple(sorted({e.about for e in group if e.about})), group[0].hint)
        for group in groups.values()
    ]
    codes = {error.exit_code for error in errors}
    return CombinedError(what, causes, codes.pop() if len(codes) == 1 else ExitCode.FAILED)


class VerificationError(BundleError):
    """Bytes do not match what was signed or promised."""

    exit_code = ExitCode.VERIFICATION


class HintedValueError(ValueError):
    """Raised by validators that know a remedy.

    Attributes:
        hint: what to write instead.
        at: the invalid key, below the value being validated.
    """

    def __init__(self, message: str, *, hint: str, at: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        self.at = at


def did_you_mean(
    name: str, known: Iterable[str], otherwise: str | None = None, quote: str = ""
) -> str | None:
    """Return a hint for an unknown name: the closest known name, or else all known names.

    Args:
        name: the unknown name.
        known: known names, in the order in which they are listed.
        otherwise: introduces the list of all names if none is close; None for no list.
        quote: put around the closest name.
    """
    import difflib  # noqa: PLC0415 needed only for misspelt names

    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    if near:
        return tr("did you mean {name}?", name=f"{quote}{near[0]}{quote}")
    return (
        tr("{otherwise}: {names}", otherwise=otherwise, names=", ".join(names))
        if otherwise and names
        else None
    )
