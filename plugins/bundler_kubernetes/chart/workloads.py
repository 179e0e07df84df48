"""Deployments and Jobs of a chart: what a site decides about a service is taken from the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bundler_kubernetes.chart.declared import MAP, MAPS, QUANTITIES, SWITCH, TEXTS, Declarations, number
from bundler_kubernetes.chart.leaves import Expression, Included, Only, Tree
from bundler_kubernetes.objects import Body, KubeObject
from bundler_kubernetes.text import SiteText

SERVICE: Final = "$service"
"""Variable of a template with the values of its service."""
PULL_POLICIES: Final = ("IfNotPresent", "Never", "Always")
MOST: Final = 20
"""Replicas that an autoscaler makes at most, unless the site or the profile says something else."""
LEAST: Final = 3
TARGET: Final = 70
"""Use of the requested CPU, in percent, that an autoscaler aims at."""
AUTOSCALING: Final = (
    "The number of replicas follows the use of the CPU. It needs the metrics API in the cluster, and a "
    "request of CPU in `resources`."
)
ALONE: Final = "It has one replica: for `x-bundle-single`, or for a volume that one pod at a time can have."


class Workloads:
    """Takes what a site decides out of workloads.

    Attributes:
        declarations: where the values are declared.
        defaults: values of site variables if the site says nothing.
    """

    def __init__(
        self, declarations: Declarations, objects: tuple[KubeObject, ...], defaults: Mapping[str, str]
    ) -> None:
        self.declarations = declarations
        self.defaults = defaults
        self._budgets = {each.service: each for each in objects if each.kind == "PodDisruptionBudget"}
        self._scalers = {each.service: each for each in objects if each.kind == "HorizontalPodAutoscaler"}
        self._exclusive = {
            each.name
            for each in objects
            if each.kind == "PersistentVolumeClaim" and each.body["spec"]["accessModes"] == ["ReadWriteOnce"]
        }

    def take(self, made: KubeObject) -> tuple[Body, list[Body]]:
        """Return a Deployment or a Job with the values in it, and what only a chart has beside it."""
        body: Body = {**made.body, "spec": {**made.body["spec"]}}
        service = made.service
        extra = []
        if made.kind == "Deployment":
            body["spec"] = self._replicas(made)
            extra = self._beside(made, service, alone=self._is_alone(made))
        template = body["spec"]["template"]
        body["spec"]["template"] = {**template, "spec": self._pod(service, template["spec"])}
        return body, extra

    def _replicas(self, made: KubeObject) -> Body:
        """Return the spec without `replicas` where an autoscaler decides about them."""
        service, spec = made.service, made.body["spec"]
        scaler = self._scalers.get(service)
        given = scaler.body["spec"]["minReplicas"] if scaler else spec["replicas"]
        filled = given.fill(self.defaults) if isinstance(given, SiteText) else str(given)
        count = int(filled) if filled.isdecimal() else 1
        alone = self._is_alone(made)
        limit = 1 if alone else None
        about = f"Number of pods. {ALONE}" if alone else "Number of pods, where autoscaling is off."
        self._add(service, "replicaCount", count, number(0, limit), about)
        self._scaling(service, count, alone=alone)
        replicas = Only(
            f"not {SERVICE}.autoscaling.enabled", Expression(f"int {SERVICE}.replicaCount", bare=True)
        )
        return {"replicas": replicas, **{key: value for key, value in spec.items() if key != "replicas"}}

    def _is_alone(self, made: KubeObject) -> bool:
        """Whether two pods at a time would do harm, or cannot both have the volumes."""
        if made.single:
            return True
        volumes = made.body["spec"]["template"]["spec"].get("volumes") or ()
        claims = {(each.get("persistentVolumeClaim") or {}).get("claimName") for each in volumes}
        return not claims.isdisjoint(self._exclusive)

    def _scaling(self, service: str, count: int, *, alone: bool) -> None:
        scaler = self._scalers.get(service)
        spec: Mapping[str, Any] = scaler.body["spec"] if scaler else {}
        switch = {**SWITCH, "const": False} if alone else SWITCH
        path = ("services", service, "autoscaling")
        self.declarations.group(path, ALONE if alone else AUTOSCALING)
        self._add(service, "autoscaling.enabled", scaler is not None, switch, "Whether it is on.")
        if alone:
            return
        least, most = spec.get("minReplicas", max(count, LEAST)), spec.get("maxReplicas", max(count, MOST))
        self._add(service, "autoscaling.minReplicas", least, number(1), "Least number of pods.")
        self._add(service, "autoscaling.maxReplicas", most, number(1), "Largest number of pods.")
        target = _target(spec.get("metrics") or ())
        about = "Use of the requested CPU that it aims at."
        self._add(service, "autoscaling.targetCPUUtilizationPercentage", target, number(1), about)

    def _pod(self, service: str, spec: Body) -> Body:
        """Return a pod whose container and place are taken from the values."""
        (container,) = spec["containers"]
        found = {**spec, "containers": [self._container(service, container)]}
        if "initContainers" in spec:
            pull = Expression(f"{SERVICE}.image.pullPolicy")
            found["initContainers"] = [{**each, "imagePullPolicy": pull} for each in spec["initContainers"]]
        nodes = "Labels of the nodes that it may run on. The image runs on no other architecture."
        self._add(service, "nodeSelector", dict(spec["nodeSelector"]), TEXTS, nodes)
        found["nodeSelector"] = Tree(f"{SERVICE}.nodeSelector")
        self._add(service, "tolerations", [], MAPS, "Taints of nodes that it tolerates.")
        self._add(service, "affinity", {}, MAP, "Rules for the choice of nodes.")
        for key in ("tolerations", "affinity"):
            found[key] = Only(f"{SERVICE}.{key}", Tree(f"{SERVICE}.{key}"))
        found["imagePullSecrets"] = Only("$.Values.image.pullSecrets", Tree("$.Values.image.pullSecrets"))
        return found

    def _container(self, service: str, container: Body) -> Body:
        found = dict(container)
        policies = {"type": "string", "enum": list(PULL_POLICIES)}
        self._add(
            service, "image.pullPolicy", container["imagePullPolicy"], policies,
            "`Always` fails where nodes have the image and no registry does.",
        )  # fmt: skip
        found["imagePullPolicy"] = Expression(f"{SERVICE}.image.pullPolicy")
        resources = container.get("resources") or {}
        for side in ("requests", "limits"):
            self._add(
                service, f"resources.{side}", dict(resources.get(side) or {}), QUANTITIES,
                "What the node keeps free for a pod." if side == "requests" else "What a pod gets at most.",
            )  # fmt: skip
        sides = {
            side: Only(f"{SERVICE}.resources.{side}", Tree(f"{SERVICE}.resources.{side}"))
            for side in ("requests", "limits")
        }
        found["resources"] = Only(f"or {SERVICE}.resources.requests {SERVICE}.resources.limits", sides)
        entries = container.get("env") or []
        plain = {each["name"]: _undollar(each["value"]) for each in entries if "value" in each}
        self._add(
            service, "env", plain, TEXTS, "Environment, as the program reads it; a value is a text in quotes."
        )
        included = Included(f'include "bundle.env" {SERVICE}.env | trim')
        fixed = [
            Only(f"not (hasKey {SERVICE}.env {_quoted(each['name'])})", each)
            for each in entries
            if "value" not in each
        ]
        found["env"] = [included, *fixed] if fixed else Only(f"{SERVICE}.env", [included])
        return found

    def _beside(self, made: KubeObject, service: str, *, alone: bool) -> list[Body]:
        """Return the autoscaler and the budget where the objects have none."""
        found = [] if alone or service in self._scalers else [take_scaler(_scaler(made))]
        has_budget = service in self._budgets
        if not has_budget:
            found.append(take_budget(_budget(made)))
        path = ("services", service, "podDisruptionBudget")
        self.declarations.group(path, "How many pods may be missing while nodes are drained.")
        self._add(service, "podDisruptionBudget.enabled", has_budget, SWITCH, "Whether it is there.")
        most = self._budgets[service].body["spec"]["maxUnavailable"] if has_budget else 1
        self._add(service, "podDisruptionBudget.maxUnavailable", most, number(0), "Pods that may be missing.")
        return found

    def _add(self, service: str, key: str, default: Any, schema: Mapping[str, Any], about: str) -> None:  # noqa: ANN401 any JSON value
        self.declarations.add(("services", service, *key.split(".")), default, schema, about)


def take_scaler(body: Body) -> Body:
    """Return an autoscaler whose numbers are taken from the values."""
    values = f"{SERVICE}.autoscaling"
    metric = {
        "type": "Resource",
        "resource": {
            "name": "cpu",
            "target": {
                "type": "Utilization",
                "averageUtilization": Expression(f"int {values}.targetCPUUtilizationPercentage", bare=True),
            },
        },
    }
    others = [each for each in body["spec"]["metrics"] if (each.get("resource") or {}).get("name") != "cpu"]
    return {
        **body,
        "spec": {
            **body["spec"],
            "minReplicas": Expression(f"int {values}.minReplicas", bare=True),
            "maxReplicas": Expression(f"int {values}.maxReplicas", bare=True),
            "metrics": [metric, *others],
        },
    }


def take_budget(body: Body) -> Body:
    """Return a PodDisruptionBudget whose number is taken from the values."""
    count = Expression(f"int {SERVICE}.podDisruptionBudget.maxUnavailable", bare=True)
    return {
        **body,
        "spec": {key: count if key == "maxUnavailable" else value for key, value in body["spec"].items()},
    }


def _target(metrics: Sequence[Mapping[str, Any]]) -> int:
    """Return the use of the CPU that an autoscaler aims at."""
    for metric in metrics:
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu":
            return int(resource["target"]["averageUtilization"])
    return TARGET


def _scaler(made: KubeObject) -> Body:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": made.body["metadata"],
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": made.name},
            "minReplicas": LEAST,
            "maxReplicas": MOST,
            "metrics": [],
        },
    }


def _budget(made: KubeObject) -> Body:
    selector = made.body["spec"]["selector"]
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": made.body["metadata"],
        "spec": {"maxUnavailable": 1, "selector": selector},
    }


def _undollar(value: str) -> str:
    """Return a value as the program reads it: `bundle.env` doubles the dollars again."""
    return value.replace("$$", "$")


def _quoted(name: str) -> str:
    return f'"{name}"'
