"""All keys of a Compose service, and what becomes of each in a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bundler.language import tr_later


class Fate(StrEnum):
    """What becomes of a key.

    Attributes:
        MAPPED: it has a counterpart; values that have none are refused, or stand in the report.
        REPORTED: it has no counterpart; a service that has it gets a line in the report.
        NOTHING: it has no effect at a site with Compose either.
        REFUSED: the application would not work without it; the build fails with the reason.
    """

    MAPPED = "mapped"
    REPORTED = "reported"
    NOTHING = "nothing"
    REFUSED = "refused"


@dataclass(frozen=True)
class Key:
    """What is said of a key: for `MAPPED` its counterpart, else the reason, or what is so instead."""

    fate: Fate
    text: str


def _mapped(text: str) -> Key:
    return Key(Fate.MAPPED, text)


def _reported(text: str) -> Key:
    return Key(Fate.REPORTED, text)


def _refused(text: str) -> Key:
    return Key(Fate.REFUSED, text)


_NO_LIMIT: Final = _reported(tr_later("a pod has no such limit; the settings of the node hold"))
_NODE: Final = _reported(tr_later("the settings of the node hold"))
_DNS: Final = _reported(tr_later("names are resolved by the DNS of the cluster"))
_NOWHERE: Final = Key(Fate.NOTHING, tr_later("no effect at a site"))
_BUILD: Final = Key(Fate.NOTHING, tr_later("resolved at the build"))
_WINDOWS: Final = Key(Fate.NOTHING, tr_later("for Windows only"))
_HOOK: Final = _refused(tr_later("hooks have no counterpart; make a service of it that runs once"))
_DEVICE: Final = _refused(tr_later("devices of a host cannot be given to a pod; for a GPU use `gpus`"))

SERVICE: Final[dict[str, Key]] = {
    "annotations": _mapped(tr_later("annotations of the pod")),
    "attach": _NOWHERE,
    "blkio_config": _NO_LIMIT,
    "build": _BUILD,
    "cap_add": _mapped("`securityContext.capabilities.add`"),
    "cap_drop": _mapped("`securityContext.capabilities.drop`"),
    "cgroup": _mapped(tr_later("`private`; `host` is refused")),
    "cgroup_parent": _NODE,
    "command": _mapped(tr_later("`args`; values with secrets come from a Secret")),
    "configs": _mapped(tr_later("ConfigMap, or Secret if it contains a secret; mounted with `subPath`")),
    "container_name": _mapped(tr_later("a Service of that name, if no other has it")),
    "cpu_count": _WINDOWS,
    "cpu_percent": _WINDOWS,
    "cpu_period": _mapped(tr_later("with `cpu_quota`: `limits.cpu`")),
    "cpu_quota": _mapped(tr_later("with `cpu_period`: `limits.cpu`")),
    "cpu_rt_period": _NO_LIMIT,
    "cpu_rt_runtime": _NO_LIMIT,
    "cpu_shares": _reported(tr_later("shares follow from `requests.cpu`")),
    "cpus": _mapped("`limits.cpu`"),
    "cpuset": _NODE,
    "credential_spec": _WINDOWS,
    "depends_on": _mapped(tr_later("an init container that waits as the condition says")),
    "deploy": _mapped(tr_later("`replicas`, `resources`, `restart_policy`; the rest has no effect")),
    "develop": _BUILD,
    "device_cgroup_rules": _DEVICE,
    "devices": _DEVICE,
    "dns": _DNS,
    "dns_opt": _DNS,
    "dns_search": _DNS,
    "domainname": _reported(tr_later("a pod has the domain of the cluster")),
    "entrypoint": _mapped("`command`"),
    "env_file": _BUILD,
    "environment": _mapped(tr_later("`env`; values with secrets come from a Secret")),
    "expose": _mapped(tr_later("ports of the Service")),
    "extends": _BUILD,
    "external_links": _refused(tr_later("containers of other projects are not in the cluster")),
    "extra_hosts": _mapped(tr_later("`hostAliases`; `host-gateway` is refused")),
    "gpus": _mapped(tr_later("`limits` of `nvidia.com/gpu`; `all` is refused")),
    "group_add": _mapped("`supplementalGroups`"),
    "healthcheck": _mapped(
        tr_later("readiness and startup probe; a liveness probe where `x-bundle-liveness: true` asks for it")
    ),
    "hostname": _mapped(tr_later("`hostname` of the pod, with one replica")),
    "image": _mapped(tr_later("the image of the bundle, never pulled again")),
    "init": _mapped("`shareProcessNamespace`"),
    "ipc": _mapped(tr_later("`private` and `shareable`; others are refused")),
    "isolation": _WINDOWS,
    "label_file": _BUILD,
    "labels": _mapped(tr_later("annotations of the pod, because labels of a cluster are shorter")),
    "links": _mapped(tr_later("the Service has the name already; another name is refused")),
    "logging": _mapped(
        tr_later("`json-file` and `local`: the node keeps and rotates the logs; others are refused")
    ),
    "mac_address": _refused(tr_later("the network of a cluster gives addresses")),
    "mem_limit": _mapped("`limits.memory`"),
    "mem_reservation": _mapped("`requests.memory`"),
    "mem_swappiness": _NO_LIMIT,
    "memswap_limit": _NO_LIMIT,
    "models": _refused(tr_later("models of Docker have no counterpart")),
    "network_mode": _mapped(tr_later("`bridge` and `none`; `host`, `service:` and `container:` are refused")),
    "networks": _mapped(tr_later("a NetworkPolicy for each network, a Service for each alias")),
    "oom_kill_disable": _NO_LIMIT,
    "oom_score_adj": _NO_LIMIT,
    "pid": _refused(tr_later("the processes of a node or of another pod cannot be shared")),
    "pids_limit": _NO_LIMIT,
    "platform": _mapped(tr_later("`nodeSelector`: architecture and system")),
    "ports": _mapped(tr_later("ports of the Service; published ones also by a Service of their own")),
    "post_start": _HOOK,
    "pre_start": _HOOK,
    "pre_stop": _HOOK,
    "privileged": _refused(
        tr_later("a privileged container owns the node; ask for what it needs by `cap_add`")
    ),
    "profiles": _BUILD,
    "provider": _refused(tr_later("providers of Compose have no counterpart")),
    "pull_policy": _NOWHERE,
    "pull_refresh_after": _NOWHERE,
    "read_only": _mapped("`readOnlyRootFilesystem`"),
    "restart": _mapped(tr_later("Deployment, or Job for what ends")),
    "runtime": _refused(tr_later("runtimes of the engine have no counterpart")),
    "scale": _mapped(
        tr_later("`replicas`; a HorizontalPodAutoscaler where `x-bundle-autoscaling` asks for it")
    ),
    "secrets": _mapped(tr_later("Secret; mounted with `subPath`")),
    "security_opt": _mapped(
        tr_later("`no-new-privileges`, `seccomp:unconfined`, `apparmor`; profiles in files are refused")
    ),
    "shm_size": _mapped(tr_later("`emptyDir` in memory at `/dev/shm`")),
    "stdin_open": _mapped("`stdin`"),
    "stop_grace_period": _mapped("`terminationGracePeriodSeconds`"),
    "stop_signal": _reported(tr_later("the signal is that of the image, SIGTERM by default")),
    "storage_opt": _NO_LIMIT,
    "sysctls": _mapped(tr_later("`securityContext.sysctls`; those that a node must allow are refused")),
    "tmpfs": _mapped(tr_later("`emptyDir` in memory")),
    "tty": _mapped("`tty`"),
    "ulimits": _NODE,
    "use_api_socket": _refused(tr_later("a cluster has no socket of the engine")),
    "user": _mapped(tr_later("`runAsUser`, `runAsGroup`; the build finds the numbers of names in the image")),
    "userns_mode": _NODE,
    "uts": _refused(tr_later("the name of the node cannot be shared")),
    "volumes": _mapped(
        tr_later("PersistentVolumeClaim, ConfigMap, Secret or `emptyDir`; paths of the host are refused")
    ),
    "volumes_from": _BUILD,
    "working_dir": _mapped("`workingDir`"),
}
"""Keys of services of the Compose specification."""
