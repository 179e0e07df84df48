"""Dify's API in its five roles, its web frontend, and the gateway in front of both."""

from __future__ import annotations

from bundler_dify.environment import api_environment, web_environment
from bundler_dify.parts import (
    CORE,
    EDGE,
    EGRESS,
    SSRF,
    Service,
    Services,
    ca_volume,
    check,
    drop_all,
    drop_unused,
    http_check,
    read_only,
    wait_for,
)
from bundler_dify.releases import Images
from bundler_dify.settings.model import DifySettings

APP_USER = "1001:1001"
"""User of the API's image (Dify docs; the Helm chart's runAsUser)."""
STORAGE = "/app/api/storage"
ALIVE = "/dev/shm/dify-alive"  # noqa: S108 in the container
"""Marker file of a worker's health check for an answer. Each start removes it, and any user can write it."""
STOP_WORKER = "120s"
"""Grace period in which a worker can finish running tasks before it is killed."""

_TAKE_OVER = (
    f"if [ ! -e {STORAGE}/.init_permissions ]; then"
    f" chown -R {APP_USER} {STORAGE} && touch {STORAGE}/.init_permissions; fi"
)


def core_services(settings: DifySettings, images: Images) -> Services:
    """Return the services that run the API's image, and web and nginx."""
    return {
        **_init_permissions(settings, images),
        "migrate": _migrate(settings, images),
        "api": _api(settings, images),
        "api_websocket": _api_websocket(settings, images),
        "worker": _worker(settings, images),
        "worker_beat": _worker_beat(settings, images),
        "web": _web(settings, images),
        "nginx": _nginx(settings, images),
    }


def calls_out(settings: DifySettings) -> bool:
    """Return whether the API connects to servers of the site directly; otherwise it uses only the proxy."""
    return (
        settings.database.mode == "external"
        or settings.redis.mode == "external"
        or settings.vector_server.mode == "external"
        or settings.storage.mode == "s3"
        or settings.smtp is not None
        or bool(settings.accounts.oauth)
    )


def _init_permissions(settings: DifySettings, images: Images) -> Services:
    if settings.storage.mode == "s3":
        return {}
    return {
        "init_permissions": {
            "image": images.init,
            "restart": "no",
            "x-bundle-expect": "completed",
            "command": ["sh", "-c", _TAKE_OVER],
            "volumes": _storage(settings),
            "network_mode": "none",
            "read_only": True,
            **drop_all("CHOWN", "DAC_OVERRIDE", "FOWNER"),
        }
    }


def _storage(settings: DifySettings) -> list[str]:
    return [f"${{BUNDLE_DATA}}/app/storage:{STORAGE}"] if settings.storage.mode == "local" else []


def _needs(settings: DifySettings) -> dict[str, str]:
    """Return the services that must be ready before the API's image can start."""
    needs = {}
    if settings.storage.mode == "local":
        needs["init_permissions"] = "completed"
    if settings.database.service is not None:
        needs[settings.database.service] = "healthy"
    if settings.redis.runs_here:
        needs["redis"] = "healthy"
    return needs


def _program(settings: DifySettings, images: Images, mode: str, **more: str) -> Service:
    """Return the API's image in one of its roles."""
    networks = [CORE, SSRF, *([EGRESS] if calls_out(settings) else [])]
    user = {"user": APP_USER} if settings.hardening else {}
    return {
        "image": images.api,
        **user,
        "environment": {**api_environment(settings), "MODE": mode, **more},
        "volumes": [*_storage(settings), *ca_volume(settings)],
        "networks": networks,
        **(drop_all() if settings.hardening else drop_unused()),
    }


def _migrate(settings: DifySettings, images: Images) -> Service:
    return {
        # The only service that changes the database schema. It completes before the others start.
        **_program(settings, images, "migration", MIGRATION_ENABLED="true"),
        "restart": "no",
        "x-bundle-expect": "completed",
        "depends_on": wait_for(**_needs(settings)),
    }


def _api(settings: DifySettings, images: Images) -> Service:
    return {
        **_program(
            settings,
            images,
            "api",
            SERVER_WORKER_AMOUNT=str(settings.api_workers),
            # By default, the entry point selects the worker class for web sockets.
            SERVER_WORKER_CLASS="gevent",
        ),
        "depends_on": wait_for(**_needs(settings), migrate="completed", agent_backend="started"),
        "healthcheck": _api_check(),
        "deploy": {"replicas": settings.api_replicas},
        "stop_grace_period": "60s",
    }


def _api_check() -> Service:
    return check(
        "curl", "-fsS", "-m", "4", "-o", "/dev/null", "http://localhost:5001/health",
        interval="5s", retries=24, start="120s",
    )  # fmt: skip


def _api_websocket(settings: DifySettings, images: Images) -> Service:
    return {
        **_program(
            settings,
            images,
            "api",
            SERVER_WORKER_AMOUNT="1",
            SERVER_WORKER_CLASS="geventwebsocket.gunicorn.workers.GeventWebSocketWorker",
            SERVER_WORKER_CONNECTIONS="1000",
        ),
        "depends_on": wait_for(**_needs(settings), migrate="completed"),
        "healthcheck": _api_check(),
    }


def _worker(settings: DifySettings, images: Images) -> Service:
    return {
        **_program(settings, images, "worker", CELERY_WORKER_AMOUNT=str(settings.worker_concurrency)),
        "depends_on": wait_for(**_needs(settings), migrate="completed", agent_backend="started"),
        # Each replica checks only itself.
        **_worker_check('-d "celery@$$(hostname)"'),
        "deploy": {"replicas": settings.worker_replicas},
        "stop_grace_period": STOP_WORKER,
    }


def _worker_check(whom: str = "") -> Service:
    """Return a health check that pings a worker often until it answers, and then once a minute."""
    ping = f"celery -A celery_healthcheck.celery inspect ping {whom}".rstrip()
    noted = f'[ -n "$$(find {ALIVE} -mmin -1 2>/dev/null)" ]'
    return {
        "healthcheck": check(
            f"{noted} || {{ {ping} && touch {ALIVE}; }}", timeout="30s", retries=24, start="180s"
        ),
    }


def _worker_beat(settings: DifySettings, images: Images) -> Service:
    return {
        # Exactly one instance: two would start each scheduled task twice.
        **_program(settings, images, "beat"),
        "depends_on": wait_for(**_needs(settings), migrate="completed"),
        **_worker_check(),
    }


def _web(settings: DifySettings, images: Images) -> Service:
    return {
        "image": images.web,
        "environment": web_environment(settings),
        "networks": [CORE],
        "healthcheck": http_check(3000, "/apps", retries=12, start="60s"),
        **drop_unused(),
    }


def _nginx(settings: DifySettings, images: Images) -> Service:
    volumes = ["./nginx/nginx.conf:/etc/nginx/nginx.conf:ro"]
    ports = ["${LISTEN_ADDRESS}:${HTTP_PORT}:80"]
    labels: Service = {}
    if settings.tls.mode == "own":
        volumes.append("${BUNDLE_DATA}/tls:/etc/nginx/tls:ro")
        ports.append("${LISTEN_ADDRESS}:${HTTPS_PORT}:443")
        # nginx reads its certificate only at start, so a new certificate must recreate the container.
        labels = {"labels": {"bundle.certificates": "${BUNDLE_CERTIFICATES}"}}
    return {
        "image": images.nginx,
        **labels,
        "ports": ports,
        "volumes": volumes,
        "networks": [EDGE, CORE],
        "depends_on": wait_for(
            api="healthy", api_websocket="healthy", web="healthy", plugin_daemon="started"
        ),
        # Tests the whole path of a browser, from the gateway to the API and its database, on a loopback port.
        "healthcheck": http_check(8080, "/console/api/setup", interval="5s", retries=24, start="60s"),
        **read_only("/tmp", "/var/cache/nginx", "/run"),  # noqa: S108 in the container
        **drop_all("CHOWN", "NET_BIND_SERVICE", "SETGID", "SETUID"),
    }
