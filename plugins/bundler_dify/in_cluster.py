"""Dify as a cluster has it: what of its Compose document and of its files is different there.

The Compose document of a site stays as it is. Names of services become those of Services in the mapping.

Sources: nginx resolves a `proxy_pass` without variables at its start through the system, with the search
domains of `/etc/resolv.conf`; its `resolver` knows none (documentation of nginx, ngx_http_core_module).
Squid uses them for names without a dot if `dns_defnames` is on (documentation of squid.conf). A Service keeps
its address for as long as it exists (documentation of Kubernetes, Service).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bundler.api.application import ApplicationModel
from bundler.language import tr_later
from bundler_dify.config_files import rendered_files
from bundler_dify.parts import Service
from bundler_dify.settings.model import DifySettings

PORTS: Final[Mapping[str, tuple[int, ...]]] = {
    "api": (5001,),
    "api_websocket": (5001,),
    "web": (3000,),
    "plugin_daemon": (5002,),
    "agent_backend": (5050,),
    "local_sandbox": (5004,),
    "sandbox": (8194,),
    "ssrf_proxy": (3128,),
    "agent_ssrf_proxy": (3128,),
    "db_postgres": (5432,),
    "db_mysql": (3306,),
    "redis": (6379,),
    "weaviate": (8080, 50051),
    "qdrant": (6333, 6334),
    "pgvector": (5432,),
    "etcd": (2379,),
    "minio": (9000,),
    "milvus": (19530,),
    "elasticsearch": (9200,),
    "opensearch": (9200,),
}
"""Ports on which services answer others. Docker opens all ports to them, a Service those that it names."""
SCALED: Final = ("api", "worker")
REPEATED: Final = ("nginx", "web")
"""Services that keep nothing: with autoscaling they have two pods, so that a node can be drained."""
_DOCKER_ONLY: Final = ("dns", "dns_search", "dns_opt", "logging")
"""The first three make Docker's name server fail quickly; its logging drivers are those of no node."""
_HOME: Final = "local_sandbox_home:"
_REMARKS: Final = (
    tr_later(
        "the nodes keep and rotate the logs, also the audit log of the gateway and the proxies: collect them "
        "from there"
    ),
    tr_later(
        "the home folder of agents is that of the image, and begins anew with each pod; /workspace is kept"
    ),
    tr_later(
        "the gateway looks the other services up when it starts: restart it after a Service was made anew"
    ),
)


def in_cluster(model: ApplicationModel, settings: DifySettings) -> ApplicationModel:
    """Return the application as a cluster has it.

    Args:
        model: the application as one host has it.
        settings: settings of the profile.
    """
    services = {name: _service(name, entry, settings) for name, entry in model.compose["services"].items()}
    other = {file.path: file for file in rendered_files(settings, cluster=True)}
    return replace(
        model,
        compose={**model.compose, "services": services},
        files=tuple(other.get(file.path, file) for file in model.files),
        remarks=_REMARKS,
    )


def _service(name: str, entry: Service, settings: DifySettings) -> dict[str, Any]:
    made = {key: value for key, value in entry.items() if key not in _DOCKER_ONLY}
    if name in PORTS:
        made["expose"] = [str(port) for port in PORTS[name]]
    if settings.autoscaling is not None:
        if name in SCALED:
            made["x-bundle-autoscaling"] = settings.autoscaling.model_dump()
        elif name in REPEATED:
            made["deploy"] = {**entry.get("deploy", {}), "replicas": 2}
    if name == "worker_beat":
        made["x-bundle-single"] = True  # two would start each scheduled task twice
    if name == "nginx":
        # Its value is the installer's digest of the certificates on one host.
        made.pop("labels", None)
    if name == "local_sandbox":
        # Docker fills a new volume from the image; a cluster does not, and its home would be empty.
        made["volumes"] = [each for each in entry["volumes"] if not each.startswith(_HOME)]
    return made
