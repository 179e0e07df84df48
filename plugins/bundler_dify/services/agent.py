"""Plugins, agents, sandboxes, and the two proxies, which are the only route out of the sandboxes."""

from __future__ import annotations

from bundler_dify.code_packages import package_volumes
from bundler_dify.environment import (
    PLUGIN_KEYS,
    WHEELS,
    agent_backend_environment,
    local_sandbox_environment,
    plugin_daemon_environment,
    sandbox_environment,
)
from bundler_dify.parts import (
    AGENT_SANDBOX,
    CORE,
    EGRESS,
    LOCAL_SANDBOX,
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

PROXY_USER = "13:13"
"""User `proxy` of Debian and Ubuntu (base-passwd)."""


def agent_services(settings: DifySettings, images: Images) -> Services:
    """Return the services that run third-party code, and their proxies."""
    return {
        "plugin_daemon": _plugin_daemon(settings, images),
        "agent_backend": _agent_backend(settings, images),
        "local_sandbox": _local_sandbox(settings, images),
        "sandbox": _sandbox(settings, images),
        "ssrf_proxy": _proxy(images, "squid.conf", [SSRF, *_way_out(settings)]),
        # It transfers agents' files from the API and the agent backend, which are in `core`.
        "agent_ssrf_proxy": _proxy(images, "squid-agent.conf", [LOCAL_SANDBOX, CORE, *_way_out(settings)]),
    }


def _way_out(settings: DifySettings) -> list[str]:
    """Return the external network of the proxies; none if the settings allow no targets."""
    ssrf = settings.ssrf
    return [EGRESS] if ssrf.domains or ssrf.cidrs or ssrf.allow_public else []


def _plugin_daemon(settings: DifySettings, images: Images) -> Service:
    keys = [f"./plugin-keys:{PLUGIN_KEYS}:ro"] if settings.plugin_signatures.public_keys else []
    wheels = [f"./plugin-wheels:{WHEELS}:ro"] if settings.carries_plugins else []
    needs = {}
    if settings.database.service is not None:
        needs[settings.database.service] = "healthy"
    if settings.redis.runs_here:
        needs["redis"] = "healthy"
    return {
        "image": images.plugin_daemon,
        "environment": plugin_daemon_environment(settings),
        "volumes": ["${BUNDLE_DATA}/plugin_daemon:/app/storage", *keys, *wheels, *ca_volume(settings)],
        # Plugins call models directly, because Dify 1.17.1 does not pass a proxy to the daemon.
        "networks": [CORE, SSRF, EGRESS],
        "depends_on": wait_for(**needs),
        # It first starts all installed plugins.
        "healthcheck": http_check(5002, "/health/check", retries=12, start="120s"),
        "stop_grace_period": "60s",
        **drop_unused(),
    }


def _agent_backend(settings: DifySettings, images: Images) -> Service:
    needs = {"plugin_daemon": "started"}
    if settings.redis.runs_here:
        needs["redis"] = "healthy"
    egress = [] if settings.redis.runs_here else [EGRESS]
    return {
        "image": images.agent_backend,
        "environment": agent_backend_environment(settings),
        "volumes": ca_volume(settings),
        "networks": [CORE, AGENT_SANDBOX, *egress],
        "depends_on": wait_for(**needs),
        # This path requires no token.
        "healthcheck": http_check(5050, "/openapi.json", retries=12, start="60s"),
        "stop_grace_period": "60s",
        **drop_unused(),
    }


def _local_sandbox(settings: DifySettings, images: Images) -> Service:
    return {
        "image": images.local_sandbox,
        "environment": local_sandbox_environment(settings),
        # Named volumes although they are in the data folder, because Docker fills them from the image.
        "volumes": [
            "local_sandbox_home:/home/dify",
            "local_sandbox_workspace:/workspace",
            *ca_volume(settings),
        ],
        "networks": [AGENT_SANDBOX, LOCAL_SANDBOX],
        "healthcheck": check(
            "curl", "-fsS", "-m", "4", "-o", "/dev/null", "http://localhost:5004/healthz", retries=12
        ),
        **drop_unused(),
    }


def _sandbox(settings: DifySettings, images: Images) -> Service:
    return {
        "image": images.sandbox,
        "environment": sandbox_environment(settings),
        "volumes": [
            "./sandbox/config.yaml:/conf/config.yaml:ro",
            *package_volumes(settings),
        ],
        "networks": [SSRF],
        "healthcheck": _sandbox_check(),
        **drop_unused(),
    }


def _sandbox_check() -> Service:
    """Return a health check that runs a snippet as the API does (its code_executor.py).

    `/health` answers even if snippets fail. No other container depends as much on its host: kernel and
    architecture (issues #12331, #14335).
    """
    request = '{"language":"python3","code":"print(1)","preload":"","enable_network":true}'
    words = (
        # The key is passed on standard input, because users of the host can see command lines.
        r"""printf 'header = "X-Api-Key: %s"\n' "$$API_KEY" |""",
        "curl -fsS -m 15 --noproxy '*' -K - -H 'Content-Type: application/json'",
        f"-d '{request}' http://localhost:8194/v1/sandbox/run",
        """| grep -q '"stdout": *"1'""",
    )
    return check(" ".join(words), interval="15s", timeout="20s", retries=8, start="60s")


def _proxy(images: Images, config: str, networks: list[str]) -> Service:
    return {
        "image": images.squid,
        # Replaces the image's entry point, which changes owners of folders, follows log files, and failed in
        # several tags (issues #41945, #31812). This user can write to its standard output.
        "entrypoint": ["squid", "-N", "-Y", "-C", "-f", "/etc/squid/squid.conf"],
        "user": PROXY_USER,
        "volumes": [f"./squid/{config}:/etc/squid/squid.conf:ro"],
        "networks": networks,
        # It is healthy if it answers and refuses requests from others than its clients. `squid -k check` does
        # not support process 1, and the image has no HTTP client, but it has bash.
        "healthcheck": check(
            "bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128 && "
            r'printf "GET http://health/ HTTP/1.0\r\n\r\n" >&3 && grep -q "^HTTP/1.1 403" <&3'
            "'",
            start="20s",
        ),
        # Its connection table grows with the limit, to gigabytes without one (issue #19213). Upstream's 65536
        # is more than an engine can set that is itself limited, like a rootless one.
        "ulimits": {"nofile": {"soft": 16384, "hard": 16384}},
        **read_only("/tmp", "/run", "/var/log/squid", "/var/spool/squid", user=PROXY_USER),  # noqa: S108 as above
        **drop_all(),
    }
