"""Run commands with failing system calls on servers made of files, and check their output and results."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.injector import Fault, Injected, inject
from tests.support.server import TOOLS, Server

TIME = re.compile(r"\d{8}T\d{6}Z|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d{10}(?=\s|$)")
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
IGNORED = re.compile(
    r"log(/.*)?|state/(journal|early-log|running|receipt\.key)|receipts(/.*)?|data\.before-restore-.*/.*"
)
"""Paths below the root that record a run, whatever its outcome."""


SHORT = 8
"""Strings up to this length may occur in an output by chance."""
GONE_BACK = 5
BASH_CANNOT_FORK = 254
"""The exit code of bash, regardless of traps, if it cannot start a process even to clean up."""


@dataclass(frozen=True)
class Task:
    """A command to run with faults.

    Attributes:
        start: the snapshot from which it starts.
        words: `install VERSION ...`, or a command of the installed program.
        code: its exit code without faults.
        codes: other exit codes allowed under a fault of the server; 4 too for faults of the bundle's files.
        version, rows: the version that runs in the end, and its data; empty if nothing is to run.
    """

    start: str
    words: tuple[str, ...]
    code: int
    codes: frozenset[int]
    version: str = ""
    rows: str = ""


TASKS = {
    "verify": Task("empty", ("install", "1.0", "verify"), 0, frozenset({1})),
    "verify changed": Task("empty", ("install", "changed", "verify"), 4, frozenset({1})),
    "install changed": Task("empty", ("install", "changed"), 4, frozenset({1, 3})),
    "install": Task("empty", ("install", "1.0"), 0, frozenset({1, 3}), "1.0"),
    "upgrade": Task("old", ("install", "2.0"), 0, frozenset({1, 3, 5}), "2.0", "tea\n"),
    "backup": Task("old", ("backup",), 0, frozenset({1}), "1.0", "tea\n"),
    "restore": Task("spoilt", ("restore",), 0, frozenset({1, 5}), "1.0", "tea\n"),
    "restore anew": Task("wiped", ("install", "1.0", "restore"), 0, frozenset({1, 3}), "1.0", "tea\n"),
    "rollback": Task("new", ("rollback",), 0, frozenset({1, 5}), "1.0", "tea\n"),
}

SWEEPS = (
    ("write", "scratch", ("ever", "once", "short")),
    ("create", "scratch", ("ever", "once")),
    ("mkdir", "scratch", ("once",)),
    ("rename", "scratch", ("once",)),
    ("read", "scratch", ("once",)),
    ("open", "scratch", ("once",)),
    ("close", "scratch", ("once",)),
    ("mode", "scratch", ("once",)),
    ("write", "root", ("ever", "once", "short")),
    ("create", "root", ("ever", "once")),
    ("mkdir", "root", ("once",)),
    ("rename", "root", ("once",)),
    ("remove", "root", ("once",)),
    ("read", "root", ("once",)),
    ("open", "root", ("once",)),
    ("close", "root", ("once",)),
    ("mode", "root", ("once",)),
    ("sync", "root", ("once",)),
    ("read", "bundle", ("once", "half")),
    ("open", "bundle", ("once",)),
    ("write", "server", ("half",)),
    ("read", "server", ("half",)),
    ("fork", "", ("once", "ever")),
    ("exec", "", ("once",)),
    ("pipe", "", ("once",)),
)
"""Groups of calls, the files that they concern, and how they fail."""


@dataclass(frozen=True)
class Point:
    """A single failing call; its text is a value of BUNDLE_TEST_FAULT that repeats it."""

    task: str
    shell: str
    calls: str
    place: str
    mode: str
    number: int

    def __str__(self) -> str:
        return ",".join((self.task, self.shell, self.calls, self.place or "all", self.mode, str(self.number)))

    @classmethod
    def parse(cls, text: str) -> Point:
        """Parse the text of a point."""
        task, shell, calls, place, mode, number = text.split(",")
        return cls(task, shell, calls, place.removeprefix("all"), mode, int(number))


def change_bundle(bundle: Path) -> Path:
    """Copy a bundle to the same folder and change one file in the copy."""
    changed = bundle.parent / "changed"
    if not changed.exists():
        part = bundle.parent / ".changed"
        shutil.copytree(bundle, part, symlinks=True)
        with (part / "config/app.conf").open("a") as file:
            file.write("# changed by somebody\n")
        part.rename(changed)
    return changed


def folders(server: Server, place: str) -> tuple[Path, ...]:
    """Return the folders of a place."""
    return {
        "scratch": (server.folder / "scratch",),
        "root": (server.root,),
        "server": (server.folder,),
        "bundle": tuple(server.bundles.values()),
        "": (),
    }[place]


def perform(task: Task, server: Server, shell: str, fault: Fault) -> Injected:
    """Run the task's command on the server with a fault."""
    words = [str(word) for word in task.words]
    if words[-1] == "restore":
        words += [server.backup(), "--backup-key", str(server.folder / "backup-key")]
    if words[0] == "install":
        bundle = server.bundles[words[1]]
        key = bundle.parent / "bundle.pub"
        words = [str(bundle / "install"), *words[2:], "--key", str(key), "--root", str(server.root)]
    else:
        words.insert(0, str(server.root / "current/install"))
    tools = server.folder / "killer/bin"
    shutil.rmtree(server.folder / "killer", ignore_errors=True)
    tools.mkdir(parents=True)
    for name in ("docker", "sleep", "sync"):
        (tools / name).symlink_to(TOOLS / name)
    scratch = server.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    environment = {
        "PATH": f"{tools}:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(server.folder),
        "TMPDIR": str(scratch),
    }
    return inject(
        fault,
        [*shell.split(), *words, "--yes"],
        environment=environment,
        folder=server.folder,
        report=server.folder / "report",
    )


def members(archive: Path, clean: Callable[[str], str]) -> str:
    """Describe the members of a tar, since tars made at different times differ in their bytes."""
    with tarfile.open(archive) as tar:
        found = []
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            content = clean(file.read().decode(errors="replace")) if file else ""
            found.append(f"{member.name} {member.mode:o} {member.linkname} {content}")
    return "\n".join(sorted(found))


def read_secrets(server: Server) -> dict[str, str]:
    """Map the names of secrets, which no output may show, to their values."""
    file = server.root / "secrets.env"
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    pairs = (line.partition("=") for line in lines)
    return {name: value for name, _, value in pairs if len(value) > SHORT}


def picture(server: Server) -> dict[str, str]:
    """Describe the state below the root and in the engine, without what differs from run to run."""
    secrets = read_secrets(server)

    def clean(text: str) -> str:
        text = text.replace(str(server.folder), "SERVER")
        for name, value in secrets.items():
            text = text.replace(value, name)
        return TIME.sub("TIME", text)

    found: dict[str, str] = {}
    for base in (server.root, server.folder / "engine"):
        for path in sorted(base.rglob("*")):
            name = str(path.relative_to(base))
            if (base == server.root and IGNORED.fullmatch(name)) or name in {"ups", "manifest.json"}:
                continue
            mode = f"{path.lstat().st_mode:o}"
            if path.is_symlink():
                content = str(path.readlink())
            elif path.is_dir():
                content = ""
            elif path.suffix == ".tar" and "backups" in path.parts:
                content = members(path, clean)
            else:
                content = path.read_bytes().decode(errors="replace")
            in_backup = "backups" in path.parts and path.name.startswith("SHA256SUMS")
            if in_backup or path.name in {"mount-key", ".mounted.yaml"}:  # a random key, and digests with it
                content = DIGEST.sub("DIGEST", content)
            found[f"{base.name}/{TIME.sub('TIME', name)}"] = f"{mode} {clean(content)}"
    return found


def differences(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    """Return the names that are in only one of two descriptions, or differ between them."""
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def judge(point: Point, task: Task, server: Server, clean: dict[str, str]) -> Iterator[str]:
    """Run the command with the fault, then without; yield everything wrong with the results."""
    fault = Fault(point.calls, point.number, point.mode, folders(server, point.place))
    done = perform(task, server, point.shell, fault)
    told = f"code {done.code}, {done.output.strip()[-700:]}\n    " + "\n    ".join(done.places[:3])
    if not done.failed:
        if done.code != task.code:
            yield f"nothing failed, and yet: {told}"
        return
    for wrong in judge_end(point, task, server, done):
        yield f"{wrong}: {told}"
    if done.code == 0 == task.code and (less := differences(clean, picture(server))):
        yield f"success with less than all done ({', '.join(less[:6])}): {told}"
    again = perform(task, server, point.shell, Fault("fork", 1, "count"))
    if again.code == GONE_BACK in task.codes:  # the run completed the return that the fault had prevented
        again = perform(task, server, point.shell, Fault("fork", 1, "count"))
    if again.code != task.code:
        yield f"the same command again: code {again.code}, {again.output.strip()[-700:]}\n  after: {told}"
    elif task.version:
        if not task.rows:
            server.rows.write_text("")
        try:
            server.check(task.version, task.rows)
        except (AssertionError, OSError) as error:
            yield f"the same command again left less: {error!r}\n  after: {told}"


def judge_end(point: Point, task: Task, server: Server, done: Injected) -> Iterator[str]:
    """Yield everything wrong with the result of a command run with a failing call."""
    allowed = {task.code} if point.mode == "half" else {task.code} | task.codes
    if point.place == "bundle":
        allowed |= {4}
    if point.shell.startswith("bash") and (point.calls, point.mode) == ("fork", "ever"):
        allowed |= {BASH_CANNOT_FORK}
    if done.code not in allowed:
        yield "not a documented end"
    if done.left:
        yield "something went on after it"
    if "changed" in task.words and "Verified" in done.output:
        yield "called verified"
    if any(value in done.output for value in read_secrets(server).values()):
        yield "a secret is shown"
    if done.code and not done.output.strip():
        yield "no word of what is wrong"
