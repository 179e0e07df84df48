"""What a Compose document asks of the server: the lines of `document.tsv`.

Each line is a feature that some servers cannot provide, so that `docker compose up` would fail there, or
behave differently. The preflight has a check for each. Values may contain `${NAME}`, which the site resolves.
Both the short and the long forms of the specification are read:
https://github.com/compose-spec/compose-spec/blob/main/spec.md, commit 170098b.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from bundler.api import compose
from bundler.image.platform import Platform

Row = dict[str, str | None]
"""A line of `document.tsv`: `service`, `what` and `value`."""
Feature = tuple[str, str]
"""`what` and `value` of a line."""

OWN: Final = "${BUNDLE_"
"""Begins the paths that the installer makes: below the root, and so not the server's."""
DEFAULT_RIGHTS: Final = frozenset(
    [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
        "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ]
)  # fmt: skip
"""Capabilities that every container has unless they are dropped: any engine can give them."""
LOG_DRIVERS: Final = frozenset({"json-file", "local", "none"})
"""Drivers of logs that every engine has."""
BUILT_IN: Final = {
    "network": frozenset({"bridge", "default", "host", "none", "null"}),
    "volume": frozenset({"local"}),
}
"""Drivers that every engine has. Others are plugins, or depend on the system."""
FILES: Final = frozenset(
    f"/etc/{name}"
    for name in [
        "group", "hostname", "hosts", "localtime", "machine-id", "os-release", "passwd", "resolv.conf",
        "shadow", "timezone",
    ]
)  # fmt: skip
"""Files of a Linux system that containers often mount."""
ENDINGS: Final = frozenset(
    [
        ".cer", ".cfg", ".cnf", ".conf", ".crt", ".env", ".ini", ".json", ".key", ".list", ".lua",
        ".p12", ".pem", ".properties", ".py", ".service", ".sh", ".so", ".sql", ".toml", ".txt", ".xml",
        ".yaml", ".yml",
    ]
)  # fmt: skip
"""Endings of names that are files on both sides of a mount."""
_COMMAND_FORM = 2


def document_rows(document: Mapping[str, Any], platform: Platform) -> list[Row]:
    """Return the lines of `document.tsv`, in the order of the document, each once.

    Args:
        document: the rendered Compose document. Services with zero replicas ask for nothing.
        platform: platform of the bundle; `platform` of a service is listed if it is another one.
    """
    entries = {service.name: entry for service, entry in compose.running(document)}
    rows: dict[tuple[str | None, str, str], Row] = {}
    features: list[tuple[str | None, Feature]] = []
    for name, entry in entries.items():
        features += [(name, feature) for feature in _service_features(entry, platform)]
    features += [(None, feature) for feature in _shared_features(document, entries)]
    for service, (what, value) in features:
        if value:
            rows.setdefault((service, what, value), {"service": service, "what": what, "value": value})
    return list(rows.values())


def _service_features(entry: Mapping[str, Any], platform: Platform) -> Iterator[Feature]:
    yield from _names(entry)
    yield from _devices(entry)
    yield from _limits(entry)
    yield from _kernel_settings(entry)
    yield from _paths(entry)
    yield from _host_ports(entry)
    yield from _options(entry, platform)


def _names(entry: Mapping[str, Any]) -> Iterator[Feature]:
    """Names that are unique in an engine, and containers of others that must exist: `container:NAME`."""
    yield "container", _text(entry.get("container_name"))
    for key in ("network_mode", "pid", "ipc"):
        mode, _, name = _text(entry.get(key)).partition(":")
        if mode == "container":
            yield "other-container", name
    for link in entry.get("external_links") or ():
        yield "other-container", str(link).partition(":")[0]
    for source in entry.get("volumes_from") or ():
        parts = str(source).split(":")
        if parts[0] == "container":
            yield "other-container", parts[1]


def _devices(entry: Mapping[str, Any]) -> Iterator[Feature]:
    """Device nodes, CDI devices, and what the engine reserves through a driver: usually GPUs."""
    for item in entry.get("devices") or ():
        source = _text(item.get("source")) if isinstance(item, Mapping) else _parts(str(item))[0]
        yield ("device", source) if source.startswith(("/", "$", "~")) else ("cdi", source)
    for limits in (entry.get("blkio_config") or {}).values():
        if isinstance(limits, list):
            yield from (("device", _text(limit.get("path"))) for limit in limits)
    gpus = entry.get("gpus")
    requests = [{"driver": "", "count": "all"}] if gpus == "all" else list(gpus or ())
    requests += _deploy(entry, "reservations").get("devices") or ()
    for request in requests:
        ids = request.get("device_ids")
        count = ",".join(map(str, ids)) if ids else _text(request.get("count")) or "all"
        driver = _text(request.get("driver")) or "nvidia"
        yield "gpu", f"{driver}={'all' if count == '-1' else count}"


def _limits(entry: Mapping[str, Any]) -> Iterator[Feature]:
    limits, reservations = _deploy(entry, "limits"), _deploy(entry, "reservations")
    yield "cpus", _text(entry.get("cpus"))
    yield "cpus", _text(limits.get("cpus"))
    yield "cpuset", _text(entry.get("cpuset"))
    for value in (entry.get("mem_limit"), limits.get("memory")):
        yield "memory-limit", _text(value)
    for value in (entry.get("mem_reservation"), reservations.get("memory"), entry.get("shm_size")):
        yield "memory", _text(value)
    for name, limit in (entry.get("ulimits") or {}).items():
        hard = limit.get("hard", limit.get("soft")) if isinstance(limit, Mapping) else limit
        yield "ulimit", f"{name}={_text(hard)}"


def _kernel_settings(entry: Mapping[str, Any]) -> Iterator[Feature]:
    """`sysctls`. With the host's network, the engine refuses those of the network: `host-sysctl`."""
    what = "host-sysctl" if entry.get("network_mode") == "host" else "sysctl"
    for name in _mapping(entry.get("sysctls")):
        yield what, name


def _paths(entry: Mapping[str, Any]) -> Iterator[Feature]:
    for item in entry.get("volumes") or ():
        if isinstance(item, Mapping):
            if item.get("type") == "bind":
                yield from _path(_text(item.get("source")), _text(item.get("target")))
            continue
        parts = _parts(str(item))
        if len(parts) >= _COMMAND_FORM:
            yield from _path(parts[0], parts[1])


def _path(source: str, target: str) -> Iterator[Feature]:
    """A path of the server, with the kind that the names on both sides tell: `path` is any.

    A variable alone may be a path or a volume's name: the site passes over what is not a path.
    """
    if source.startswith(OWN) or not source.startswith(("/", "~", "$")):
        return
    name, inside = PurePosixPath(source), PurePosixPath(target)
    if name.suffix == ".sock":
        yield "socket", source
    elif str(name) in FILES or (inside.suffix in ENDINGS and not source.endswith("/")):
        yield "file", source
    elif source.endswith("/"):
        yield "folder", source.rstrip("/") or "/"
    else:
        yield "path", source


def _host_ports(entry: Mapping[str, Any]) -> Iterator[Feature]:
    """Ports on which a service with the host's network probably listens: those that it names."""
    if entry.get("network_mode") != "host":
        return
    for item in (*(entry.get("ports") or ()), *(entry.get("expose") or ())):
        if isinstance(item, Mapping):
            port, protocol = _text(item.get("target")), _text(item.get("protocol"))
        else:
            text, _, protocol = str(item).partition("/")
            port = _parts(text)[-1]
        if port.isdigit():
            yield "host-port", f"{port}/{protocol or 'tcp'}"


def _options(entry: Mapping[str, Any], platform: Platform) -> Iterator[Feature]:
    """Options that depend on how the engine and the kernel are set up."""
    yield "runtime", _text(entry.get("runtime"))
    yield "isolation", _text(entry.get("isolation"))
    yield "userns", _text(entry.get("userns_mode"))
    yield "cgroup-parent", _text(entry.get("cgroup_parent"))
    driver = _text((entry.get("logging") or {}).get("driver"))
    yield "log-driver", "" if driver in LOG_DRIVERS else driver
    yield "storage-size", _text((entry.get("storage_opt") or {}).get("size"))
    if _text(entry.get("privileged")) not in {"", "false"}:
        yield "rights", "privileged"
    for name in entry.get("cap_add") or ():
        if str(name).upper().removeprefix("CAP_") not in DEFAULT_RIGHTS:
            yield "rights", str(name)
    for option in entry.get("security_opt") or ():
        kind, _, value = str(option).replace("=", ":", 1).partition(":")
        if kind == "apparmor":
            yield "apparmor", value
        if kind == "seccomp" and value not in {"unconfined", "builtin"}:
            yield from _path(value, "seccomp.json")
    for host, address in _mapping(entry.get("extra_hosts")).items():
        if address == "host-gateway":
            yield "host-gateway", host
    own = _text(entry.get("platform"))
    if own and "$" not in own and Platform.parse(own) != platform:
        yield "platform", own


def _shared_features(document: Mapping[str, Any], entries: Mapping[str, Any]) -> Iterator[Feature]:
    """Networks and volumes that the services use: external ones, their drivers, and what these need."""
    used = {kind: set[str]() for kind in BUILT_IN}
    for entry in entries.values():
        used["network"] |= set(entry.get("networks") or ({} if entry.get("network_mode") else {"default"}))
        for item in entry.get("volumes") or ():
            source = item.get("source") if isinstance(item, Mapping) else _parts(str(item))[0]
            used["volume"].add(_text(source))
    for kind, names in used.items():
        for key, declared in (document.get(f"{kind}s") or {}).items():
            if key in names:
                yield from _object(kind, key, declared or {})


def _object(kind: str, key: str, entry: Mapping[str, Any]) -> Iterator[Feature]:
    external = entry.get("external")
    if external:
        legacy = external.get("name") if isinstance(external, Mapping) else None
        yield kind, _text(entry.get("name") or legacy or key)
        return
    driver, options = _text(entry.get("driver")), entry.get("driver_opts") or {}
    if driver and driver not in BUILT_IN[kind]:
        yield f"{kind}-driver", driver
    if kind == "network":
        yield "interface", _text(options.get("parent"))
    elif "bind" in re.split(r"[,\s]+", _text(options.get("o"))):
        yield from _path(_text(options.get("device")).rstrip("/") + "/", "/")


def _deploy(entry: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    return ((entry.get("deploy") or {}).get("resources") or {}).get(part) or {}


def _mapping(value: object) -> dict[str, str]:
    """Return `NAME=VALUE` entries of a list, or `NAME:VALUE` of `extra_hosts`, as a mapping."""
    if isinstance(value, Mapping):
        return {str(name): _text(text) for name, text in value.items()}
    pairs = [re.split("[=:]", str(item), maxsplit=1) for item in value or ()]  # type: ignore[attr-defined]
    return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}


def _parts(text: str) -> list[str]:
    """Split at the colons of a short form that are outside of `${...}`."""
    return compose.short_parts(text) or [""]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
