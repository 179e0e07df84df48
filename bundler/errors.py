"""Errors that a user can cause or needs to see. Only `bundler.cli.main` prints them and exits."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


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
        exit_code: exit code of the process.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


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
        return f"did you mean {quote}{near[0]}{quote}?"
    return f"{otherwise}: {', '.join(names)}" if otherwise and names else None
