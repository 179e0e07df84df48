"""Limits and reservations as `resources` of a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bundler.language import tr
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.keys import SERVICE
from bundler_kubernetes.objects import Body
from bundler_kubernetes.values import cpu, quantity, size

GPU: Final = "nvidia.com/gpu"
_PERIOD: Final = 100000
"""Microseconds of `cpu_period` without one."""


def resources(context: Context, workload: Workload) -> Body:
    """Return `resources`; empty if the service has neither limits nor reservations.

    Without a reservation, Kubernetes reserves the limit.
    """
    entry = workload.entry
    asked = (entry.get("deploy") or {}).get("resources") or {}
    limits, reserved = asked.get("limits") or {}, asked.get("reservations") or {}
    found: Body = {"limits": {}, "requests": {}}
    for side, name, keys in (
        ("limits", "cpu",
         (("cpus", entry.get("cpus")), ("deploy.resources.limits.cpus", limits.get("cpus")))),
        ("requests", "cpu", (("deploy.resources.reservations.cpus", reserved.get("cpus")),)),
        ("limits", "memory",
         (("mem_limit", entry.get("mem_limit")), ("deploy.resources.limits.memory", limits.get("memory")))),
        ("requests", "memory",
         (("mem_reservation", entry.get("mem_reservation")),
          ("deploy.resources.reservations.memory", reserved.get("memory")))),
    ):  # fmt: skip
        for key, value in keys:
            amount = _amount(context, workload, name, key, value)
            if amount is not None:
                found[side][name] = amount
    quota = entry.get("cpu_quota")
    if quota and str(quota).isdecimal() and "cpu" not in found["limits"]:
        amount = cpu(int(str(quota)) / int(str(entry.get("cpu_period") or _PERIOD)))
        found["limits"]["cpu"] = amount
    if limits.get("pids"):
        context.findings.note(workload.subject, "deploy.resources.limits.pids", SERVICE["pids_limit"].text)
    gpus = _gpus(context, workload, entry.get("gpus"), reserved.get("devices"))
    if gpus:
        found["limits"][GPU] = str(gpus)
    return {side: values for side, values in found.items() if values}


def _amount(context: Context, workload: Workload, name: str, key: str, value: object) -> str | None:
    if value in (None, "", 0, "0"):
        return None  # no limit
    if name == "cpu":
        found = cpu(value)
    else:
        number = size(value)
        found = None if number is None else quantity(number)
    if found is None:
        context.findings.refuse(
            workload.subject, key, tr("{value!r} is no amount known at the build", value=str(value))
        )
    return found


def _gpus(context: Context, workload: Workload, gpus: Any, devices: Any) -> int:  # noqa: ANN401 any YAML value
    found = 0
    wanted = [{"count": "all"}] if isinstance(gpus, str) else list(gpus or ())
    for key, requests in (("gpus", wanted), ("deploy.resources.reservations.devices", list(devices or ()))):
        for request in requests:
            found += _gpu_count(context, workload, key, request)
    return found


def _gpu_count(context: Context, workload: Workload, key: str, request: Mapping[str, Any]) -> int:
    driver = request.get("driver") or "nvidia"
    capabilities = request.get("capabilities") or ["gpu"]
    if driver != "nvidia" or "gpu" not in capabilities or request.get("options"):
        context.findings.refuse(workload.subject, key, tr("only GPUs of NVIDIA are mapped, without options"))
        return 0
    if request.get("device_ids"):
        context.findings.refuse(
            workload.subject,
            key,
            tr("the cluster chooses the GPU"),
            tr("give a `count` in place of `device_ids`"),
        )
        return 0
    count = str(request.get("count", 1))
    if not count.isdecimal():
        context.findings.refuse(
            workload.subject,
            key,
            tr("the number of GPUs must be known"),
            tr("give a number, such as `count: 1`"),
        )
        return 0
    return int(count)
