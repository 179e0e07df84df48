"""Rules for the paths of a bundle's members.

Sites read paths line by line, show them on terminals, pass them to programs as arguments, and unpack them on
file systems that fold case and Unicode forms. A path that could be misinterpreted there is refused both when
a bundle is built and when it is read.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from bundler.language import tr

STATEMENTS: Final = "keys"
"""Folder of rotations and revocations."""
FOLDERS: Final = ("config", "kubernetes", "attestations", "files", "images")
LONGEST_PATH: Final = 1000
"""Bytes. The limit of macOS is 1023, including the folder that the bundle is unpacked in."""
LONGEST_NAME: Final = 255
"""Bytes of one part of a path: the limit of Linux file systems."""


class PathError(ValueError):
    """A path that is not allowed in a bundle.

    Attributes:
        hint: what to do about the file.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def show_path(path: str) -> str:
    """Return a path for messages, with all invisible characters escaped."""
    return path if path.isprintable() else repr(path)


def check_path(path: str) -> None:
    """Check the form of a path, relative, with `/` between its parts.

    Raises:
        PathError: the path has another form, or contains characters that a site could misread.
    """
    _check_characters(path)
    if len(path.encode()) > LONGEST_PATH:
        raise PathError(
            tr("a path longer than {longest_path} bytes", longest_path=LONGEST_PATH),
            tr("use fewer folders or shorter names"),
        )
    for name in path.split("/"):
        if name in {"", ".", ".."}:
            raise PathError(
                tr("not a path below the bundle's folder"), tr("use a relative path without '..'")
            )
        if name.startswith("-"):
            raise PathError(
                tr("a name that starts with a dash"), tr("rename it: programs would read it as an option")
            )
        if len(name.encode()) > LONGEST_NAME:
            raise PathError(
                tr("a name longer than {longest_name} bytes", longest_name=LONGEST_NAME), tr("shorten it")
            )


def _check_characters(path: str) -> None:
    for character in path if not (path.isascii() and path.isprintable()) else "":
        match unicodedata.category(character):
            case "Cs":
                raise PathError(tr("a name that is not valid UTF-8"), tr("rename it in a UTF-8 locale"))
            case "Cc" | "Zl" | "Zp":
                raise PathError(
                    tr("a control character (U+{character:04X}) in the name", character=ord(character)),
                    tr("rename it: control characters such as line breaks make one name look like two"),
                )
            case "Mn" | "Lo" if _is_part(character):
                raise PathError(
                    tr("a combining character (U+{character:04X}) in the name", character=ord(character)),
                    tr("rename it: some file systems combine it with the preceding letter"),
                )
            case "Cf":
                raise PathError(
                    tr("an invisible character (U+{character:04X}) in the name", character=ord(character)),
                    tr("rename it: such characters hide or reorder displayed text"),
                )
    if "\\" in path:
        raise PathError(
            tr("a backslash in the name"), tr("rename it: programs treat a backslash as an escape")
        )
    if not unicodedata.is_normalized("NFC", path):
        raise PathError(
            tr("a name that is not in Unicode normalization form C (NFC)"),
            tr(
                "rename it to {normalize!a}, which looks the same",
                normalize=unicodedata.normalize("NFC", path),
            ),
        )


def _is_part(character: str) -> bool:
    """Whether the character is a combining accent, a Japanese voicing mark or a conjoining Korean letter.

    Sequences with a composed form are not in form C. Sites cannot recognise those, so they refuse all of
    them.
    """
    return (
        "\u0300" <= character <= "\u036f" or character in "\u3099\u309a" or "\u1100" <= character <= "\u11ff"
    )


class PathSet:
    """The paths of one bundle. No two of them may collide when they are unpacked."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._known: dict[str, str] = {}

    def __contains__(self, path: str) -> bool:
        """Whether exactly this path was added."""
        return path in self._files

    def __len__(self) -> int:
        return len(self._files)

    def add(self, path: str) -> None:
        """Check a path on its own and against the others, and add it.

        Raises:
            PathError: the path is malformed or already present, or differs from another path, or from one of
                its folders, only in case or Unicode form.
        """
        check_path(path)
        if path in self._files:
            raise PathError(tr("two files have this path"), tr("keep one of them"))
        end = path.find("/")
        while end != -1:
            self._claim(path[:end], folder=True)
            end = path.find("/", end + 1)
        self._claim(path, folder=False)
        self._files.add(path)

    def _claim(self, path: str, *, folder: bool) -> None:
        known = self._known.setdefault(_fold(path), path)
        if known != path:
            raise PathError(
                tr(
                    "{path} and {known} differ only in case or Unicode normalization",
                    path=show_path(path),
                    known=show_path(known),
                ),
                tr("rename one of them: some file systems treat them as the same name"),
            )
        if path in (self._files if folder else self._folders):
            raise PathError(
                tr("{path} is both a file and a folder", path=show_path(path)), tr("rename one of them")
            )
        if folder:
            self._folders.add(path)


def _fold(path: str) -> str:
    """Return the same text for all paths that match regardless of case: Unicode, chapter 3, D145."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
