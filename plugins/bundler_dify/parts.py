"""Pieces that services are put together from."""

from __future__ import annotations

from typing import Any, Final

from bundler.errors import BundleError
from bundler_dify.connections import CA_FILE
from bundler_dify.settings.model import DifySettings, Limits

Service = dict[str, Any]
"""A service of the Compose document."""
Services = dict[str, Service]

CORE = "core"
"""Databases and Dify's own programs. Internal: nothing in it reaches anything outside by this way."""
EDGE = "edge"
"""The gateway's way out to its published ports."""
EGRESS = "egress"
"""The way to the site's own servers, for who is configured to call one."""
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
"""Network: whether it is internal. The last three are upstream's; its fourth, `default`, is not internal, and
is the first three here."""

DROP_ROOT: Final = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
"""What an entry point needs that starts as root, makes its folder its own and becomes another user."""
UNUSED: Final = ("AUDIT_WRITE", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP")
"""Of Docker's default set, what no program on a high port needs; for images whose needs are not published."""

AUDITED: Final = ("nginx", "ssrf_proxy", "agent_ssrf_proxy")
"""Their access logs are the audit log."""

PIDS: Final = {"sandbox": 512, "local_sandbox": 512}
"""Processes at most, where code of anybody runs."""

_MIB = 2**20
_GIB = 2**30
DEFAULT_LIMITS: Final = {
    # A runbook's memory limits that worked; processors by the weight of what each does.
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
    # Upstream's limit; half of it is Java's heap.
    "elasticsearch": Limits(cpus=2.0, memory=2 * _GIB),
    "opensearch": Limits(cpus=2.0, memory=2 * _GIB),
    # Each installed plugin is a process of its own in it.
    "plugin_daemon": Limits(cpus=2.0, memory=2 * _GIB),
    "agent_backend": Limits(cpus=1.0, memory=_GIB),
    "local_sandbox": Limits(cpus=1.0, memory=512 * _MIB),
    "sandbox": Limits(cpus=1.0, memory=512 * _MIB),
    "ssrf_proxy": Limits(cpus=0.5, memory=256 * _MIB),
    "agent_ssrf_proxy": Limits(cpus=0.5, memory=256 * _MIB),
    "nginx": Limits(cpus=1.0, memory=256 * _MIB),
}
"""For one container of each service."""


def check(
    *command: str, interval: str = "10s", timeout: str = "5s", retries: int = 6, start: str = "30s"
) -> Service:
    """A health check; one word is for the shell."""
    test = ["CMD-SHELL", *command] if len(command) == 1 else ["CMD", *command]
    return {"test": test, "interval": interval, "timeout": timeout, "retries": retries, "start_period": start}


def http_check(
    port: int, path: str, *, interval: str = "10s", retries: int = 6, start: str = "30s"
) -> Service:
    """A health check by HTTP with whichever client the image has."""
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
    """`depends_on`: service -> `started`, `healthy` or `completed`."""
    words = {
        "started": "service_started",
        "healthy": "service_healthy",
        "completed": "service_completed_successfully",
    }
    return {name: {"condition": words[condition]} for name, condition in conditions.items()}


def read_only(*folders: str, user: str | None = None) -> Service:
    """An image that never changes, with folders of memory for what it writes.

    Args:
        folders: where it writes.
        user: `uid:gid` that the container starts as, where that is not root. The folders are that user's: a
            `mode=` that lets everybody write is lost when the same container starts a second time, unless the
            image has the folder with that mode, as all have `/tmp` (runc 1.1.5). An owner is not lost.
    """
    uid, _, gid = (user or "").partition(":")
    owner = f"uid={uid},gid={gid}," if user else ""
    modes = {folder: "1777" if folder == "/tmp" else "0755" for folder in folders}  # noqa: S108 a container's
    return {"read_only": True, "tmpfs": [f"{folder}:{owner}mode={mode}" for folder, mode in modes.items()]}


def drop_all(*kept: str) -> Service:
    """No capability but the ones that are named."""
    return {"cap_drop": ["ALL"]} | ({"cap_add": sorted(kept)} if kept else {})


def drop_unused() -> Service:
    """For images whose needs are not published."""
    return {"cap_drop": list(UNUSED)}


def ca_volume(settings: DifySettings) -> list[str]:
    """The site's own certificate authorities, where it has any."""
    return [f"./certificates/ca.pem:{CA_FILE}:ro"] if settings.ca_certificates else []


def finish(services: Services, settings: DifySettings) -> Services:
    """Add what all services have: logs that end, no way up, limits.

    Raises:
        BundleError: the settings give resources to a service that no settings make, or reserve more than the
            built-in limit.
    """
    for name in settings.resources:
        # One that another setting left out is none of this profile's business: it may be inherited.
        if name not in DEFAULT_LIMITS:
            raise BundleError(
                f"settings: resources: {name}: unknown service",
                hint="services here: " + ", ".join(services),
            )
    return {name: _finished(name, service, settings) for name, service in services.items()}


def _finished(name: str, service: Service, settings: DifySettings) -> Service:
    whole: Service = {"restart": "unless-stopped"} | service
    networks = service.get("networks", [])
    if networks:
        # Where the site's name server does not answer, a look-up ends after 4 s instead of 10.
        whole |= {"dns_opt": ["timeout:2", "attempts:2"]} if EGRESS in networks else _nameless()
    whole["security_opt"] = ["no-new-privileges:true"]
    whole["logging"] = _logging(name, settings)
    deploy = {**service.get("deploy", {}), **_resources(name, settings)}
    if deploy:
        whole["deploy"] = deploy
    if not settings.hardening:
        # A read-only file system is what an operator who looks into a trial stumbles over.
        whole.pop("read_only", None)
    return whole


def _nameless() -> Service:
    """Names of the outside are nobody's: nobody asks the site's name server, nobody waits for an answer."""
    return {
        "dns": ["127.0.0.1"],
        # The host's search domains would make several questions of one.
        "dns_search": ["."],
        "dns_opt": [
            # The engine itself answers for names without a dot then: `redis`, while that is made anew.
            "ndots:1",
            # Where the server above refuses, Docker 20.10 answers nothing: a look-up took Python 10 s without
            # these two, 2 s with them. Names of other services go the same way, and a busy engine may be late
            # once: so there are two attempts.
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
            f"settings: resources: {name}: the reservation exceeds the limit",
            hint=f"set `cpus` and `memory` as well; defaults: {builtin.cpus} cores, {builtin.memory} bytes",
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
