"""The language of a run: `--lang`, else the configuration, else the locale."""

from __future__ import annotations

import copy
import gettext
import os
import re
import sys
from collections.abc import Sequence

import click

from bundler.language import LANGUAGES, language
from bundler.profile.configuration_paths import PROJECT_FILE, user_configuration

OPTION = "--lang"
LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
"""POSIX: the first that is set and not empty holds."""
_SETS_LANG = re.compile(rb"^[ \t]*[\w.\"' \t]*\blang[\"']?[ \t]*=", re.MULTILINE)


def lang_option() -> click.Option:
    """Return the option, which `find_language` has already read: click only checks and documents it."""
    return click.Option(
        [OPTION],
        type=click.Choice(LANGUAGES),
        expose_value=False,
        help="Language of texts. Default: from the configuration, else from the locale.",
    )


def find_language(words: Sequence[str], *, as_json: bool) -> str:
    """Return the language of a run.

    It must be known before the command line is read: an error in the command line has a language too.
    With `--json`, only the option counts: what programs read does not depend on who runs them.

    Args:
        words: the command line.
        as_json: whether `--json` is on it.
    """
    given = _given(words)
    if given is not None:
        return given
    if as_json:
        return LANGUAGES[0]
    return configured_language() or locale_language()[0]


def _given(words: Sequence[str]) -> str | None:
    for number, word in enumerate(words):
        if word == "--":
            return None
        name, equals, value = word.partition("=")
        if name == OPTION:
            value = value if equals else "".join(words[number + 1 : number + 2])
            if value in LANGUAGES:
                return value
    return None


def configured_language() -> str | None:
    """Return what the project or the user configured; None if nothing, or if the file is invalid.

    The files are read here without pydantic, which would cost every command 100 ms. Whatever is wrong with
    them is said by the commands that need more of them.
    """
    for path, table in ((PROJECT_FILE, ("tool", "bundle")), (user_configuration(), ())):
        value = _read(path, table) if path is not None else None
        if value is not None and value in LANGUAGES:
            return value
    return None


def _read(path: str, table: Sequence[str]) -> str | None:
    try:
        with open(path, "rb") as file:
            raw = file.read()
        if _SETS_LANG.search(raw) is None:
            return None
        import tomllib  # costs 10 ms

        found = tomllib.loads(raw.decode())
        for key in table:
            found = found[key]
        value = found["lang"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return value if isinstance(value, str) else None


def locale_language() -> tuple[str, str | None]:
    """Return the language of the locale, and the variable that says it; None without one."""
    for name in LOCALE:
        value = os.environ.get(name)
        if value:
            chinese = value.lower().startswith("zh") and _can_be_written("\u955c\u50cf")
            return LANGUAGES[1] if chinese else LANGUAGES[0], f"${name}"
    return LANGUAGES[0], None


def _can_be_written(text: str) -> bool:
    """Whether the streams of the process can encode these characters: those of `LC_ALL=C` may not."""
    try:
        for stream in (sys.stdout, sys.stderr):
            text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def localised(command: click.Command) -> click.Command:
    """Return the command with `--lang`, and with its texts in the language."""
    found = copy.copy(command)
    names = {name for each in command.params for name in each.opts}
    found.params = [_named(each) for each in command.params]
    if OPTION not in names:
        found.params.append(lang_option())
    if language() != LANGUAGES[0]:
        from bundler.cli.help import translate

        translate(found)
    return found


def _named(parameter: click.Parameter) -> click.Parameter:
    """Return a parameter whose paths are called `file`, `directory` or `path` in the language of the run.

    click chooses the word when the parameter is made: in the language of the run that imports the command.
    """
    kind = parameter.type
    if not isinstance(kind, click.Path):
        return parameter
    found, renamed = copy.copy(parameter), copy.copy(kind)
    name = "path" if kind.file_okay and kind.dir_okay else "file" if kind.file_okay else "directory"
    renamed.name = gettext.gettext(name)
    found.type = renamed
    return found
