"""The commands and options of the installer, each declared once.

From here come the parts of the parser that are lists, `help`, the completion and the manual page of
`<name>ctl`, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Option:
    """An option.

    Attributes:
        name: the long name, without dashes. Its text is the message `help.option.<name>`.
        value: the kind of its value, which has the message `help.value.<kind>`; empty for none.
        letter: the short name, without a dash; empty for none.
        choices: all values, if they are few words.
        owned: whether commands that do not name it refuse it. The others ignore it.
    """

    name: str
    value: str = ""
    letter: str = ""
    choices: tuple[str, ...] = ()
    owned: bool = False


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: the word to type. Its text is the message `help.command.<name>`.
        options: the options that it uses, besides those of `COMMON`.
        words: the kind of what follows it, which has the message `help.words.<kind>`; empty for nothing.
    """

    name: str
    options: tuple[str, ...] = ()
    words: str = ""


OPTIONS: Final = (
    Option("root", "folder"),
    Option("lang", "choice", choices=("zh", "en", "zh.UTF-8")),
    Option("help", letter="h"),
    Option("key", "file"),
    Option("require", "number"),
    Option("rotation", "file"),
    Option("allow-unsigned"),
    Option("answers", "file"),
    Option("set", "answer"),
    Option("unset", "name"),
    Option("yes", letter="y"),
    Option("accept", "id"),
    Option("strict"),
    Option("report", "file"),
    Option("probe"),
    Option("install-engine"),
    Option("timeout", "seconds"),
    Option("json"),
    Option("watch", letter="w", owned=True),
    Option("follow", letter="f", owned=True),
    Option("since", "since", owned=True),
    Option("tail", "number", letter="n"),
    Option("services", owned=True),
    Option("list"),
    Option("output", "folder"),
    Option("keep", "number"),
    Option("encrypt"),
    Option("passphrase-file", "file"),
    Option("reason", "word"),
    Option("show-key"),
    Option("backup-key", "file"),
    Option("edits", "choice", choices=("keep", "refuse", "discard")),
    Option("no-backup"),
    Option("allow-downgrade"),
    Option("no-keep-blobs"),
    Option("keep-data"),
    Option("forward"),
    Option("from", "folder", owned=True),
    Option("dry-run", owned=True),
    Option("confirm", owned=True),
    Option("back", owned=True),
    Option("install"),
    Option("remove"),
    Option("at", "clock"),
    Option("containerd", "socket", owned=True),
    Option("registry", "registry", owned=True),
    Option("registry-user", "name", owned=True),
    Option("registry-password-file", "file", owned=True),
    Option("registry-ca", "file", owned=True),
    Option("registry-plain-http", owned=True),
    Option("registry-part", "number", owned=True),
    Option("parallel", "number", owned=True),
    Option("target", "choice", choices=("compose", "kubernetes"), owned=True),
    Option("kubeconfig", "file", owned=True),
    Option("context", "name", owned=True),
    Option("namespace", "name", owned=True),
    Option("purge", "things", choices=("data", "volumes", "images", "secrets", "backups", "all", "engine")),
)
"""All options, in the order of `help`."""
COMMON: Final = ("root", "lang", "help")
"""Options of every command."""

_SIGNED: Final = ("key", "require", "rotation", "allow-unsigned")
_ANSWERED: Final = ("answers", "set", "unset")
_STARTED: Final = ("timeout", "accept")
_REACHED: Final = ("kubeconfig", "context")
_TARGETED: Final = ("target", *_REACHED, "namespace")
_SAVED: Final = ("no-backup", "output", "encrypt", "passphrase-file")
_REGISTRY: Final = (
    "registry", "registry-user", "registry-password-file", "registry-ca", "registry-plain-http",
    "registry-part", "parallel",
)  # fmt: skip
_INSTALLED: Final = (
    *_SIGNED, *_ANSWERED, "yes", "accept", "strict", "report", "probe", "install-engine", "timeout", "edits",
    *_SAVED, "allow-downgrade", "no-keep-blobs",
)  # fmt: skip

COMPOSE_OPTIONS: Final = tuple(option for option in OPTIONS if option.name not in _TARGETED)
"""Options of a program that knows Docker alone, such as the preflight file."""

COMMANDS: Final = (
    Command("install", (*_INSTALLED, *_TARGETED, "json")),
    Command(
        "preflight",
        (*_ANSWERED, "accept", "strict", "report", "probe", "install-engine", *_TARGETED, "json"),
    ),
    Command("verify", (*_SIGNED, "accept", "json")),
    Command("node-images", ("containerd", *_SIGNED, "accept", "json")),
    Command("push", (*_REGISTRY, *_SIGNED, "accept", "output", "json")),
    Command("plan", (*_ANSWERED, "install-engine", "edits", "no-backup", "allow-downgrade", "json")),
    Command("status", ("watch", *_REACHED, "json")),
    Command("ps", ("services", *_REACHED), "services"),
    Command("top", ("watch", *_REACHED), "services"),
    Command("logs", ("follow", "since", "tail", *_REACHED), "services"),
    Command("exec", _REACHED, "program"),
    Command("start", (*_STARTED, *_REACHED), "services"),
    Command("stop", _REACHED, "services"),
    Command("restart", (*_STARTED, *_REACHED), "services"),
    Command(
        "backup",
        ("list", "json", "output", "keep", "encrypt", "passphrase-file", "reason", "show-key", "yes"),
    ),
    Command(
        "restore",
        ("output", "passphrase-file", "backup-key", "edits", "accept", "timeout", "yes", "json"),
        "backup",
    ),
    Command("rollback", ("keep-data", "forward", *_SAVED, "edits", *_STARTED, "yes", "json")),
    Command("adopt", ("from", "dry-run", "back", "confirm", *_INSTALLED)),
    Command("schedule", ("install", "remove", "at", "keep", "output", "encrypt", "passphrase-file")),
    Command("inspect", (*_REACHED, "json")),
    Command("support", ("output", "tail", *_REACHED)),
    Command("certificate", ("set", "answers", *_STARTED, "yes")),
    Command("trust", ("accept", "yes"), "file"),
    Command("uninstall", ("purge", *_REACHED, "yes")),
    Command("completion", (), "shell"),
    Command("man"),
    Command("help", (), "topic"),
    Command("version"),
)
"""All commands, in the order of `help`."""


def shell_commands(*, part: bool = False) -> str:
    """Return the lists and functions by which the shell knows commands and options.

    Args:
        part: whether they are for the preflight file, whose commands take no words and own no options.
    """
    parts = [
        _takes_value(COMPOSE_OPTIONS if part else OPTIONS),
        _name_option(),
        _owned(COMPOSE_OPTIONS if part else OPTIONS),
    ]
    if part:
        parts.append("describe_command() { words='' own_options=''; }")
    else:
        parts = [_lists(), *parts, _describe_command(), _describe_option()]
    return "\n\n".join(parts)


def _lists() -> str:
    return (
        f"COMMANDS='{' '.join(command.name for command in COMMANDS)}'\n"
        f"OPTIONS='{_dashed(option.name for option in OPTIONS)}'\n"
        f"COMMON_OPTIONS='{_dashed(COMMON)}'"
    )


def _owned(options: Iterable[Option]) -> str:
    return f"OWNED_OPTIONS='{_dashed(option.name for option in options if option.owned)}'"


def _takes_value(options: Iterable[Option]) -> str:
    names = " | ".join(f"--{option.name}" for option in options if option.value)
    return (
        "# takes_value OPTION: whether the option has a value\n"
        f"takes_value() {{\n    case $1 in {names}) return 0 ;; esac\n    return 1\n}}"
    )


def _name_option() -> str:
    cases = "".join(
        f"        -{option.letter}) option=--{option.name} ;;\n" for option in OPTIONS if option.letter
    )
    return (
        "# name_option OPTION: sets `option`, its long name\n"
        f"name_option() {{\n    case $1 in\n{cases}        *) option=$1 ;;\n    esac\n}}"
    )


def _describe_command() -> str:
    cases = "".join(
        f"        {command.name}) words='{command.words}' own_options='{_dashed(command.options)}' ;;\n"
        for command in COMMANDS
    )
    return (
        "# describe_command COMMAND: sets `words` and own_options. `words` is the kind of what follows it\n"
        f"describe_command() {{\n    words='' own_options=''\n    case $1 in\n{cases}    esac\n}}"
    )


def _describe_option() -> str:
    cases = "".join(
        f"        --{option.name}) letter='{option.letter}' value_kind='{option.value}' "
        f"choices='{' '.join(option.choices)}' ;;\n"
        for option in OPTIONS
    )
    return (
        "# describe_option OPTION: sets `letter`, value_kind and `choices`\n"
        f"describe_option() {{\n    letter='' value_kind='' choices=''\n    case $1 in\n{cases}    esac\n}}"
    )


def _dashed(names: Iterable[str]) -> str:
    return " ".join(f"--{name}" for name in names)
