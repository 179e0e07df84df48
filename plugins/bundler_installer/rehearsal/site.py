"""The site of a rehearsal: the bundle unpacked on the throwaway server, its installer, and its services."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bundler.api.compose import EXPECTATIONS, Expectation
from bundler.errors import BundleError
from bundler.language import language, tr
from bundler_installer.manifest import InstallerManifest
from bundler_installer.packer import INSTALL
from bundler_installer.rehearsal.answers import Answers
from bundler_installer.rehearsal.engine import PLACE, Outcome, Server

ROOT: Final = f"{PLACE}/site"
"""Root of the installation, inside."""
LOG_LINES: Final = 12
"""Lines of a service's log that are shown."""
SETTLED: Final = 2.0
"""Seconds that a service without a health check must run before it counts as running."""
PAUSE: Final = 0.3
"""Seconds between two looks at the services."""
MOST_RESTARTS: Final = 3
"""Restarts by the engine after which a service is not waited for any longer."""
_NAMES: Final = (
    re.compile(r"\[resolver\] query (?P<name>[^ ]+?)\.? \("),
    re.compile(r'\[resolver\] forwarding query.*question="?;(?P<name>[^\\\s"]+?)\.(?:\\t|\s)'),
)
"""How Docker 20.10 to 25, and later versions, note a name that they ask another server for."""

_ERROR: Final = re.compile(r"error|错误", re.IGNORECASE)
"""What the line has on which a command says why it failed, in the languages of the installer."""


class StepFailure(Exception):  # noqa: N818 what a step came to, not a defect of this program
    """A step failed.

    Attributes:
        reason: one sentence.
        service: the service at fault; None if it is none, or not known.
    """

    def __init__(self, reason: str, service: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.service = service


@dataclass(frozen=True)
class ServiceState:
    """A service and its containers.

    Attributes:
        service: its name.
        expect: `healthy`, `running` or `completed`.
        state: for people: `running, healthy`, `exited with 1`.
        good: whether that is as expected.
        hopeless: whether waiting is useless.
        containers: their IDs.
    """

    service: str
    expect: Expectation
    state: str
    good: bool
    hopeless: bool
    containers: tuple[str, ...]


@dataclass
class Site:
    """The site, and what the steps noted about it.

    Attributes:
        server: where it is.
        manifest: of the bundle.
        answers: for the installer.
        options: options of every run of the installer.
        notes: for the report, by subject.
    """

    server: Server
    manifest: InstallerManifest
    answers: Answers
    options: tuple[str, ...]
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def bundle(self) -> Path:
        """The unpacked bundle, as this machine sees it."""
        return self.server.folder / self.manifest.top

    @property
    def root(self) -> Path:
        """The root of the installation, as this machine sees it."""
        return self.server.folder / "site"

    def install(self, command: str, *arguments: str) -> Outcome:
        """Run a command of the bundle's installer."""
        program = f"{PLACE}/{self.manifest.top}/{INSTALL}"
        own = ("--root", ROOT, "--lang", language(), "--yes")
        return self.server.run("sh", program, command, *own, *self.options, *arguments, timeout=self.limit)

    def control(self, command: str, *arguments: str) -> Outcome:
        """Run a command of the installed release."""
        program = f"{ROOT}/{self.manifest.name}ctl"
        return self.server.run(
            "sh", program, command, "--lang", language(), "--yes", *arguments, timeout=self.limit
        )

    @property
    def limit(self) -> float:
        """Seconds that a command may take: loading images, and waiting for the services several times."""
        return 1800 + 4 * self.manifest.health_timeout

    def states(self) -> list[ServiceState]:
        """Return the states of all services."""
        found: dict[str, list[Any]] = {}
        for container in self.server.containers():
            labels = container["Config"]["Labels"] or {}
            mine = labels.get("com.docker.compose.project") == self.manifest.project
            if mine and labels.get("com.docker.compose.oneoff", "False") == "False":
                found.setdefault(labels.get("com.docker.compose.service", ""), []).append(container)
        return [_state(each.name, each.expect, found.get(each.name, [])) for each in self.manifest.services]

    def wait(self, after: str) -> list[ServiceState]:
        """Wait until all services are as expected, as long as the bundle allows.

        Raises:
            StepFailure: one is not; names it.
        """
        deadline = time.monotonic() + self.manifest.health_timeout
        while True:
            states = self.states()
            bad = [state for state in states if not state.good]
            if not bad:
                return states
            lost = [state for state in bad if state.hopeless]
            if lost or time.monotonic() > deadline:
                worst = (lost or bad)[0]
                raise StepFailure(
                    tr(
                        "{service} is not {expected} {after}: {state}",
                        service=worst.service,
                        expected=tr(EXPECTATIONS[worst.expect]),
                        after=after,
                        state=worst.state,
                    ),
                    worst.service,
                )
            time.sleep(PAUSE)

    def culprit(self) -> str | None:
        """Return a service that ran and is not as expected, one that ended before one that waits."""
        bad = [
            state for state in self.states() if not state.good and state.state not in {"absent", "created"}
        ]
        bad.sort(key=lambda state: not state.hopeless)
        return bad[0].service if bad else None

    def log_of(self, service: str) -> str:
        """Return the last lines that a service wrote."""
        ids = {state.service: state.containers for state in self.states()}.get(service, ())
        texts = [self.server.run("docker", "logs", "--tail", str(LOG_LINES), each).output for each in ids]
        return "\n".join(text.rstrip() for text in texts if text.strip())

    def outside_names(self) -> list[str]:
        """Return the names that services asked a name server for, and nobody at the site has."""
        found = set()
        for line in self.server.log.read_text(errors="replace").splitlines():
            if "[resolver]" in line:
                found |= {match["name"] for form in _NAMES if (match := form.search(line))}
        return sorted(found)


def expect_success(done: Outcome, what: str, site: Site, ignoring: Collection[str] = ()) -> None:
    """Raise unless the command succeeded.

    Raises:
        StepFailure: names the service that is not as expected, if there is one.
    """
    if done.ok:
        return
    said = [line for line in done.output.splitlines() if line.strip() and line.strip() not in ignoring]
    error = next((line for line in reversed(said) if _ERROR.search(line)), said[-1] if said else "")
    try:
        service = site.culprit()
    except BundleError:
        service = None  # the engine has no containers yet
    raise StepFailure(
        tr("{command} ended with {status}: {error}", command=what, status=done.status, error=error.strip()),
        service,
    )


def _state(service: str, expect: Expectation, containers: list[Any]) -> ServiceState:
    if not containers:
        return ServiceState(service, expect, "absent", good=False, hopeless=False, containers=())
    parts = [_one(container, expect) for container in containers]
    return ServiceState(
        service=service,
        expect=expect,
        state=", ".join(dict.fromkeys(text for text, _, _ in parts)),
        good=all(good for _, good, _ in parts),
        hopeless=any(hopeless for _, _, hopeless in parts),
        containers=tuple(container["Id"] for container in containers),
    )


def _one(container: Any, expect: Expectation) -> tuple[str, bool, bool]:  # noqa: ANN401 JSON of the engine
    """Return state, whether it is as expected, and whether waiting is useless."""
    state, status = container["State"], container["State"]["Status"]
    health = (state.get("Health") or {}).get("Status", "none")
    again = status == "restarting" or container["RestartCount"] > 0
    if status == "exited":
        text = tr("exited with {code}", code=state["ExitCode"])
        text += tr(", out of memory") if state.get("OOMKilled") else ""
    else:
        text = status + (f", {health}" if health != "none" else "")
    if container["RestartCount"]:
        text += tr(", restarted {count} times by the engine", count=container["RestartCount"])
    if expect == "completed":
        good = status == "exited" and state["ExitCode"] == 0
        return text, good, status == "exited" and not good and not again
    settled = health == "healthy" or (health == "none" and _age(state["StartedAt"]) >= SETTLED)
    good = status == "running" and settled and (expect != "healthy" or health == "healthy")
    stays_down = container["HostConfig"]["RestartPolicy"]["Name"] in {"", "no"}
    hopeless = (status == "exited" and stays_down) or container["RestartCount"] >= MOST_RESTARTS
    return text, good, hopeless and not good


def _age(text: str) -> float:
    """Return the seconds since a time of the engine: RFC 3339."""
    return time.time() - datetime.fromisoformat(text).timestamp()


def read_json(output: str) -> Any:  # noqa: ANN401 JSON of the installer
    """Return the JSON object that a command printed, perhaps after other lines.

    Raises:
        StepFailure: there is none.
    """
    start = output.find("{")
    try:
        return json.JSONDecoder().raw_decode(output[max(start, 0) :])[0]
    except ValueError as error:
        raise StepFailure(tr("no JSON was printed: {output}", output=output.strip()[-200:])) from error
