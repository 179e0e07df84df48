"""Keys of whatever runs a container: services, jobs and hooks."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bundler_compose.keys.model import Fate, Key, Level, plain, since

_BLKIO_LIMITS: Final = Level(plain("path rate"), "[]", extensions=False)
_BLKIO: Final = Level(
    (
        *(
            Key(name, below=_BLKIO_LIMITS)
            for name in ("device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops")
        ),
        Key("weight"),
        Key("weight_device", below=Level(plain("path weight"), "[]", extensions=False)),
    ),
    extensions=False,
)
_GRANTS: Final = Level((*plain("source target"), *plain("uid gid mode", note="no effect")), "[]")
LIMITS: Final = Level(plain("soft hard"), "*", named=False)
DEVICE_REQUESTS: Final = Level(plain("capabilities count device_ids driver options"), "[]")
_NETWORKS_OF_SERVICE: Final = Level(
    (
        *plain("aliases ipv4_address ipv6_address link_local_ips priority"),
        Key("driver_opts", compose="2.27.1"),
        Key("gw_priority", compose="2.33.0", engine="28.0"),
        Key("interface_name", compose="2.36.0", engine="28.1"),
        Key("mac_address", compose="2.23.2", engine="25.0"),
    ),
    "*",
)
_VOLUMES_OF_SERVICE: Final = Level(
    (
        *plain("type source target read_only"),
        Key("consistency", note="ignored by linux"),
        Key(
            "bind",
            below=Level(
                (
                    Key("create_host_path", note="create_host_path"),
                    Key("propagation"),
                    Key("recursive", compose="2.30.0", engine="25.0"),
                    Key("selinux", compose="2.3.0"),
                )
            ),
        ),
        Key(
            "volume",
            below=Level(
                (
                    Key("labels", compose="2.35.0"),
                    Key("nocopy"),
                    Key("subpath", compose="2.25.0", engine="26.0"),
                )
            ),
        ),
        Key("tmpfs", below=Level((Key("size"), Key("mode", compose="2.14.0")))),
        Key(
            "image",
            compose="2.35.0",
            engine="28.0",
            note="image volume",
            below=Level((Key("subpath", compose="2.35.0", engine="28.0"),)),
        ),
    ),
    "[]",
)
_ENV_FILES: Final = Level(
    (Key("path", compose="2.24.0"), Key("required", compose="2.24.0"), Key("format", compose="2.30.0")),
    "[]",
    extensions=False,
)

CONTAINER: Final = (
    Key("annotations", compose="2.18.0", engine="24.0"),
    Key("blkio_config", below=_BLKIO),
    Key("cap_add"),
    Key("cap_drop"),
    Key("cgroup", compose="2.16.0"),
    Key("cgroup_parent"),
    Key("command"),
    Key("configs", below=_GRANTS, note="configs"),
    *plain("cpu_count cpu_percent", note="windows"),
    *plain("cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset"),
    Key("credential_spec", Fate.REFUSED, note="credential_spec", below=Level(plain("config file registry"))),
    Key("device_cgroup_rules"),
    Key("devices", below=Level(plain("source target permissions", "2.29.3"), "[]")),
    *plain("dns dns_opt dns_search domainname entrypoint"),
    Key("env_file", Fate.BOUND, note="env_file", below=_ENV_FILES),
    Key("environment"),
    Key("extra_hosts"),
    since(Key("gpus", below=replace(DEVICE_REQUESTS, extensions=False, free=True)), "2.30.0"),
    Key("group_add"),
    Key("hostname"),
    Key("image", Fate.BOUND, note="image"),
    Key("init"),
    Key("ipc"),
    Key("isolation", note="windows"),
    Key("label_file", Fate.BOUND, "2.32.0", note="label_file"),
    Key("labels"),
    Key("logging", below=Level(plain("driver options"))),
    *plain("mac_address mem_limit mem_reservation mem_swappiness memswap_limit"),
    Key(
        "models",
        Fate.REFUSED,
        "2.38.0",
        note="models",
        below=Level(
            (Key("endpoint_var", compose="2.38.0"), Key("model_var", compose="2.38.1")), "*", named=False
        ),
    ),
    Key("network_mode", Fate.BOUND),
    Key("networks", below=_NETWORKS_OF_SERVICE),
    *plain("oom_kill_disable oom_score_adj pid pids_limit"),
    Key("platform", Fate.BOUND, note="platform"),
    Key("privileged"),
    Key("pull_policy", Fate.IGNORED, note="pull"),
    Key("pull_refresh_after", Fate.IGNORED, "2.34.0", note="pull"),
    *plain("read_only runtime"),
    Key("secrets", below=_GRANTS, note="secrets"),
    *plain("security_opt shm_size stop_grace_period stop_signal"),
    Key("storage_opt", compose="2.0.1"),
    *plain("sysctls tmpfs"),
    Key("ulimits", below=LIMITS),
    Key("use_api_socket", compose="2.37.2", note="use_api_socket"),
    Key("user"),
    Key("userns_mode"),
    Key("uts", compose="2.15.1"),
    Key("volumes", below=_VOLUMES_OF_SERVICE, note="volumes"),
    Key("volumes_from", Fate.BOUND),
    Key("working_dir"),
)
"""Keys of services, jobs and `pre_start` hooks."""
