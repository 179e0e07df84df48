"""The machine after the tests is the machine before them, also after Ctrl-C.

Compared are links and addresses, routes, the firewall's rules, network namespaces, mounts, the images of the
machine's own engine, and whether packets are forwarded. Processes and folders of sites that are left when the
workers have ended are removed. What differs or was left is said, and what could not be compared, with the
reason. On the machine of a developer, others may be at work; where nothing may be skipped, a change of the
machine's own network or images is a failure, and so is a program that was asked and failed.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.mounts import mounts, unmount_below
from tests.support.programs import FORWARDING, NO_SKIP, SITES, SYSTEM_PATH

RUN = "BUNDLE_TESTS_RUN"
"""Variable in the environment of every process that a run starts."""
NAMESPACE = re.compile(r"site(\d+)\w*")
"""Names of the network namespaces of sites: the process that made one, and which of its sites it is."""
NAMESPACES = "/run/netns"
PREFIX = "bt-"
"""Of the folders of sites of each run."""
GRAVE = ("links", "routes", "rules", "images", "forwarding")
"""Kinds whose changes fail a run in which nothing may be skipped: they are those of the machine itself."""
STOPPING = 30
"""Seconds in which engines stop their containers, and end."""
ENGINE = Path("/var/run/docker.sock")
"""Socket of the machine's own engine: where there is none, there are no images."""


class UnknownError(Exception):
    """What is on the machine cannot be told. The text says why."""

    def __init__(self, reason: str, *, failed: bool) -> None:
        super().__init__(reason)
        self.failed = failed
        """Whether a program was asked and failed; else it is not installed."""


@dataclass(frozen=True)
class Machine:
    """What there is on the machine, by kind, and why other kinds cannot be told."""

    known: Mapping[str, frozenset[str]]
    unknown: Mapping[str, UnknownError] = field(default_factory=dict)


def _said(*command: str) -> str:
    """Return what a program of the system prints.

    Raises:
        UnknownError: it is not installed, may not be asked, failed, or does not answer.
    """
    if shutil.which(command[0], path=SYSTEM_PATH) is None:
        raise UnknownError(f"{command[0]} is not installed", failed=False)
    asked = " ".join(command)
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
            env={"PATH": SYSTEM_PATH, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnknownError(f"{asked}: {error}", failed=True) from error
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"])[-1]
        raise UnknownError(f"{asked}: {last}", failed=True)
    return answer.stdout


def _links() -> frozenset[str]:
    found = set()
    for link in json.loads(_said("ip", "-json", "address") or "[]"):
        found.add(f"{link['ifname']} {'UP' if 'UP' in link['flags'] else 'DOWN'}")
        found |= {f"{link['ifname']} {each.get('local')}/{each['prefixlen']}" for each in link["addr_info"]}
    return frozenset(found)


def _routes() -> frozenset[str]:
    lines = [_said("ip", family, "route", "show", "table", "all") for family in ("-4", "-6")]
    return frozenset(re.sub(r" expires \S+", "", line).strip() for line in "".join(lines).splitlines())


def _rules() -> frozenset[str]:
    lines = "".join(_said(program) for program in ("iptables-save", "ip6tables-save")).splitlines()
    return frozenset(re.sub(r" *\[\d+:\d+\]", "", line) for line in lines if not line.startswith("#"))


def _namespaces() -> frozenset[str]:
    return frozenset(line.split()[0] for line in _said("ip", "netns", "list").splitlines())


def _mounts() -> frozenset[str]:
    return frozenset(f"{point} {kind}" for point, kind in mounts())


def _images() -> frozenset[str]:
    if not ENGINE.exists():
        return frozenset()
    return frozenset(_said("docker", "image", "ls", "--quiet", "--no-trunc").splitlines())


LOOKS: Mapping[str, Callable[[], frozenset[str]]] = {
    "links": _links,
    "routes": _routes,
    "rules of the firewall": _rules,
    "network namespaces": _namespaces,
    "mounts": _mounts,
    "images": _images,
}
"""How each kind is found out."""


def _pids(run: str, sites: Path) -> dict[int, str]:
    """Return the processes of a run, but for this one: those that it started, and those of its sites."""
    found = {}
    texts = f"{RUN}={run}".encode(), f"{sites}/".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:  # it ended, or belongs to another user
            continue
        if words and int(folder.name) != os.getpid() and any(text in words + environment for text in texts):
            found[int(folder.name)] = words.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def machine() -> Machine:
    """Return what there is on the machine."""
    known, unknown = {}, {}
    for kind, look in LOOKS.items():
        try:
            known[kind] = look()
        except UnknownError as error:
            unknown[kind] = error
    return Machine(known, unknown)


def changes(before: Machine, after: Machine) -> list[str]:
    """Return a line for each thing that is new, or no longer there."""
    return [
        f"{kind}: {sign} {each}"
        for kind in before.known
        if kind in after.known
        for sign, some in (
            ("+", after.known[kind] - before.known[kind]),
            ("-", before.known[kind] - after.known[kind]),
        )
        for each in sorted(some)
    ]


def not_compared(*looks: Machine, failed_only: bool = False) -> list[str]:
    """Return a line for each kind that one of the looks could not tell, or only where a program failed."""
    errors = [each for look in looks for each in look.unknown.items()]
    reasons = dict(sorted(errors, key=lambda each: each[1].failed))  # a failure overrides what is missing
    return [
        f"{kind}: not compared: {error}" for kind, error in reasons.items() if error.failed or not failed_only
    ]


def sweep(run: str, sites: Path, before: Machine) -> None:
    """Remove what workers left that were cut off: processes, mounts, namespaces and folders of sites.

    A namespace that was there before the run is somebody else's, whatever it is called. Where it is not known
    which were there, none is removed.
    """
    deadline = time.monotonic() + STOPPING
    for number in _pids(run, sites):
        _kill(number, signal.SIGTERM)
    while (left := _pids(run, sites)) and time.monotonic() < deadline:
        time.sleep(0.2)
    for number in left:
        _kill(number, signal.SIGKILL)
    unmount_below(sites)
    for name in _new_namespaces(before):
        if (found := NAMESPACE.fullmatch(name)) and not Path("/proc", found[1]).exists():
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
    shutil.rmtree(sites, ignore_errors=True)


def _new_namespaces(before: Machine) -> frozenset[str]:
    was_there = before.known.get("network namespaces")
    if was_there is None:
        return frozenset()
    try:
        return _namespaces() - was_there
    except UnknownError:  # the look after the run says why
        return frozenset()


def unmount_namespaces(before: Machine) -> None:
    """Unmount the folder of namespaces where it was no mount: `ip` mounts it for the first one."""
    was_mounted = any(line.startswith(f"{NAMESPACES} ") for line in before.known["mounts"])
    if not was_mounted and not any(Path(NAMESPACES).glob("*")):
        subprocess.run(["umount", NAMESPACES], check=False, capture_output=True)


def restore_forwarding(before: str) -> list[str]:
    """Forward packets as before the run; return a line if that is not possible."""
    now = FORWARDING.read_text()
    if now == before:  # the stand-in for an engine needs it, and enables it
        return []
    try:
        FORWARDING.write_text(before)
    except OSError as error:
        was, reason = before.strip(), error.strerror
        return [f"forwarding: {FORWARDING} was {was}, is {now.strip()}, and cannot be restored: {reason}"]
    return []


def _kill(number: int, with_signal: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(number, with_signal)


class Unchanged:
    """Looks at the machine before and after a run, in the process that hands out the tests."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(8)
        self._sites = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._sites.chmod(0o755)  # containers of other users have their data in it
        os.environ |= {RUN: self._run, SITES: str(self._sites)}
        self._forwarding = FORWARDING.read_text()
        self._before = machine()
        self._found: Sequence[str] = ()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Compare, after the workers have closed their sites, and remove what is left."""
        left = [f"left: {number} {words[:120]}" for number, words in _pids(self._run, self._sites).items()]
        left += [f"left: {path}" for path in self._sites.iterdir()]
        sweep(self._run, self._sites, self._before)
        unmount_namespaces(self._before)
        changed = restore_forwarding(self._forwarding)
        after = machine()
        interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
        changed += changes(self._before, after)
        self._found = [*([] if interrupted else left), *changed, *not_compared(self._before, after)]
        grave = [line for line in changed if line.startswith(GRAVE)]
        grave += not_compared(self._before, after, failed_only=True)
        if grave and os.environ.get(NO_SKIP) and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what differs, and what was not compared."""
        if self._found:
            terminalreporter.section("this machine, before and after")
            for line in self._found:
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Look at the machine."""
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        config.pluginmanager.register(Unchanged(), "unchanged")
