"""The errors that a user can cause or must hear of. Only `bundler.cli.main` prints them and exits."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns; the installer uses the same numbers."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PREFLIGHT = 3
    VERIFICATION = 4


class BundleError(Exception):
    """Something expected went wrong.

    Attributes:
        message: what is wrong, one sentence, naming the file, key or image.
        hint: what to do about it; may be None where there is nothing to do.
        exit_code: what the process returns.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BundleError):
    """The command line asks for something that cannot be."""

    exit_code = ExitCode.USAGE


class ProfileError(BundleError):
    """A profile is wrong; the message begins `file:line: key:`."""

    exit_code = ExitCode.USAGE


class PluginError(BundleError):
    """A plugin cannot be loaded or broke its contract; the message names it."""


class ImageNotFoundError(BundleError):
    """A source does not have the image; the next source is asked."""


class FetchError(BundleError):
    """A blob or manifest could not be had, or is not what it should be."""


class VerificationError(BundleError):
    """Bytes are not what was signed or promised."""

    exit_code = ExitCode.VERIFICATION


class HintedValueError(ValueError):
    """What a validator raises when it knows the remedy.

    Attributes:
        hint: what to write instead.
        at: the key that is wrong, below the value that is validated.
    """

    def __init__(self, message: str, *, hint: str, at: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        self.at = at


def did_you_mean(
    name: str, known: Iterable[str], otherwise: str | None = None, quote: str = ""
) -> str | None:
    """The hint for a name that does not exist: the nearest one that does, else all of them.

    Args:
        name: as it was written.
        known: the names that exist, in the order in which they are listed.
        otherwise: introduces the list of all names, where none is near; None for no list.
        quote: stands around the nearest name.
    """
    import difflib  # noqa: PLC0415 only who misspells pays for it

    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    if near:
        return f"did you mean {quote}{near[0]}{quote}?"
    return f"{otherwise}: {', '.join(names)}" if otherwise and names else None
