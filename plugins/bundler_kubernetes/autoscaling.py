"""Autoscaling: `x-bundle-autoscaling` of a service as a HorizontalPodAutoscaler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bundler.language import tr
from bundler_kubernetes.context import AUTOSCALING, Context, Workload
from bundler_kubernetes.objects import Body

DEFAULTS: Final = {"minimum": 1, "cpu": 80}
"""What applies where the extension does not say it; `maximum` must be said."""
_KEYS: Final = ("minimum", "maximum", "cpu")


def autoscaler(context: Context, workload: Workload, resources: Mapping[str, Any]) -> Body | None:
    """Return the autoscaler of a service; None if it has none, or is refused.

    Args:
        context: the application.
        workload: the service.
        resources: of its container: the use of CPU is a share of what is requested.
    """
    given = workload.entry.get(AUTOSCALING)
    if not given:
        return None
    values = {**DEFAULTS, **given} if isinstance(given, Mapping) else {}
    if set(values) != set(_KEYS) or not all(type(each) is int and each > 0 for each in values.values()):
        _refuse(
            context,
            workload,
            tr("{value!r} is not `minimum`, `maximum` and `cpu` as whole numbers", value=given),
            tr("write for example `minimum: 3`, `maximum: 20` and `cpu: 70`"),
        )
        return None
    if values["minimum"] > values["maximum"]:
        _refuse(context, workload, tr("`minimum` is above `maximum`"))
    if not any("cpu" in (resources.get(side) or {}) for side in ("requests", "limits")):
        _refuse(
            context,
            workload,
            tr("the use of CPU is a share of what is requested, and the service requests none"),
            tr("set `deploy.resources.reservations.cpus`"),
        )
    target = {"type": "Utilization", "averageUtilization": values["cpu"]}
    return {
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.name},
            "minReplicas": values["minimum"],
            "maxReplicas": values["maximum"],
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        }
    }


def check_job(context: Context, workload: Workload) -> None:
    """Refuse autoscaling of a service that runs once."""
    if workload.entry.get(AUTOSCALING):
        _refuse(context, workload, tr("a Job is not scaled"))


def _refuse(context: Context, workload: Workload, reason: str, hint: str | None = None) -> None:
    context.findings.refuse(workload.subject, AUTOSCALING, reason, hint)
