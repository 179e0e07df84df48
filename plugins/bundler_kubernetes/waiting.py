"""`depends_on` as an init container that waits.

DNS says what the first two conditions need, without a right to anything: a headless Service has the addresses
of pods that are ready, and one with `publishNotReadyAddresses` those of pods that run. Only the API says that
a Job ended well, so a pod that waits for a Job has a token that may get just these Jobs, and only its init
container sees it. docs/decisions/0016-waiting-in-a-cluster.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bundler.api.compose import dependencies
from bundler.language import tr, tr_later
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.names import short_name
from bundler_kubernetes.objects import Body, ImageName, KubeObject, Stage
from bundler_kubernetes.probes import has_check

WITH: Final = "x-bundle-wait-with"
"""Extension of a service: the service whose image has the programs with which this one waits."""
PATIENCE: Final = 600
"""Seconds after which an init container ends with a message and is started again."""
OBJECT: Final = "bundle-wait"
"""Name of the ConfigMap and of the volume with the script."""
FILE: Final = "wait.sh"
FOLDER: Final = "/var/run/bundle-wait"
API: Final = "/var/run/secrets/bundle"
"""Where the init container finds its token."""
SCRIPT: Final = r"""
end=$(($(date +%s) + 600))
domain=
while read -r key first rest; do
  if [ "$key" = search ]; then domain=.$first; fi
done < /etc/resolv.conf
api=https://kubernetes.default.svc/apis/batch/v1/namespaces
resolves() {
  if command -v getent > /dev/null 2>&1; then getent hosts "$1$domain" > /dev/null
  elif command -v nslookup > /dev/null 2>&1; then nslookup "$1$domain" > /dev/null 2>&1
  else echo "this image has neither getent nor nslookup" >&2; exit 1
  fi
}
get() {
  if command -v curl > /dev/null 2>&1; then
    printf 'Authorization: Bearer %s' "$2" | curl -sS -m 10 --cacert "$folder/ca.crt" -H @- "$1"
  else
    python3 -c 'import ssl, sys, urllib.request as r
q = r.Request(sys.argv[1], headers={"Authorization": "Bearer " + open(sys.argv[2] + "/token").read()})
c = ssl.create_default_context(cafile=sys.argv[2] + "/ca.crt")
print(r.urlopen(q, timeout=10, context=c).read().decode())' "$1" "$folder"
  fi
}
completed() {
  if ! command -v curl > /dev/null 2>&1 && ! command -v python3 > /dev/null 2>&1; then
    echo "this image has neither curl nor python3" >&2; exit 1
  fi
  folder=/var/run/secrets/bundle
  answer=$(get "$api/$(cat "$folder/namespace")/jobs/$1?pretty=false" "$(cat "$folder/token")") || return 1
  case $answer in
    *'"type":"Complete","status":"True"'*) return 0 ;;
    *'"type":"Failed","status":"True"'*) echo "the Job $1 has failed" >&2; exit 1 ;;
  esac
  return 1
}
while [ $# -gt 0 ]; do
  echo "waiting until $1 $2"
  until "$1" "$2"; do
    if [ "$(date +%s)" -ge "$end" ]; then echo "after 10 minutes, not yet: $1 $2" >&2; exit 1; fi
    sleep 2
  done
  shift 2
done
"""
"""Run with `resolves NAME` and `completed NAME` as arguments."""


_PROGRAMS: Final = (("sh",), ("date",), ("sleep",), ("getent", "nslookup"))
_PROGRAMS_FOR_JOBS: Final = (("cat",), ("curl", "python3"))
"""What the script runs: one of each group."""
_UNKNOWN: Final = tr_later(
    "waits with `sh` and `getent` or `nslookup` of {image}, for jobs with `curl` or `python3`; "
    "its layers were not read, so nothing says that it has them"
)
_OTHER: Final = tr_later("waits with the image {image}, since its own lacks the programs")


@dataclass(frozen=True)
class Waiting:
    """What a pod has so that it waits.

    Attributes:
        container: its init container.
        volumes: what that mounts.
        account: its ServiceAccount; empty if it needs no rights.
    """

    container: Body = field(hash=False)
    volumes: list[Body] = field(hash=False)
    account: str


class Waits:
    """Writes what is waited for, each once."""

    def __init__(self, context: Context, jobs: dict[str, str]) -> None:
        """Prepare; `jobs` are the names of Jobs by service."""
        self._context = context
        self._jobs = jobs
        self._signals: set[str] = set()
        self._script: KubeObject | None = None

    def of(self, workload: Workload, security: Body) -> Waiting | None:
        """Return how a service waits; None if it waits for nothing."""
        conditions: list[str] = []
        jobs: list[str] = []
        for name, condition in dependencies(workload.entry).items():
            target = self._context.workloads.get(name)
            if target is None:
                continue  # zero replicas, or `required: false`
            if condition == "service_completed_successfully":
                job = self._jobs[name]
                jobs.append(job)
                conditions += ["completed", job]
            elif target.job:
                text = tr_later("{service} is a Job, and starts at the same time")
                self._context.findings.note(workload.subject, "depends_on", text, service=name)
            else:
                conditions += ["resolves", self._signal(workload, target, condition)]
        if not conditions:
            return None
        if workload.entry.get("network_mode") == "none":
            self._context.findings.refuse(
                workload.subject,
                "depends_on",
                tr("a service without a network cannot wait: it cannot look up names"),
                tr(
                    "put it on an `internal` network in place of `network_mode: none`, or remove `depends_on`"
                ),
            )
            return None
        image = self._image(workload, jobs=bool(jobs))
        container: Body = {
            "name": "wait",
            "image": ImageName(image.image.image),
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", f"{FOLDER}/{FILE}", *conditions],
            **({"securityContext": security} if security else {}),
            "volumeMounts": [{"name": OBJECT, "mountPath": FOLDER, "readOnly": True}],
        }
        volumes: list[Body] = [{"name": OBJECT, "configMap": {"name": self._write_script().name}}]
        if not jobs:
            return Waiting(container, volumes, "")
        account = self._rights(workload, jobs)
        container["volumeMounts"].append({"name": "bundle-api", "mountPath": API, "readOnly": True})
        return Waiting(container, [*volumes, _api_volume()], account)

    def _write_script(self) -> KubeObject:
        """Return the script's ConfigMap, which all that wait share."""
        if self._script is None:
            content = {"data": {FILE: SCRIPT.lstrip()}}
            self._script = self._context.add(Stage.CONFIGURATION, "ConfigMap", OBJECT, content)
        return self._script

    def _image(self, workload: Workload, *, jobs: bool) -> Workload:
        """Return the service whose image waits: this one, or the first that has the programs."""
        findings, known = self._context.findings, self._context.workloads
        chosen = workload.entry.get(WITH)
        if chosen is not None and str(chosen) not in known:
            findings.refuse(workload.subject, WITH, tr("{name} is no service that runs", name=chosen))
        first = known.get(str(chosen), workload)
        if workload.image.facts is None or first.facts.contents is None:
            findings.note(workload.subject, "depends_on", _UNKNOWN, image=first.image.image)
            return first
        others = [] if chosen is not None else known.values()
        found = next((each for each in (first, *others) if _can_wait(each, jobs=jobs)), None)
        if found is None:
            findings.refuse(
                workload.subject,
                "depends_on",
                tr("no image has the programs to wait: sh, date, sleep, getent or nslookup")
                if not jobs
                else tr("no image has the programs to wait for a job: sh, date, sleep, cat, curl or python3"),
                tr("add them to the image of a service, and name it with `{key}`", key=WITH),
            )
            return first
        if found is not workload:
            findings.note(workload.subject, "depends_on", _OTHER, image=found.image.image)
        return found

    def _signal(self, workload: Workload, target: Workload, condition: str) -> str:
        """Return the Service whose name resolves once the condition is met."""
        healthy = condition == "service_healthy"
        if healthy and not has_check(target):
            self._context.findings.note(
                workload.subject,
                "depends_on",
                tr_later("{service} has no health check: it counts as healthy once it runs"),
                service=target.service.name,
            )
        name = f"{target.name}-{'ready' if healthy else 'started'}"
        if name not in self._signals:
            self._signals.add(name)
            content = {
                "spec": {
                    "clusterIP": "None",
                    "publishNotReadyAddresses": not healthy,
                    "selector": self._context.selector(target.name),
                }
            }
            self._context.add(Stage.SERVICES, "Service", name, content, of=target)
        return name

    def _rights(self, workload: Workload, jobs: list[str]) -> str:
        """Write an account that may get these Jobs and nothing else; return its name."""
        context = self._context
        name = short_name(f"{workload.name}-waits")
        context.add(
            Stage.ACCOUNTS, "ServiceAccount", name, {"automountServiceAccountToken": False}, of=workload
        )
        group = "rbac.authorization.k8s.io"
        rules = [{"apiGroups": ["batch"], "resources": ["jobs"], "resourceNames": jobs, "verbs": ["get"]}]
        context.add(Stage.ACCOUNTS, "Role", name, {"rules": rules}, of=workload, version=f"{group}/v1")
        binding = {
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": context.namespace}],
        }
        context.add(Stage.ACCOUNTS, "RoleBinding", name, binding, of=workload, version=f"{group}/v1")
        return name


def _can_wait(workload: Workload, *, jobs: bool) -> bool:
    """Whether an image has the programs; what is not known counts as not there."""
    contents = workload.facts.contents
    groups = (*_PROGRAMS, *(_PROGRAMS_FOR_JOBS if jobs else ()))
    names = {name for group in groups for name in group}
    there = contents.programs(names) if contents else frozenset()
    return all(there.intersection(group) for group in groups)


def _api_volume() -> Body:
    """Return the volume with the token, as kubelet itself would mount it, for the init container alone."""
    return {
        "name": "bundle-api",
        "projected": {
            "defaultMode": 0o444,
            "sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {
                    "downwardAPI": {
                        "items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]
                    }
                },
            ],
        },
    }
