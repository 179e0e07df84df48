"""A service as a Deployment, or as a Job if it runs once."""

from __future__ import annotations

from typing import Any, Final

from bundler.api.compose import restart_policy
from bundler.language import tr, tr_later
from bundler_kubernetes.autoscaling import autoscaler, check_job
from bundler_kubernetes.claims import Claims
from bundler_kubernetes.commands import words
from bundler_kubernetes.context import SINGLE, Context, Workload, inferred_job
from bundler_kubernetes.files import Files
from bundler_kubernetes.held import HeldValues
from bundler_kubernetes.initial import deliver
from bundler_kubernetes.names import is_annotation, is_label
from bundler_kubernetes.network import allow_api, network_label, write_services
from bundler_kubernetes.objects import Body, ImageName, Stage
from bundler_kubernetes.ports import Port, read_ports
from bundler_kubernetes.probes import probes, startup_seconds
from bundler_kubernetes.resources import resources
from bundler_kubernetes.security import security
from bundler_kubernetes.storage import PodVolumes
from bundler_kubernetes.text import SiteText, parse
from bundler_kubernetes.values import pairs, whole_seconds
from bundler_kubernetes.waiting import PATIENCE as WAITING
from bundler_kubernetes.waiting import Waits

GRACE: Final = 10
"""Seconds between SIGTERM and SIGKILL with Compose."""
UNLIMITED: Final = 2147483647
ACCOUNT: Final = "bundle"
"""ServiceAccount of pods that need no rights."""


def write_workload(
    context: Context, workload: Workload, claims: Claims, files: Files, waits: Waits, *, job: str
) -> None:
    """Write a service with its Services and what it reads; `job` is the name of its Job, if it is one."""
    volumes = PodVolumes(context, workload, claims, files)
    volumes.read()
    ports = read_ports(context, workload)
    held = HeldValues(context, workload)
    rights = security(context, workload, frozenset(volumes.groups), [port.target for port in ports])
    container = _container(context, workload, held, ports)
    found = probes(context, workload, held)
    waiting = waits.of(workload, rights.container)
    container |= {} if workload.job else found
    if workload.job and found:
        text = tr_later("a Job has no health check: it has ended well, or it has failed")
        context.findings.note(workload.subject, "healthcheck", text)
    container |= {"securityContext": rights.container} if rights.container else {}
    container |= {"volumeMounts": volumes.mounts} if volumes.mounts else {}
    delivering = deliver(context, workload, volumes.deliveries, rights.container)
    first = [each.container for each in (delivering, waiting) if each]
    configuration = [*held.write(), *volumes.configuration]
    account = (waiting.account if waiting else "") or ACCOUNT
    spec: Body = {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "nodeSelector": _nodes(workload),
        "terminationGracePeriodSeconds": _grace(context, workload),
        "securityContext": rights.pod,
        **_host(context, workload),
        **({"initContainers": first} if first else {}),
        "containers": [container],
    }
    pod_volumes = [
        *volumes.volumes,
        *(each for part in (delivering, waiting) if part for each in part.volumes),
    ]
    spec |= {"volumes": pod_volumes} if pod_volumes else {}
    annotations: Body = _annotations(context, workload)
    if configuration and not workload.job:  # a Job cannot be changed, so new values do not start it again
        annotations["bundle/checksum"] = context.checksum(configuration)
    labels = {
        **context.selector(workload.name),
        **{network_label(name): "true" for name in workload.networks},
    }
    template: Body = {
        "metadata": {"labels": labels, **({"annotations": annotations} if annotations else {})},
        "spec": spec,
    }
    if waiting and waiting.account:
        allow_api(context, workload)
    write_services(context, workload, ports)
    if workload.job:
        check_job(context, workload)
        _write_job(context, workload, template, job)
    else:
        _write_deployment(
            context, workload, template, claimed=bool(volumes.claimed), patience=startup_seconds(found)
        )


def _container(context: Context, workload: Workload, held: HeldValues, ports: list[Port]) -> Body:
    entry = workload.entry
    made: Body = {
        "name": workload.name,
        "image": ImageName(workload.image.image),
        "imagePullPolicy": "IfNotPresent",
    }
    for name, value in pairs(entry.get("environment")).items():
        if value is None:
            context.findings.note(
                workload.subject,
                "environment",
                tr_later("{name} is empty where it would not be set"),
                name=name,
            )
        held.add(name, parse(f"${{{name}}}" if value is None else value))
    for key, field in (("entrypoint", "command"), ("command", "args")):
        listed = words(context, workload, key)
        if listed:
            made[field] = [
                held.word(word, f"BUNDLE_{field.upper()}_{number}") for number, word in enumerate(listed)
            ]
    if entry.get("entrypoint") in ("", []):
        context.findings.refuse(
            workload.subject,
            "entrypoint",
            tr("an empty entrypoint cannot be told from none"),
            tr("give the whole command as `entrypoint`"),
        )
    if entry.get("working_dir"):
        made["workingDir"] = context.constant(workload, "working_dir", entry["working_dir"])
    if held.env:
        made["env"] = held.env
    distinct = list({(port.target, port.protocol): port for port in ports}.values())
    if distinct:
        made["ports"] = [
            {"name": port.name, "containerPort": port.target, "protocol": port.protocol} for port in distinct
        ]
    wanted = resources(context, workload)
    made |= {"resources": wanted} if wanted else {}
    made |= {"stdin": True} if entry.get("stdin_open") else {}
    made |= {"tty": True} if entry.get("tty") else {}
    return made


def _nodes(workload: Workload) -> Body:
    platform = workload.image.platform
    if platform is None:
        return {"kubernetes.io/os": "linux"}
    return {"kubernetes.io/os": platform.os, "kubernetes.io/arch": platform.architecture}


def _grace(context: Context, workload: Workload) -> int:
    given = workload.entry.get("stop_grace_period")
    if given is None:
        return GRACE
    found = whole_seconds(given, 0)
    if found is None:
        context.findings.refuse(
            workload.subject,
            "stop_grace_period",
            tr("{value!r} is no duration known at the build", value=given),
        )
    return GRACE if found is None else found


def _host(context: Context, workload: Workload) -> Body:
    """Return what a pod knows of names, and of its processes."""
    entry = workload.entry
    found: Body = {}
    hostname = context.constant(workload, "hostname", entry.get("hostname") or "")
    if hostname and workload.alone:
        if is_label(hostname):
            found["hostname"] = hostname
        else:
            context.findings.refuse(
                workload.subject,
                "hostname",
                tr("{name} is no name of a host in a cluster", name=hostname),
                tr("use up to 63 lower-case letters, digits and `-`, beginning with a letter"),
            )
    elif hostname:
        context.findings.note(workload.subject, "hostname", tr_later("each replica has a name of its own"))
    aliases: dict[str, list[str]] = {}
    extra = entry.get("extra_hosts") or ()
    listed = (
        [f"{name}={ip}" for name, ip in extra.items()] if isinstance(extra, dict) else list(map(str, extra))
    )
    for item in listed:
        name, address = item.split("=", 1) if "=" in item else item.split(":", 1)
        if address == "host-gateway" or "$" in address or "$" in name:
            context.findings.refuse(
                workload.subject,
                "extra_hosts",
                tr("{item} is no address that is known at the build", item=item),
            )
            continue
        aliases.setdefault(address.strip("[]"), []).append(name)
    if aliases:
        found["hostAliases"] = [{"ip": ip, "hostnames": names} for ip, names in aliases.items()]
    if entry.get("init"):
        found["shareProcessNamespace"] = True  # the pause container is process 1, and reaps
    return found


def _annotations(context: Context, workload: Workload) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in ("labels", "annotations"):
        for name, value in pairs(workload.entry.get(key)).items():
            if not is_annotation(name):
                context.findings.note(
                    workload.subject,
                    key,
                    tr_later("{name} is no key of an annotation, and is left out"),
                    name=name,
                )
                continue
            found[name] = parse(value or "")
            if context.is_secret(found[name]):
                context.findings.refuse(workload.subject, key, tr("an annotation is no place for a secret"))
    return found


def _write_deployment(
    context: Context, workload: Workload, template: Body, *, claimed: bool, patience: int
) -> None:
    replicas = workload.replicas
    alone = workload.alone
    scaler = autoscaler(context, workload, template["spec"]["containers"][0].get("resources") or {})
    strategy: Body = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    if alone and (claimed or workload.single):
        strategy = {"type": "Recreate"}
    if workload.single and not alone:
        context.findings.refuse(
            workload.subject, SINGLE, tr("it has several replicas"), tr("remove one of the two")
        )
    if restart_policy(workload.entry) in {"no", "on-failure"}:
        text = tr_later(
            "no lasting policy, and it is restarted here; a job says `x-bundle-expect: completed`"
        )
        context.findings.note(workload.subject, "restart", text)
    if not alone:
        template["spec"]["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": context.selector(workload.name)},
            }
        ]
    spec: Body = {
        **({} if scaler else {"replicas": replicas if isinstance(replicas, SiteText) else int(replicas)}),
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": max(600, patience) + WAITING,
        "strategy": strategy,
        "selector": {"matchLabels": context.selector(workload.name)},
        "template": template,
    }
    context.add(Stage.WORKLOADS, "Deployment", workload.name, {"spec": spec}, of=workload, version="apps/v1")
    if scaler:
        context.add(
            Stage.SCALING, "HorizontalPodAutoscaler", workload.name, scaler, of=workload,
            version="autoscaling/v2",
        )  # fmt: skip
    if not alone:
        budget = {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": context.selector(workload.name)}}}
        context.add(
            Stage.DISRUPTION, "PodDisruptionBudget", workload.name, budget, of=workload, version="policy/v1"
        )


def _write_job(context: Context, workload: Workload, template: Body, name: str) -> None:
    if inferred_job(workload):
        text = tr_later("no lasting policy and no port, so it is a Job; what stays says `restart: always`")
        context.findings.note(workload.subject, "restart", text)
    entry = workload.entry
    policy = (entry.get("deploy") or {}).get("restart_policy") or {}
    said, _, count = str(policy.get("condition") or entry.get("restart") or "no").partition(":")
    again = said in {"on-failure", "any", "always", "unless-stopped"}
    limit = str(policy.get("max_attempts") or count or UNLIMITED)
    template["spec"]["restartPolicy"] = "OnFailure" if again else "Never"
    spec: Body = {
        "backoffLimit": (int(limit) if limit.isdecimal() else UNLIMITED) if again else 0,
        "template": template,
    }
    if workload.replicas != "1":
        replicas = workload.replicas
        number = replicas if isinstance(replicas, SiteText) else int(replicas)
        spec = {"completions": number, "parallelism": number, **spec}
    context.add(Stage.WORKLOADS, "Job", name, {"spec": spec}, of=workload, version="batch/v1")
