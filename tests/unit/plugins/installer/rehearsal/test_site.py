"""States of services as `docker inspect` tells them, and names that an engine notes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bundler.api.compose import Expectation
from bundler_installer.rehearsal.site import _NAMES, StepFailure, _state, read_json


def container(
    status: str = "running",
    *,
    code: int = 0,
    health: str | None = None,
    age: float = 60,
    restarts: int = 0,
    policy: str = "always",
) -> dict[str, Any]:
    started = time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(time.time() - age))
    state: dict[str, Any] = {"Status": status, "ExitCode": code, "StartedAt": started}
    if health:
        state["Health"] = {"Status": health}
    return {
        "Id": "0123",
        "State": state,
        "RestartCount": restarts,
        "HostConfig": {"RestartPolicy": {"Name": policy}},
    }


AGAIN = ", restarted 3 times by the engine"
OLD = "[resolver] query updates.example.org. (A) from 172.18.0.2:40000, forwarding to udp:192.0.2.53"
NEW = (
    '[resolver] forwarding query" client-addr="udp:172.18.0.2:1" dns-server="udp:192.0.2.53:53"'
    ' question=";updates.example.org.\\tIN\\t A"'
)


@pytest.mark.parametrize(
    ("expect", "given", "good", "hopeless", "text"),
    [
        ("healthy", container(health="healthy"), True, False, "running, healthy"),
        ("healthy", container(health="starting"), False, False, "running, starting"),
        ("healthy", container(health="unhealthy"), False, False, "running, unhealthy"),
        ("running", container(), True, False, "running"),
        ("running", container(age=-86_400), False, False, "running"),
        ("running", container("exited", code=3, policy="no"), False, True, "exited with 3"),
        ("running", container("exited", code=3), False, False, "exited with 3"),
        ("running", container("restarting", restarts=3), False, True, f"restarting{AGAIN}"),
        ("completed", container("exited", policy="no"), True, False, "exited with 0"),
        ("completed", container("exited", code=1, policy="no"), False, True, "exited with 1"),
        ("completed", container(policy="no"), False, False, "running"),
    ],
)  # fmt: skip
def test_a_container(
    expect: Expectation, given: dict[str, Any], good: bool, hopeless: bool, text: str
) -> None:
    state = _state("web", expect, [given])
    assert (state.good, state.hopeless, state.state) == (good, hopeless, text)


def test_all_replicas_count() -> None:
    state = _state("web", "running", [container(), container("exited", code=1)])
    assert (state.good, state.state) == (False, "running, exited with 1")


@pytest.mark.parametrize("line", [OLD, NEW], ids=["20.10", "28"])
def test_names_that_an_engine_asks_for(line: str) -> None:
    found = [match["name"] for form in _NAMES if (match := form.search(line))]
    assert found == ["updates.example.org"]


def test_json_of_the_installer() -> None:
    assert read_json('warning\n{"checks": []}\n') == {"checks": []}
    with pytest.raises(StepFailure, match="no JSON"):
        read_json("nothing")
