"""What a service's definition says about what its container may do.

Source: Compose specification, https://github.com/compose-spec/compose-spec/blob/main/05-services.md. A value
with `${NAME}` is judged as the plain case, because only the site knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bundler.report.loose import entries, mapping, text
from bundler.report.model import Finding

_NAMESPACES: Final = {
    "network_mode": "network",
    "pid": "pid",
    "ipc": "ipc",
    "uts": "uts",
    "userns_mode": "user",
    "cgroup": "cgroup",
}
"""Key that puts a container into a namespace of the host, and the namespace's name: namespaces(7)."""
_ENGINES: Final = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock")
"""Sockets of engines: who can write to one has all rights on the server."""


def judge(entry: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return a finding for each kind of protection, always in the same order.

    Args:
        entry: of a service in a Compose document; its values may have any shape.
    """
    return tuple(check(entry) for check in CHECKS.values())


def _is_true(value: object) -> bool:
    return text(value).lower() in {"true", "yes", "on", "1"}


def _root_filesystem(entry: Mapping[str, Any]) -> Finding:
    if _is_true(entry.get("read_only")):
        return Finding("rootfs", "good", "rootfs_read_only")
    return Finding("rootfs", "plain", "rootfs_writable")


def _privileged(entry: Mapping[str, Any]) -> Finding:
    if _is_true(entry.get("privileged")):
        return Finding("privileged", "risk", "yes")
    return Finding("privileged", "plain", "no")


def _capabilities(entry: Mapping[str, Any]) -> Finding:
    dropped = [each.upper().removeprefix("CAP_") for each in entries(entry.get("cap_drop"))]
    added = [each.upper().removeprefix("CAP_") for each in entries(entry.get("cap_add"))]
    more = ", ".join(added)
    if "ALL" in added:
        return Finding("capabilities", "risk", "capabilities_all")
    if "ALL" in dropped:
        return Finding("capabilities", "good", "capabilities_only" if added else "capabilities_none", more)
    if added:
        return Finding("capabilities", "risk", "capabilities_added", more)
    if dropped:
        return Finding("capabilities", "good", "capabilities_dropped", ", ".join(dropped))
    return Finding("capabilities", "plain", "capabilities_default")


def _new_privileges(entry: Mapping[str, Any]) -> Finding:
    options = [each.replace("=", ":", 1) for each in entries(entry.get("security_opt"))]
    if any(each in {"no-new-privileges", "no-new-privileges:true"} for each in options):
        return Finding("new_privileges", "good", "no")
    return Finding("new_privileges", "plain", "new_privileges_possible")


def _user(entry: Mapping[str, Any]) -> Finding:
    said = text(entry.get("user"))
    if not said:
        return Finding("user", "plain", "user_of_image")
    if said.partition(":")[0] in {"0", "root"}:
        return Finding("user", "plain", "user_root", said)
    return Finding("user", "plain" if "$" in said else "good", "user_set", said)


def _namespaces(entry: Mapping[str, Any]) -> Finding:
    found = [name for key, name in _NAMESPACES.items() if text(entry.get(key)) == "host"]
    if found:
        return Finding("namespaces", "risk", "namespaces_host", ", ".join(found))
    shared = [
        mode for key in _NAMESPACES if (mode := text(entry.get(key))).startswith(("container:", "service:"))
    ]
    if shared:
        return Finding("namespaces", "plain", "namespaces_shared", ", ".join(dict.fromkeys(shared)))
    return Finding("namespaces", "plain", "namespaces_own")


def _filters(entry: Mapping[str, Any]) -> Finding:
    """Seccomp, AppArmor, SELinux, and hidden paths of the kernel."""
    options = [each.replace("=", ":", 1) for each in entries(entry.get("security_opt"))]
    off = [
        kind
        for kind, _, value in (each.partition(":") for each in options)
        if (kind in {"seccomp", "apparmor", "systempaths"} and value == "unconfined")
        or (kind == "label" and value == "disable")
    ]
    if off:
        return Finding("filters", "risk", "filters_off", ", ".join(off))
    return Finding("filters", "plain", "filters_default")


def _reach(entry: Mapping[str, Any]) -> Finding:
    """Devices of the server, and the sockets of its engine."""
    sources = [
        text(item.get("source")) if isinstance(item, Mapping) else text(item).partition(":")[0]
        for item in _list(entry.get("volumes"))
    ]
    sockets = [source for source in sources if source.endswith(_ENGINES)]
    if sockets:
        return Finding("reach", "risk", "reach_engine", ", ".join(sockets))
    devices = [
        text(item.get("source")) if isinstance(item, Mapping) else text(item).partition(":")[0]
        for item in _list(entry.get("devices"))
    ]
    if devices:
        return Finding("reach", "risk", "reach_devices", ", ".join(devices))
    return Finding("reach", "plain", "reach_none")


def _limits(entry: Mapping[str, Any]) -> Finding:
    limits = mapping(mapping(mapping(entry.get("deploy")).get("resources")).get("limits"))
    memory = text(entry.get("mem_limit")) or text(limits.get("memory"))
    cpus = text(entry.get("cpus")) or text(limits.get("cpus"))
    processes = text(entry.get("pids_limit")) or text(limits.get("pids"))
    named = (("memory", memory), ("cpus", cpus), ("pids", processes))
    found = [f"{name} {value}" for name, value in named if value]
    if found:
        return Finding("limits", "good" if memory else "plain", "limits_set", ", ".join(found))
    return Finding("limits", "plain", "limits_none")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


CHECKS: Final[dict[str, Callable[[Mapping[str, Any]], Finding]]] = {
    "rootfs": _root_filesystem,
    "privileged": _privileged,
    "capabilities": _capabilities,
    "new_privileges": _new_privileges,
    "user": _user,
    "namespaces": _namespaces,
    "filters": _filters,
    "reach": _reach,
    "limits": _limits,
}
"""Kinds of protection, in the order of the columns."""
