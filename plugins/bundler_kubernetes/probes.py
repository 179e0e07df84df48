"""Health checks as probes.

Docker: `interval` and `timeout` are 30 s by default, `retries` 3, `start_period` 0, `start_interval` 5 s
(moby, daemon/health.go). Failures within `start_period` do not count, and an unhealthy container goes on.
Kubernetes ends a container whose startup probe fails, so that probe allows `PATIENCE` at least.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Final

from bundler.language import tr, tr_later
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.held import HeldValues, escape_dollars
from bundler_kubernetes.objects import Body
from bundler_kubernetes.text import Text, parse
from bundler_kubernetes.values import whole_seconds

LIVENESS: Final = "x-bundle-liveness"
"""Extension of a service: whether a container whose health check fails is restarted."""
PATIENCE: Final = 600
"""Seconds that every container has to become ready before it is restarted."""
_SHELL: Final = ["/bin/sh", "-c"]


def probes(context: Context, workload: Workload, held: HeldValues) -> Body:
    """Return the probes of a container; none without a health check."""
    check = _check(workload)
    command = _command(context, workload, held, check)
    if command is None:
        return {}
    times = _times(context, workload, check)
    retries = _retries(context, workload, check)
    interval, timeout = times["interval"], times["timeout"]
    first = times["start_interval"] if times["start_period"] else interval
    patience = max(times["start_period"] + retries * interval, PATIENCE)
    action = {"exec": {"command": command}}
    regular = {**action, "periodSeconds": interval, "timeoutSeconds": timeout, "failureThreshold": retries}
    found: Body = {
        "startupProbe": {
            **action,
            "periodSeconds": first,
            "timeoutSeconds": timeout,
            "failureThreshold": -(-patience // first),
        },
        "readinessProbe": regular,
    }
    if workload.entry.get(LIVENESS) is True:
        found["livenessProbe"] = regular
    return found


def startup_seconds(found: Body) -> int:
    """Return how long a container may take to start."""
    probe = found.get("startupProbe")
    return probe["periodSeconds"] * probe["failureThreshold"] if probe else 0


def has_check(workload: Workload) -> bool:
    """Whether a service has a health check, its own or that of its image."""
    check = _check(workload)
    test = check.get("test")
    return bool(test) and not check.get("disable") and test not in ("NONE", ["NONE"])


def _check(workload: Workload) -> Mapping[str, Any]:
    """Return the health check: what the document does not say, the image says (moby, daemon/commit.go)."""
    own = workload.entry.get("healthcheck") or {}
    image = workload.facts.healthcheck or {}
    times = {"interval": "Interval", "timeout": "Timeout", "start_period": "StartPeriod"}
    times["start_interval"] = "StartInterval"
    found: dict[str, Any] = {
        key: f"{image[name] / 1e9:.9f}s" for key, name in times.items() if image.get(name)
    }
    if image.get("Retries"):
        found["retries"] = image["Retries"]
    if image.get("Test"):
        found["test"] = [word.replace("$", "$$") for word in image["Test"]]
    return {
        **found,
        **{key: value for key, value in own.items() if value not in (None, "", [], 0, "0", "0s")},
    }


def _command(
    context: Context, workload: Workload, held: HeldValues, check: Mapping[str, Any]
) -> list[str] | None:
    if not has_check(workload):
        return None
    if not (workload.entry.get("healthcheck") or {}).get("test"):
        context.findings.note(workload.subject, "healthcheck", tr_later("it is that of the image"))
    test = check["test"]
    words = ["CMD-SHELL", test] if isinstance(test, str) else [str(word) for word in test]
    if words[0] not in {"CMD", "CMD-SHELL"}:
        context.findings.refuse(
            workload.subject, "healthcheck.test", tr("{word!r} is neither CMD nor CMD-SHELL", word=words[0])
        )
        return None
    texts = [parse(word) for word in words[1:]]
    if words[0] == "CMD-SHELL":
        return [*_SHELL, _script(held, texts[0] if texts else "")]
    if all(isinstance(text, str) for text in texts):
        return [escape_dollars(str(text)) for text in texts]
    context.findings.note(
        workload.subject,
        "healthcheck",
        tr_later("the command has values of the site, so `/bin/sh` of the image starts it"),
    )
    script = "exec " + " ".join(_word(held, text, number) for number, text in enumerate(texts))
    return [*_SHELL, escape_dollars(script)]


def _script(held: HeldValues, text: Text) -> str:
    """Return a script; if it has values of the site, it comes from the environment as a whole."""
    if isinstance(text, str):
        return escape_dollars(text)
    held.add("BUNDLE_PROBE", text)
    return 'eval "$BUNDLE_PROBE"'


def _word(held: HeldValues, text: Text, number: int) -> str:
    if isinstance(text, str):
        return shlex.quote(text)
    held.add(f"BUNDLE_PROBE_{number}", text)
    return f'"$BUNDLE_PROBE_{number}"'


def _times(context: Context, workload: Workload, check: Mapping[str, Any]) -> dict[str, int]:
    found = {}
    for key, default in (("interval", 30), ("timeout", 30), ("start_period", 0), ("start_interval", 5)):
        given = check.get(key)
        lowest = 0 if key == "start_period" else 1
        # Docker takes its default for 0 too
        value = default if given in (None, "", 0, "0", "0s") else whole_seconds(given, lowest)
        if value is None:
            context.findings.refuse(
                workload.subject,
                f"healthcheck.{key}",
                tr("{value!r} is no duration known at the build", value=given),
            )
        found[key] = default if value is None else value
    return found


def _retries(context: Context, workload: Workload, check: Mapping[str, Any]) -> int:
    given = check.get("retries")
    if given in (None, "", 0, "0"):
        return 3
    if str(given).isdecimal():
        return int(str(given))
    context.findings.refuse(
        workload.subject, "healthcheck.retries", tr("{value!r} is no number known at the build", value=given)
    )
    return 3
