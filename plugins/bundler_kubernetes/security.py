"""Users, capabilities and security options as the securityContext of a pod and of its container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bundler.language import tr, tr_later
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.objects import Body
from bundler_kubernetes.users import find_groups, find_user
from bundler_kubernetes.values import pairs

SAFE_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    }
)  # fmt: skip
"""Source: Kubernetes, "Using sysctls in a cluster", safe and unsafe sysctls, 1.34."""
_PRIVILEGED_PORTS: Final = 1024
_NO_RIGHTS: Final = tr_later(
    "runs as a user other than root, so all capabilities are dropped: programs that raise their rights fail"
)


@dataclass(frozen=True)
class Security:
    """What a pod may do."""

    pod: Body
    container: Body
    user: int | None
    """Number of the user that runs the container; None if the image decides and has a name for it."""


def security(context: Context, workload: Workload, groups: frozenset[int], ports: list[int]) -> Security:
    """Return what a service's pod may do.

    Args:
        context: the application.
        workload: the service.
        groups: groups that own the data that it mounts.
        ports: those that it listens on.
    """
    entry = workload.entry
    pod: Body = {}
    container: Body = {}
    user, group = find_user(context, workload)
    pod |= {} if user is None else {"runAsUser": user, "runAsNonRoot": user != 0}
    pod |= {} if group is None else {"runAsGroup": group}
    owner = _owner(user, group, groups)
    if owner is not None:
        pod["fsGroup"] = owner
        pod["fsGroupChangePolicy"] = "OnRootMismatch"
    supplemental = find_groups(context, workload)
    pod |= {"supplementalGroups": supplemental} if supplemental else {}
    options = _options(context, workload)
    pod |= {key: options.pop(key) for key in ("seccompProfile", "appArmorProfile") if key in options}
    add, drop = (_capabilities(entry.get(key)) for key in ("cap_add", "cap_drop"))
    restricted = user not in {None, 0} and set(add) <= {"NET_BIND_SERVICE"}
    if restricted and "ALL" not in drop:
        drop = ["ALL"]
        context.findings.note(workload.subject, "cap_drop", _NO_RIGHTS)
    if restricted or "allowPrivilegeEscalation" in options:
        container["allowPrivilegeEscalation"] = False
    capabilities = {key: names for key, names in (("add", add), ("drop", drop)) if names}
    container |= {"capabilities": capabilities} if capabilities else {}
    container |= {"readOnlyRootFilesystem": True} if entry.get("read_only") else {}
    sysctls = _sysctls(context, workload)
    if restricted and any(port < _PRIVILEGED_PORTS for port in ports):
        sysctls.setdefault("net.ipv4.ip_unprivileged_port_start", "0")  # as Docker sets it
    if sysctls:
        pod["sysctls"] = [{"name": name, "value": value} for name, value in sorted(sysctls.items())]
    return Security(pod, container, user)


def _owner(user: int | None, group: int | None, groups: frozenset[int]) -> int | None:
    """Return the group for which volumes are writable; root needs none."""
    if user == 0:
        return None
    if group is not None:
        return group
    if len(groups) == 1:
        return next(iter(groups))
    return user


def _capabilities(given: object) -> list[str]:
    names = given if isinstance(given, list) else []
    return [str(name).upper().removeprefix("CAP_") for name in names]


def _options(context: Context, workload: Workload) -> Body:
    """Return what `security_opt` asks for; without any, Docker has a profile for system calls too."""
    found: Body = {"seccompProfile": {"type": "RuntimeDefault"}}
    for option in workload.entry.get("security_opt") or ():
        name, _, value = str(option).replace("=", ":", 1).partition(":")
        if name == "no-new-privileges":
            if value in {"", "true"}:
                found["allowPrivilegeEscalation"] = False
        elif name == "seccomp" and value == "unconfined":
            found["seccompProfile"] = {"type": "Unconfined"}
            context.findings.note(
                workload.subject,
                "security_opt",
                tr_later(
                    "all system calls are allowed: a namespace with Pod Security `baseline` refuses the pod"
                ),
            )
        elif name == "seccomp" and value != "builtin":
            context.findings.refuse(
                workload.subject, "security_opt", tr("the profile would have to be a file on each node")
            )
        elif name == "apparmor":
            kind = {"unconfined": "Unconfined", "docker-default": "RuntimeDefault"}.get(value)
            found["appArmorProfile"] = (
                {"type": kind} if kind else {"type": "Localhost", "localhostProfile": value}
            )
            if not kind:
                context.findings.note(
                    workload.subject,
                    "security_opt",
                    tr_later("each node needs the AppArmor profile {name}"),
                    name=value,
                )
        elif name in {"label", "systempaths", "writable-cgroups"}:
            context.findings.note(
                workload.subject,
                "security_opt",
                tr_later("`{name}` is left out: the settings of the node hold"),
                name=name,
            )
    return found


def _sysctls(context: Context, workload: Workload) -> dict[str, str]:
    found = {}
    for name, value in pairs(workload.entry.get("sysctls")).items():
        if name not in SAFE_SYSCTLS:
            context.findings.refuse(
                workload.subject,
                "sysctls",
                tr("{name} is one that each node must allow", name=name),
                tr("set it on the nodes, and remove it from the service"),
            )
            continue
        found[name] = value or ""
    return found
