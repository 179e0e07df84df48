"""Commands of which a system call fails, on servers made of files: what they may then say and leave."""

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
IGNORED = re.compile(r"log(/.*)?|state/(journal|early-log|running)|data\.before-restore-.*/.*")
"""Below the root: what tells of the run, whatever it did."""


SHORT = 8
"""Characters of what may stand in an output by chance."""
GONE_BACK = 5
BASH_CANNOT_FORK = 254
"""How bash ends, whatever its traps say, where it cannot start a process even to clean up."""


@dataclass(frozen=True)
class Task:
    """A command.

    Attributes:
        start: the snapshot that it begins with.
        words: `install VERSION ...`, or a command of what is installed.
        code: how it ends without faults.
        codes: how else it may end under a fault of the server; of the bundle's files, 4 too.
        version, rows: what runs in the end, and its data; empty where nothing is to run.
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
"""Groups of calls, the files they are about, and how they fail."""


@dataclass(frozen=True)
class Point:
    """One call that fails; its text is what BUNDLE_TEST_FAULT takes to try it again."""

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
        """The point that printed itself so."""
        task, shell, calls, place, mode, number = text.split(",")
        return cls(task, shell, calls, place.removeprefix("all"), mode, int(number))


def change_bundle(bundle: Path) -> Path:
    """A copy of a bundle of which one file was changed, beside it."""
    changed = bundle.parent / "changed"
    if not changed.exists():
        part = bundle.parent / ".changed"
        shutil.copytree(bundle, part, symlinks=True)
        with (part / "config/app.conf").open("a") as file:
            file.write("# changed by somebody\n")
        part.rename(changed)
    return changed


def folders(server: Server, place: str) -> tuple[Path, ...]:
    """The folders of a place."""
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
    """Names and content of a tar, for two that were made at different times are not the same bytes."""
    with tarfile.open(archive) as tar:
        found = []
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            content = clean(file.read().decode(errors="replace")) if file else ""
            found.append(f"{member.name} {member.mode:o} {member.linkname} {content}")
    return "\n".join(sorted(found))


def read_secrets(server: Server) -> dict[str, str]:
    """What must not be shown: name -> value."""
    file = server.root / "secrets.env"
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    pairs = (line.partition("=") for line in lines)
    return {name: value for name, _, value in pairs if len(value) > SHORT}


def picture(server: Server) -> dict[str, str]:
    """All that a command leaves below the root and in the engine, without what differs from run to run."""
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
            if "backups" in path.parts and path.name.startswith("SHA256SUMS"):
                content = DIGEST.sub("DIGEST", content)
            found[f"{base.name}/{TIME.sub('TIME', name)}"] = f"{mode} {clean(content)}"
    return found


def differences(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    """The names that are only in one picture, or not the same in both."""
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def judge(point: Point, task: Task, server: Server, clean: dict[str, str]) -> Iterator[str]:
    """Run the command with the fault, then without; say all that is wrong with how it ended."""
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
    if again.code == GONE_BACK in task.codes:  # it took up the way back that the fault kept it from
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
    """What is wrong with the end of a command of which a call failed."""
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
