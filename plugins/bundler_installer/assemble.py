"""Joins the shell sources and the message catalogues into one POSIX sh file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from bundler.language import tr
from bundler_installer.checks import PROBES
from bundler_installer.commands import shell_commands
from bundler_installer.forms import shell_folds, shell_forms
from bundler_installer.readers import shell_readers
from bundler_installer.tables import LANGUAGES

_WORD = re.compile(r"[a-z][a-z_-]*\.[a-z_-]+")
"""A message id in the code."""
_FAMILY = re.compile(r'"((?:[a-z][a-z-]*\.)+(?:[a-z]+_)?)\$')
"""The constant prefix of a computed message id: `"check.$id"`, `"report.result_$result"`."""
_PROGRAM = re.compile(r"\$PROGRAM_([A-Z]+)_([A-Z0-9_]+)")
"""A use of an awk program: `$PROGRAM_LIB_JSON` is `awk/lib/json.awk`."""
_COMMENT = re.compile(r"^ *# (?!----|shellcheck ).*\n", re.MULTILINE)
"""A comment line, except for titles and shellcheck directives."""
_REASON = re.compile(r"^( *# shellcheck \S+) # .*$", re.MULTILINE)
"""A shellcheck directive with the reason behind it."""
_TITLE = re.compile(r"^# ---- (?!standalone\b)[a-z_/-]+.*\n\n?", re.MULTILINE)
"""The title of a source; that of the last one marks where tables are put."""
_GLOBAL = re.compile(r"^([A-Z_]+=\S*) +# .*$", re.MULTILINE)
"""A global variable with the comment behind it."""
_INDENT = re.compile(r"^(?: {4})+", re.MULTILINE)
_FUNCTION = re.compile(r"^([a-z][a-z0-9_]*)\(\) \{(?: .*\}|\n(?:.*\n)*?\})(?:\n|\Z)", re.MULTILINE)
"""A function: on one line, or to the first brace at the start of a line."""
_BLANK = re.compile(r"\n\n+(?=[a-z][a-z0-9_]*\(\) \{)")
"""Empty lines before a function."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FOLDERS = {
    "lib": (
        "header", "environment", "globals", "ending", "meter", "messages", "programs", "text", "processes",
        "scratch", "mistakes", "host", "writers", "targets", "options", "files", "columns", "progress",
        "space", "digests", "notes", "facts", "root", "redaction", "tar", "holders", "lock", "journal", "run",
        "terminal",
    ),
    "bundle": (
        "refusal", "forms", "sums", "keys", "statements", "signatures", "opening", "blobs", "medium",
        "layout", "archive", "verification", "trust",
    ),
    "target/compose": (
        "engine", "compact", "images", "volumes", "containers", "mounted", "services", "scope",
    ),
    "services": (
        "states", "probes", "start",
    ),
    "node": (
        "containerd", "images",
    ),
    "registry": (
        "address", "exchange", "login", "harbor", "spool", "upload", "push",
    ),
    "engine": (
        "plan", "ownership", "service", "presence", "installation",
    ),
    "site": (
        "tree", "key", "answers", "templates", "variables",
        "certificate", "edits", "release", "delivery", "counter",
        "receipt",
    ),
    "target/kubernetes": (
        "cluster", "objects", "pods", "services", "preflight", "absent",
    ),
    "target": (
        "choice",
    ),
    "preflight": (
        "checks", "hardware", "storage", "podman", "lacking", "engine", "document", "system", "addresses",
        "network", "site", "expiry", "objects", "limits", "devices", "options", "results", "report", "probe",
        "verdict",
    ),
    "data": (
        "encryption", "authentic", "parts", "carried", "volumes", "dumps", "aside", "prune", "backup",
        "schedule", "restore",
    ),
    "change": (
        "phases", "upgrade", "plan", "rollback", "page", "questions", "summary",
        "installation",
    ),
    "adoption": (
        "phases", "old", "plan", "steps", "takeover",
    ),
    "daily": (
        "help", "completion", "manual", "running", "containers", "inspection", "status", "support", "removal",
    ),
}  # fmt: skip
"""The shell sources, from the lowest layer up: a file calls only its own functions and those before it.

Later files register what must happen at the end of a run, or once it holds the lock."""
SOURCES = (*(f"{folder}/{name}" for folder, names in FOLDERS.items() for name in names), "main")
"""All sources in order; the last line of `main.sh` is the only one that starts anything."""
KUBERNETES = "target/kubernetes/"
"""The sources that replace functions of others: all of them are defined by a call of `use_kubernetes`."""
_USE_KUBERNETES = """\
# use_kubernetes: from now on the site is in a cluster
# shellcheck disable=SC2086,SC2317 # exit codes need no quotes; its functions are called
use_kubernetes() {"""
KUBERNETES_SOURCES = tuple(name for name in SOURCES if name.startswith(KUBERNETES))


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return the texts of a language by message id, from `messages/<language>/*.tsv`.

    Raises:
        ValueError: a line is not `id<TAB>text`, or an id is defined twice.
    """
    found: dict[str, str] = {}
    folder = files("bundler_installer").joinpath(f"messages/{language}")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            key, tab, message = line.partition("\t")
            if not tab or not message or key in found:
                raise ValueError(
                    tr(
                        "{language}/{file_name}:{number}: not `id<TAB>text`, or there twice",
                        language=language,
                        file_name=file.name,
                        number=number,
                    )
                )
            found[key] = message
    return found


@cache
def assemble_installer() -> bytes:
    """Return the file `install`: all sources, with a function `find_text_<language>` for each catalogue."""
    return guard(join_sources(SOURCES))


def guard(script: bytes) -> bytes:
    """Return the script as one group of commands, which a shell reads completely before it runs any of them.

    A truncated file therefore does nothing, wherever it is cut. Without the group, a cut in the middle of
    `make_scratch() {` would leave a line that calls `make`.
    """
    lines = script.decode().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return "".join([*lines[:first], "{\n", *lines[first:], "}\n"]).encode()


def join_sources(names: Iterable[str], *, part: bool = False, nested: bool = True) -> bytes:
    """Join shell sources in order with the generated parts: awk programs, catalogues, forms, table readers.

    Args:
        names: names of the sources.
        part: whether to include only the functions and messages that these sources use, without comments.
        nested: whether the sources of Kubernetes stand in the function `use_kubernetes`.
    """
    sources = {name: _source(name) for name in names}
    if part:  # the file is sent over slow lines; only the installer, which is not, keeps its comments
        sources = _without_unused(
            {
                name: _COMMENT.sub("", _GLOBAL.sub(r"\1", text)) if name != "lib/header" else text
                for name, text in sources.items()
            }
        )
    code = "\n".join(sources.values())
    words, families = (set(_WORD.findall(code)), tuple(_FAMILY.findall(code))) if part else (set(), ("",))
    others = {check.id for check in PROBES if f"measure_{check.id.replace('-', '_')}()" not in code}
    parts = []
    programs: dict[str, str] = {}
    for name, source in sources.items():
        more = {match[0]: _program(match[1], match[2]) for match in _PROGRAM.finditer(source)}
        parts += [text for variable, text in more.items() if variable not in programs]
        programs |= more
        if name == "lib/options":
            parts.append(shell_commands(part=part))
        if nested and name == KUBERNETES_SOURCES[0]:
            parts.append(_USE_KUBERNETES)
        parts.append(source)
        if nested and name == KUBERNETES_SOURCES[-1]:
            parts.append("}")
        if name == "lib/facts":
            parts.append(shell_readers(code))
        if name == "bundle/forms":
            parts += [shell_forms(), shell_folds()]
        if name == "lib/messages":
            parts += [_catalogue_function(language, words, families, others) for language in LANGUAGES]
    joined = "\n\n".join(parts) + "\n"
    if part:
        joined = _TITLE.sub("", _REASON.sub(r"\1", joined))
        joined = _BLANK.sub("\n", joined)
        joined = _INDENT.sub(lambda indent: "\t" * (len(indent[0]) // 4), joined)
    return joined.encode()


def _without_unused(sources: dict[str, str]) -> dict[str, str]:
    """Leave out functions whose names stand nowhere else; those of checks are called by computed names."""
    while True:
        counts = Counter(_NAME.findall("\n".join(sources.values())))
        unused = {
            found[0]
            for text in sources.values()
            for found in _FUNCTION.finditer(text)
            if not found[1].startswith("measure_")
            and counts[found[1]] == len(re.findall(rf"\b{found[1]}\b", found[0]))
        }
        if not unused:
            return sources
        for gone in unused:
            sources = {name: text.replace(gone, "") for name, text in sources.items()}


@cache
def _source(name: str) -> str:
    return files("bundler_installer").joinpath(f"shell/{name}.sh").read_text("utf-8").rstrip("\n")


def _program(folder: str, name: str) -> str:
    """Return the assignment of an awk program, without its comments, to a variable."""
    file = files("bundler_installer").joinpath(f"awk/{folder.lower()}/{name.lower()}.awk")
    lines = [
        line for line in file.read_text("utf-8").splitlines() if line and not line.lstrip().startswith("#")
    ]
    program = _quote("\n".join(lines) + "\n")
    head = "# shellcheck disable=SC1003,SC2016 # quotes and dollars are for awk"
    return f"{head}\nPROGRAM_{folder}_{name}={program}"


def _catalogue_function(language: str, words: set[str], families: tuple[str, ...], others: set[str]) -> str:
    """Return the function with the texts whose ids, or beginnings of ids, are used; `others` are not run."""
    said = {
        key: text
        for key, text in catalogue(language).items()
        if key in words or (key.startswith(families) and key.partition(".")[2] not in others)
    }
    cases = "".join(f"        {key}) text={_quote(text)} ;;\n" for key, text in said.items())
    return (
        f"# find_text_{language} ID: sets `text`\n"
        f"# shellcheck disable=SC2016 # dollars are for the reader\n"
        f"find_text_{language}() {{\n    case $1 in\n{cases}        *) text=$1 ;;\n    esac\n}}"
    )


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
