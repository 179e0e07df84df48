"""The keys of a document: services, jobs, networks, volumes, configs, secrets, models."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bundler_compose.keys.container import CONTAINER, DEVICE_REQUESTS, LIMITS
from bundler_compose.keys.model import Fate, Key, Level, plain, since

_BUILD_GRANTS: Final = Level(plain("source target uid gid mode"), "[]")
_BUILD: Final = Level(
    (
        *plain("args cache_from context dockerfile extra_hosts isolation labels network shm_size target"),
        *plain("cache_to no_cache pull ssh", "2.4.0"),
        Key("additional_contexts", compose="2.17.0"),
        Key("dockerfile_inline", compose="2.17.0"),
        Key("entitlements", compose="2.27.0"),
        Key("no_cache_filter", compose="5.0.0"),
        Key("platforms", compose="2.10.0"),
        Key("privileged", compose="2.15.0"),
        *plain("provenance sbom", "2.39.0"),
        since(Key("secrets", below=_BUILD_GRANTS), "2.5.0"),
        Key("tags", compose="2.5.1"),
        since(Key("ulimits", below=LIMITS), "2.23.1"),
    )
)
_HEALTHCHECK: Final = Level(
    (
        *plain("disable interval retries start_period test timeout"),
        Key("start_interval", compose="2.20.2", engine="25.0"),
    )
)
_PORTS: Final = Level(
    (*plain("host_ip mode protocol published target"), *plain("app_protocol name", "2.25.0")), "[]"
)
_DEPENDS_ON: Final = Level(
    (Key("condition"), Key("required", compose="2.20.0"), Key("restart", compose="2.17.0")), "*"
)
WORKLOAD: Final = (
    Key("build", Fate.IGNORED, note="build", below=_BUILD),
    Key("depends_on", Fate.BOUND, below=_DEPENDS_ON, note="depends_on"),
    Key("expose"),
    Key("healthcheck", below=_HEALTHCHECK),
    Key("ports", below=_PORTS),
    Key("stdin_open"),
    Key("tty"),
)
"""Keys of services and jobs."""

_ROLLING: Final = Level(plain("delay failure_action max_failure_ratio monitor order parallelism"))
_RESERVATIONS: Final = Level(
    (
        Key("cpus"),
        Key("memory"),
        Key("devices", below=DEVICE_REQUESTS),
        Key(
            "generic_resources",
            below=Level((Key("discrete_resource_spec", below=Level(plain("kind value"))),), "[]"),
        ),
    )
)
_DEPLOY: Final = Level(
    (
        *plain("endpoint_mode labels mode", note="no effect"),
        Key(
            "placement",
            note="no effect",
            below=Level(
                (
                    *plain("constraints max_replicas_per_node"),
                    Key("preferences", below=Level(plain("spread"), "[]")),
                )
            ),
        ),
        Key("replicas"),
        Key(
            "resources",
            below=Level(
                (
                    Key("limits", below=Level((Key("cpus"), Key("memory"), Key("pids", compose="2.3.0")))),
                    Key("reservations", below=_RESERVATIONS),
                )
            ),
        ),
        Key("restart_policy", below=Level(plain("condition delay max_attempts window"))),
        Key("rollback_config", note="no effect", below=_ROLLING),
        Key("update_config", note="no effect", below=_ROLLING),
    )
)
_HOOKS: Final = Level(plain("command environment privileged user working_dir", "2.30.0"), "[]")
_PRE_START_AT_FIRST: Final = frozenset(
    {"command", "environment", "image", "privileged", "user", "working_dir"}
)
_HOOK_FILES: Final = frozenset({"env_file", "label_file"})


def _of_hook(key: Key) -> Key:
    newest = since(key, "5.3.0" if key.name in _PRE_START_AT_FIRST else "5.6.0")
    return replace(newest, fate=Fate.REFUSED, note="hook file") if key.name in _HOOK_FILES else newest


_PRE_START: Final = Level(
    (*map(_of_hook, CONTAINER), Key("per_replica", Fate.REFUSED, "5.3.0", note="per_replica")), "[]"
)
_WATCH: Final = Level(
    (
        *plain("action ignore path target", "2.22.0"),
        Key("include", compose="2.34.0"),
        Key("initial_sync", compose="2.39.4"),
        since(
            Key(
                "exec",
                below=replace(_HOOKS, each="", keys=plain("command environment privileged user working_dir")),
            ),
            "2.32.0",
        ),
    ),
    "[]",
)
SERVICE: Final = (
    *CONTAINER,
    *WORKLOAD,
    Key("attach", compose="2.20.0"),
    Key("container_name", Fate.BOUND),
    Key("deploy", below=_DEPLOY),
    Key(
        "develop",
        Fate.IGNORED,
        "2.22.0",
        note="develop",
        below=Level((Key("watch", compose="2.22.0", below=_WATCH),)),
    ),
    Key("extends", Fate.BOUND, note="resolved", below=Level(plain("file service"), extensions=False)),
    Key("external_links", Fate.BOUND, note="external_links"),
    Key("links", Fate.BOUND),
    Key("post_start", compose="2.30.0", below=_HOOKS),
    Key("pre_start", compose="5.3.0", below=_PRE_START, note="pre_start"),
    Key("pre_stop", compose="2.30.0", below=_HOOKS),
    Key("profiles", Fate.BOUND, note="profiles"),
    Key("provider", Fate.REFUSED, "2.35.0", note="provider", below=Level(plain("options type", "2.35.0"))),
    Key("restart"),
    Key("scale", Fate.BOUND),
)
"""Keys of services."""

_SCHEDULE: Final = Level(plain("concurrency cron missed_fires timezone"), "[]")
JOB: Final = (
    *CONTAINER,
    *WORKLOAD,
    Key("profiles"),
    Key("triggers", below=Level((Key("manual"), Key("schedule", below=_SCHEDULE)))),
)
"""Keys of jobs."""

_EXTERNAL: Final = Level((Key("name", Fate.BOUND),))
_NETWORK: Final = Level(
    (
        *plain("attachable driver driver_opts enable_ipv6 internal labels"),
        Key("enable_ipv4", compose="2.33.0", engine="28.0"),
        Key("external", Fate.BOUND, note="external", below=_EXTERNAL),
        Key(
            "ipam",
            below=Level(
                (
                    Key("config", below=Level(plain("aux_addresses gateway ip_range subnet"), "[]")),
                    Key("driver"),
                    Key("options"),
                )
            ),
        ),
        Key("name", Fate.BOUND),
    ),
    "*",
)
_VOLUME: Final = Level(
    (
        *plain("driver driver_opts labels"),
        Key("external", Fate.BOUND, note="external", below=_EXTERNAL),
        Key("name", Fate.BOUND),
    ),
    "*",
)
_CONFIG: Final = (
    Key(
        "external",
        Fate.REFUSED,
        note="external file",
        below=replace(_EXTERNAL, extensions=False, free=True),
    ),
    Key("file", note="file"),
    Key("labels", note="no effect"),
    Key("name", Fate.BOUND),
    Key("template_driver", note="no effect"),
)
_MODEL: Final = Level(plain("context_size model name runtime_flags", "2.38.0"), "*")
_INCLUDE: Final = Level(plain("env_file path project_directory", "2.19.1"), "[]", extensions=False)

TOP: Final = Level(
    (
        Key("name", Fate.BOUND, "2.3.0", note="name"),
        Key("version", Fate.IGNORED, note="version"),
        Key("include", Fate.BOUND, "2.19.1", note="resolved", below=_INCLUDE),
        Key("services", below=Level(SERVICE, "*")),
        Key("networks", below=_NETWORK),
        Key("volumes", below=_VOLUME),
        Key(
            "configs",
            below=Level(
                (*_CONFIG, Key("content", compose="2.23.1"), Key("environment", compose="2.23.1")), "*"
            ),
        ),
        Key(
            "secrets",
            below=Level(
                (
                    *_CONFIG,
                    *plain("driver driver_opts", note="no effect"),
                    Key("environment", compose="2.6.0"),
                ),
                "*",
            ),
        ),
        Key("models", Fate.REFUSED, "2.38.0", note="models", below=_MODEL),
        Key(
            "jobs",
            Fate.REFUSED,
            "5.6.0",
            note="jobs",
            below=Level(tuple(since(key, "5.6.0") for key in JOB), "*"),
        ),
    )
)
"""The keys of a document."""
