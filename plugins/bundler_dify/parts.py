"""Building blocks of services in the Compose document."""

from __future__ import annotations

from typing import Any, Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_dify.connections import CA_FILE
from bundler_dify.settings.model import DifySettings, Limits

Service = dict[str, Any]
"""A service of the Compose document."""
Services = dict[str, Service]

CORE = "core"
"""Network of databases and Dify's own programs. It is internal: it has no route to the outside."""
EDGE = "edge"
"""Network through which the gateway publishes its ports."""
EGRESS = "egress"
"""Network for services that are configured to call servers of the site."""
SSRF = "ssrf_proxy_network"
LOCAL_SANDBOX = "local_sandbox_proxy_network"
AGENT_SANDBOX = "agent_sandbox_network"
NETWORKS: Final = {
    CORE: True,
    EDGE: False,
    EGRESS: False,
    SSRF: True,
    LOCAL_SANDBOX: True,
    AGENT_SANDBOX: True,
}
"""Whether each network is internal. The last three are upstream's; upstream's fourth, `default`, is not
internal, and is replaced here by the first three."""

DROP_ROOT: Final = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
"""Capabilities for an entry point that starts as root, takes over its folder and switches to another user."""
UNUSED: Final = ("AUDIT_WRITE", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP")
"""Capabilities of Docker's default set that no program on a high port requires. They are dropped for images
that do not document the ones that they require."""

AUDITED: Final = ("nginx", "ssrf_proxy", "agent_ssrf_proxy")
"""Services whose access logs are the audit log."""

PIDS: Final = {"sandbox": 512, "local_sandbox": 512}
"""Maximum number of processes in services that run untrusted code."""

_MIB = 2**20
_GIB = 2**30
DEFAULT_LIMITS: Final = {
    # Memory limits are from a runbook and proven in practice; cores follow the load of each service.
    "init_permissions": Limits(cpus=1.0, memory=128 * _MIB),
    "migrate": Limits(cpus=2.0, memory=2 * _GIB),
    "api": Limits(cpus=2.0, memory=2 * _GIB),
    "api_websocket": Limits(cpus=1.0, memory=_GIB),
    "worker": Limits(cpus=2.0, memory=2 * _GIB),
    "worker_beat": Limits(cpus=0.5, memory=_GIB),
    "web": Limits(cpus=1.0, memory=_GIB),
    "db_postgres": Limits(cpus=2.0, memory=2 * _GIB),
    "db_mysql": Limits(cpus=2.0, memory=2 * _GIB),
    "redis": Limits(cpus=1.0, memory=512 * _MIB),
    "weaviate": Limits(cpus=2.0, memory=2 * _GIB),
    "qdrant": Limits(cpus=2.0, memory=2 * _GIB),
    "pgvector": Limits(cpus=2.0, memory=2 * _GIB),
    "etcd": Limits(cpus=1.0, memory=512 * _MIB),
    "minio": Limits(cpus=1.0, memory=_GIB),
    "milvus": Limits(cpus=2.0, memory=4 * _GIB),
    # Upstream's limit, half of which is the Java heap.
    "elasticsearch": Limits(cpus=2.0, memory=2 * _GIB),
    "opensearch": Limits(cpus=2.0, memory=2 * _GIB),
    # Each installed plugin is a separate process in this container.
    "plugin_daemon": Limits(cpus=2.0, memory=2 * _GIB),
    "agent_backend": Limits(cpus=1.0, memory=_GIB),
    "local_sandbox": Limits(cpus=1.0, memory=512 * _MIB),
    "sandbox": Limits(cpus=1.0, memory=512 * _MIB),
    "ssrf_proxy": Limits(cpus=0.5, memory=256 * _MIB),
    "agent_ssrf_proxy": Limits(cpus=0.5, memory=256 * _MIB),
    "nginx": Limits(cpus=1.0, memory=256 * _MIB),
}
"""Built-in limits for one container of each service."""


def check(
    *command: str, interval: str = "10s", timeout: str = "5s", retries: int = 6, start: str = "30s"
) -> Service:
    """Return a health check; a single word is run by the shell."""
    test = ["CMD-SHELL", *command] if len(command) == 1 else ["CMD", *command]
    return {"test": test, "interval": interval, "timeout": timeout, "retries": retries, "start_period": start}


def http_check(
    port: int, path: str, *, interval: str = "10s", retries: int = 6, start: str = "30s"
) -> Service:
    """Return a health check over HTTP with the first client that the image has."""
    url = f"http://127.0.0.1:{port}{path}"
    python = f"import urllib.request as r; r.urlopen('{url}', timeout=4)"
    node = f"fetch('{url}').then(r => process.exit(r.status < 400 ? 0 : 1), () => process.exit(1))"
    clients = (
        f"curl -fsS -m 4 -o /dev/null '{url}'",
        f"wget -q -T 4 -O /dev/null '{url}'",
        f'python3 -c "{python}"',
        f'node -e "{node}"',
    )
    command = " || ".join(f"{client} 2>/dev/null" for client in clients)
    return check(command, timeout="10s", interval=interval, retries=retries, start=start)


def wait_for(**conditions: str) -> Service:
    """Return `depends_on`, given `started`, `healthy` or `completed` for each service."""
    words = {
        "started": "service_started",
        "healthy": "service_healthy",
        "completed": "service_completed_successfully",
    }
    return {name: {"condition": words[condition]} for name, condition in conditions.items()}


def read_only(*folders: str, user: str | None = None) -> Service:
    """Return a read-only root file system with writable folders in memory.

    Args:
        folders: writable folders.
        user: `uid:gid` that the container starts as, unless it is root. It owns the folders: a `mode=` that
            allows everyone to write is lost when the same container starts a second time, unless the image
            has the folder with that mode, as all have `/tmp` (runc 1.1.5). An owner is not lost.
    """
    uid, _, gid = (user or "").partition(":")
    owner = f"uid={uid},gid={gid}," if user else ""
    modes = {folder: "1777" if folder == "/tmp" else "0755" for folder in folders}  # noqa: S108 in a container
    return {"read_only": True, "tmpfs": [f"{folder}:{owner}mode={mode}" for folder, mode in modes.items()]}


def drop_all(*kept: str) -> Service:
    """Drop all capabilities except the given ones."""
    return {"cap_drop": ["ALL"]} | ({"cap_add": sorted(kept)} if kept else {})


def drop_unused() -> Service:
    """Drop the `UNUSED` capabilities, for images that do not document the ones that they require."""
    return {"cap_drop": list(UNUSED)}


def ca_volume(settings: DifySettings) -> list[str]:
    """Return the volume with the site's own certificate authorities, if it has any."""
    return [f"./certificates/ca.pem:{CA_FILE}:ro"] if settings.ca_certificates else []


def finish(services: Services, settings: DifySettings) -> Services:
    """Add the common parts of all services: log rotation, no new privileges, limits.

    Raises:
        BundleError: the settings set resources of an unknown service, or reserve more than the limit.
    """
    for name in settings.resources:
        # Resources of a known service that other settings disable are valid: they may be inherited.
        if name not in DEFAULT_LIMITS:
            raise BundleError(
                tr("settings: resources: {name}: unknown service", name=name),
                hint=tr("services here: {names}", names=", ".join(services)),
            )
    return {name: _finished(name, service, settings) for name, service in services.items()}


def _finished(name: str, service: Service, settings: DifySettings) -> Service:
    whole: Service = {"restart": "unless-stopped"} | service
    networks = service.get("networks", [])
    if networks:
        # If the site's name server does not answer, a lookup fails after 4 s instead of 10 s.
        whole |= {"dns_opt": ["timeout:2", "attempts:2"]} if EGRESS in networks else _nameless()
    whole["security_opt"] = ["no-new-privileges:true"]
    whole["logging"] = _logging(name, settings)
    deploy = {**service.get("deploy", {}), **_resources(name, settings)}
    if deploy:
        whole["deploy"] = deploy
    if not settings.hardening:
        # A read-only file system gets in the way when an operator examines a trial.
        whole.pop("read_only", None)
    return whole


def _nameless() -> Service:
    """Disable external name resolution: lookups do not reach the site's name server and fail quickly."""
    return {
        "dns": ["127.0.0.1"],
        # The host's search domains would turn one query into several.
        "dns_search": ["."],
        "dns_opt": [
            # The engine itself then answers for names without a dot, such as `redis` while it is recreated.
            "ndots:1",
            # If the name server above refuses, Docker 20.10 does not answer: a lookup in Python took 10 s
            # without these two options, 2 s with them. Names of other services are resolved the same way, and
            # a busy engine may answer late once, so there are two attempts.
            "timeout:1",
            "attempts:2",
        ],
    }


def _logging(name: str, settings: DifySettings) -> Service:
    logging = settings.logging
    if logging.driver == "journald":
        return {"driver": "journald", "options": {"tag": f"dify/{name}"}}
    files = logging.audit_max_files if name in AUDITED else logging.max_files
    options = {"max-size": f"{logging.max_size_mb}m", "max-file": str(files)}
    return {"driver": logging.driver, "options": options}


def _resources(name: str, settings: DifySettings) -> Service:
    builtin = DEFAULT_LIMITS[name] if settings.limits else Limits()
    given = settings.resources.get(name, Limits())
    merged = builtin.model_dump(exclude_none=True) | given.model_dump(exclude_none=True)
    try:
        limits = Limits.model_validate(merged)
    except ValueError as error:
        raise BundleError(
            tr("settings: resources: {name}: the reservation exceeds the limit", name=name),
            hint=tr(
                "set `cpus` and `memory` as well; defaults: {cpus} cores, {memory} bytes",
                cpus=builtin.cpus,
                memory=builtin.memory,
            ),
        ) from error
    pids = {"pids": PIDS[name]} if name in PIDS else {}
    found = {
        "limits": _amounts(limits.cpus, limits.memory) | pids,
        "reservations": _amounts(limits.reserved_cpus, limits.reserved_memory),
    }
    resources = {kind: amounts for kind, amounts in found.items() if amounts}
    return {"resources": resources} if resources else {}


def _amounts(cpus: float | None, memory: int | None) -> Service:
    found: Service = {}
    if cpus is not None:
        found["cpus"] = f"{cpus:g}"
    if memory is not None:
        found["memory"] = f"{memory}b"
    return found
