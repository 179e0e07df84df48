"""Plugins, agents, sandboxes, and the two proxies that are the sandboxes' only way out."""

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
    """Everything that runs code of others."""
    return {
        "plugin_daemon": _plugin_daemon(settings, images),
        "agent_backend": _agent_backend(settings, images),
        "local_sandbox": _local_sandbox(settings, images),
        "sandbox": _sandbox(settings, images),
        "ssrf_proxy": _proxy(images, "squid.conf", [SSRF, *_way_out(settings)]),
        # It takes agents' files from the API and the agent backend, which are in `core`.
        "agent_ssrf_proxy": _proxy(images, "squid-agent.conf", [LOCAL_SANDBOX, CORE, *_way_out(settings)]),
    }


def _way_out(settings: DifySettings) -> list[str]:
    """The proxies' own: none where the settings let nobody reach anything."""
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
        # Plugins call models directly, not through the proxy (Dify 1.17.1 passes it no proxy).
        "networks": [CORE, SSRF, EGRESS],
        "depends_on": wait_for(**needs),
        # It starts every installed plugin first.
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
        # Answers without a token.
        "healthcheck": http_check(5050, "/openapi.json", retries=12, start="60s"),
        "stop_grace_period": "60s",
        **drop_unused(),
    }


def _local_sandbox(settings: DifySettings, images: Images) -> Service:
    return {
        "image": images.local_sandbox,
        "environment": local_sandbox_environment(settings),
        # Named volumes, though they lie in the data folder: Docker fills them from the image.
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
    """Runs a snippet, as the API has one run (its code_executor.py): `/health` answers whatever else fails.

    The container depends more than any other on its host: kernel and architecture (issues #12331, #14335).
    """
    request = '{"language":"python3","code":"print(1)","preload":"","enable_network":true}'
    words = (
        # The key comes by standard input: the host's users see command lines.
        r"""printf 'header = "X-Api-Key: %s"\n' "$$API_KEY" |""",
        "curl -fsS -m 15 --noproxy '*' -K - -H 'Content-Type: application/json'",
        f"-d '{request}' http://localhost:8194/v1/sandbox/run",
        """| grep -q '"stdout": *"1'""",
    )
    return check(" ".join(words), interval="15s", timeout="20s", retries=8, start="60s")


def _proxy(images: Images, config: str, networks: list[str]) -> Service:
    return {
        "image": images.squid,
        # Not the image's own entry point: it changes owners of folders and follows log files, and broke
        # with several of its tags (issues #41945, #31812). This user may write to its standard output.
        "entrypoint": ["squid", "-N", "-Y", "-C", "-f", "/etc/squid/squid.conf"],
        "user": PROXY_USER,
        "volumes": [f"./squid/{config}:/etc/squid/squid.conf:ro"],
        "networks": networks,
        # It answers, and refuses who is not one of its clients. `squid -k check` knows no process 1, and its
        # image has no HTTP client, but bash.
        "healthcheck": check(
            "bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128 && "
            r'printf "GET http://health/ HTTP/1.0\r\n\r\n" >&3 && grep -q "^HTTP/1.1 403" <&3'
            "'",
            start="20s",
        ),
        # Its table of connections grows with the limit, to gigabytes where there is none (issue #19213).
        # Upstream's 65536 is more than an engine may hand out that is itself limited, as rootless ones are.
        "ulimits": {"nofile": {"soft": 16384, "hard": 16384}},
        **read_only("/tmp", "/run", "/var/log/squid", "/var/spool/squid", user=PROXY_USER),  # noqa: S108 as above
        **drop_all(),
    }
