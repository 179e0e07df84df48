"""Values for every key of a service that a bundle can carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.support.compose_projects.texts import EMPTY, SET, UNSET, maybe_variable, texts

Values = SearchStrategy[Any]

KEYS: Final = ("ALPHA", "UNSET", "KEY", "other.key", "LAST")
NETWORKS: Final = ("front", "back-end", "net.3")
VOLUMES: Final = ("data", "log_files")
FILES: Final = ("conf", "motd")
"""Names of the project's configs, and of its secrets."""
ENV_FILES: Final = ("one.env", "sub/two.env")
LABEL_FILES: Final = ("one.labels",)


def one(*values: object) -> Values:
    return st.sampled_from(values)


def number(low: int, high: int) -> Values:
    numbers = st.integers(low, high)
    return maybe_variable(st.one_of(numbers, numbers, numbers.map(str)))


def some(values: Values, least: int = 0, most: int = 3) -> Values:
    return st.lists(values, min_size=least, max_size=most)


def distinct(values: Values, least: int = 0, most: int = 3) -> Values:
    return st.lists(values, min_size=least, max_size=most, unique_by=str)


def keys(required: Mapping[str, Values], /, **optional: Values) -> Values:
    return st.fixed_dictionaries(dict(required), optional=optional)


def first(pair: tuple[str, str | None]) -> str:
    return pair[0]


def as_lines(pairs: list[tuple[str, str | None]]) -> list[str]:
    """Return pairs as `KEY=value`, or `KEY` where there is no value."""
    return [key if value is None else f"{key}={value}" for key, value in pairs]


TEXT: Final = texts()
FLAG: Final = maybe_variable(st.booleans())
DURATION: Final = maybe_variable(one("1s", "1m30s", "500ms", "2h", "0s", "1h0m5s", "90s"))
SIZE: Final = maybe_variable(one("64m", "1g", "1.5g", "512kb", "1GB", 67108864, "67108864", "100 mb"))
PATH: Final = maybe_variable(one("/srv/app", "/var/lib/x y", "/"))
ADDRESS: Final = one("10.1.2.3", "192.0.2.7", "2001:db8::5")
_pair = st.tuples(one(*KEYS), st.one_of(TEXT, TEXT, st.none()))
_scalar = st.one_of(TEXT, st.integers(-5, 70000), st.booleans(), st.none(), one(1.5, 0.25))
MAPPING: Final = st.dictionaries(one(*KEYS), _scalar, max_size=4)
LABELS: Final = st.one_of(
    st.dictionaries(one(*KEYS), st.one_of(TEXT, st.integers(0, 9), st.booleans(), st.none()), max_size=3),
    st.lists(_pair, max_size=3, unique_by=first).map(as_lines),
)
_NAMED: Final = st.tuples(one(*SET, EMPTY, *UNSET, *KEYS), st.one_of(TEXT, TEXT, st.none()))
ENVIRONMENT: Final = st.one_of(
    st.dictionaries(one(*SET, EMPTY, *UNSET, *KEYS), _scalar, max_size=5),
    st.lists(_NAMED, max_size=5).map(as_lines),
)
HOOK_ENVIRONMENT: Final = st.one_of(
    st.dictionaries(one(*KEYS), TEXT, max_size=3), st.lists(_NAMED, max_size=3, unique_by=first).map(as_lines)
)
COMMAND: Final = st.one_of(
    st.none(),
    one("sleep 5", "echo 'a b' \"c d\"", "sh -c 'echo $$ALPHA'", "run --port ${UNSET:-80}", ""),
    some(TEXT),
)
HOST_PORT: Final = one("8080", "127.0.0.1:8080", "${UNSET:-9000}", "[::1]:5000", "3000-3002", "${ALPHA:+81}")
SHORT_PORT: Final = st.one_of(
    one(80, "80", "80/udp", "9000-9002", "127.0.0.1::80"),
    one("3000-3002:4000-4002", "6060:6060/udp", "[::]:90:90"),
    one("8080:80", "127.0.0.1:8080:80", "${UNSET:-9000}:90"),
    one("0.0.0.0:53:53/udp", "${UNSET:-127.0.0.1}:7000:70"),
)
LONG_PORT: Final = keys(
    {"target": number(1, 9000)},
    published=st.one_of(number(1, 9000), one("${UNSET:-8080}", "8000-8002")),
    host_ip=one("127.0.0.1", "::1", "0.0.0.0"),  # noqa: S104 only a text
    protocol=one("tcp", "udp"),
    mode=one("host", "ingress"),
    name=TEXT,
    app_protocol=one("http"),
)
_BIND: Final = keys(
    {"type": one("bind"), "source": one("./conf.d", "conf/app.conf", ".", "/etc/localtime"), "target": PATH},
    read_only=FLAG,
    consistency=one("cached", "consistent"),
    bind=keys(
        {},
        propagation=one("rprivate", "rslave"),
        create_host_path=FLAG,
        selinux=one("z", "Z"),
        recursive=one("enabled", "readonly"),
    ),
)
_VOLUME: Final = keys(
    {"type": one("volume"), "target": PATH},
    source=one(*VOLUMES),
    read_only=FLAG,
    volume=keys({}, nocopy=FLAG, subpath=one("a/b"), labels=LABELS),
)
_TMPFS: Final = keys({"type": one("tmpfs"), "target": PATH}, tmpfs=keys({}, size=SIZE, mode=one(0o755, 1777)))
_IMAGE: Final = keys(
    {"type": one("image"), "source": one("busybox", "alpine:3"), "target": PATH},
    image=keys({}, subpath=one("a")),
)
SHORT_VOLUME: Final = one(
    "/only/target",
    "data:/data",
    "log_files:/var/log:ro",
    "./conf.d:/etc/conf.d:ro,z",
    "./conf/../conf/app.conf:/app.conf",
    ".:/srv",
    "./data/${UNSET:-dir}:/d",
    "/etc/localtime:/etc/localtime:ro",
    "data:/nocopy:nocopy",
    "../sibling:/s:rw",
    "./x:/x:rslave",
)
GRANTS: Final = distinct(
    st.one_of(
        one(*FILES),
        keys(
            {"source": one(*FILES)},
            target=one("/etc/conf", "name"),
            uid=one("103"),
            gid=one("103"),
            mode=one(0o440, "0440", 256),
        ),
    ),
    most=2,
)
_DEVICE_REQUEST: Final = keys(
    {"capabilities": one(["gpu"], ["gpu", "utility"])},
    driver=one("nvidia"),
    count=one(1, "all", "2"),
    options=LABELS,
)
_LIMITS: Final = keys({}, cpus=one("0.5", 2, 1.5), memory=SIZE, pids=number(1, 100))
_ROLLING: Final = keys(
    {},
    parallelism=number(0, 3),
    delay=DURATION,
    failure_action=one("pause", "continue"),
    monitor=DURATION,
    max_failure_ratio=one(0, 0.5, "0.1"),
    order=one("start-first", "stop-first"),
)
DEPLOY: Final = keys(
    {},
    mode=one("replicated", "global"),
    replicas=number(0, 3),
    endpoint_mode=one("vip", "dnsrr"),
    labels=LABELS,
    resources=keys(
        {},
        limits=_LIMITS,
        reservations=keys(
            {},
            cpus=one("0.25"),
            memory=SIZE,
            devices=some(_DEVICE_REQUEST, most=2),
            generic_resources=one([{"discrete_resource_spec": {"kind": "ssd", "value": 1}}]),
        ),
    ),
    restart_policy=keys(
        {}, condition=one("on-failure", "any"), delay=DURATION, max_attempts=number(0, 9), window=DURATION
    ),
    placement=keys(
        {},
        constraints=some(one("node.role == manager", "node.labels.a == ${UNSET:-b}"), most=2),
        preferences=one([{"spread": "node.labels.zone"}]),
        max_replicas_per_node=number(1, 3),
    ),
    update_config=_ROLLING,
    rollback_config=_ROLLING,
)
HEALTHCHECK: Final = st.one_of(
    keys(
        {"test": one("curl -f http://localhost", ["CMD", "true"], ["CMD-SHELL", "test $$ALPHA"], ["NONE"])},
        interval=DURATION,
        timeout=DURATION,
        retries=number(1, 9),
        start_period=DURATION,
        start_interval=DURATION,
    ),
    one({"disable": True}),
)
HOOKS: Final = some(
    keys(
        {"command": one("true", ["sh", "-c", "a b"])},
        user=TEXT,
        privileged=FLAG,
        working_dir=PATH,
        environment=HOOK_ENVIRONMENT,
    ),
    most=2,
)
_BLKIO: Final = some(keys({"path": one("/dev/sda"), "rate": one("12mb", 1024, "1024")}), most=2)
_PLATFORM: Final = one("linux/amd64")
NETWORK_OPTIONS: Final = st.one_of(
    st.none(),
    keys(
        {},
        aliases=distinct(TEXT, most=2),
        ipv4_address=one("172.16.238.10"),
        ipv6_address=one("2001:3984:3989::10"),
        link_local_ips=one(["57.123.22.11"]),
        priority=st.integers(0, 9),
        gw_priority=st.integers(0, 9),
        mac_address=one("02:42:ac:11:65:43"),
        driver_opts=one({"com.docker.network.endpoint.x": "1", "n": 2}),
        interface_name=one("eth7"),
    ),
)
ENV_FILE: Final = st.one_of(
    one(*ENV_FILES),
    distinct(
        st.one_of(
            one(*ENV_FILES, "./one.env"),
            keys(
                {"path": one(*ENV_FILES, "absent.env")},
                required=one(False),
            ),
            keys({"path": one(*ENV_FILES)}, format=one("raw")),
        ),
        least=1,
    ),
)
BUILD: Final = st.one_of(
    one(".", "./conf.d"),
    keys(
        {"context": one(".")},
        dockerfile=one("Dockerfile"),
        args=ENVIRONMENT,
        labels=LABELS,
        target=TEXT,
        shm_size=SIZE,
        tags=distinct(one("a:1", "b:2")),
        no_cache=FLAG,
        platforms=one(["linux/amd64"]),
        ulimits=one({"nofile": 5}),
    ),
)

SIMPLE: Final[Mapping[str, Values]] = {
    "annotations": LABELS,
    "attach": FLAG,
    "blkio_config": keys(
        {},
        weight=st.integers(10, 1000),
        weight_device=one([{"path": "/dev/sda", "weight": 400}]),
        device_read_bps=_BLKIO,
        device_read_iops=_BLKIO,
        device_write_bps=_BLKIO,
        device_write_iops=_BLKIO,
    ),
    "build": BUILD,
    "cap_add": distinct(one("ALL", "NET_ADMIN", "SYS_TIME")),
    "cap_drop": distinct(one("ALL", "NET_ADMIN")),
    "cgroup": one("host", "private"),
    "cgroup_parent": TEXT,
    "command": COMMAND,
    "configs": GRANTS,
    "cpu_count": number(1, 4),
    "cpu_percent": number(1, 100),
    "cpu_period": number(1000, 90000),
    "cpu_quota": number(1000, 90000),
    "cpu_rt_period": number(1000, 90000),
    "cpu_rt_runtime": number(1000, 90000),
    "cpu_shares": number(2, 1024),
    "cpus": maybe_variable(one(0.5, "1.5", 2)),
    "cpuset": one("0-3", "0,1"),
    "deploy": DEPLOY,
    "develop": one({"watch": [{"action": "sync", "path": "./conf.d", "target": "/x"}]}),
    "device_cgroup_rules": distinct(one("c 1:3 mr", "a 7:* rmw")),
    "devices": distinct(
        st.one_of(
            one("/dev/ttyUSB0:/dev/ttyUSB0", "/dev/sda:/dev/xvda:rwm", "/dev/null:/dev/null:r"),
            keys({"source": one("/dev/fuse"), "target": one("/dev/f")}, permissions=one("r")),
        )
    ),
    "dns": st.one_of(one("8.8.8.8"), distinct(ADDRESS)),
    "dns_opt": distinct(one("use-vc", "no-tld-query")),
    "dns_search": st.one_of(one("example.com"), distinct(one("a.example.com", "b.example.com"))),
    "domainname": one("example.com"),
    "entrypoint": COMMAND,
    "env_file": ENV_FILE,
    "environment": ENVIRONMENT,
    "expose": distinct(one(80, "90", "8000-8003", "53/udp")),
    "external_links": distinct(one("redis", "database:mysql", "database:postgresql")),
    "extra_hosts": st.one_of(
        distinct(one("a:1.2.3.4", "b=5.6.7.8", "c:::1", "d=[::1]", "host.docker.internal:host-gateway")),
        one({"a": "1.2.3.4"}, {"b": "::1", "c": "5.6.7.8"}, {"m": ["1.1.1.1", "2.2.2.2"]}),
    ),
    "gpus": st.one_of(one("all"), some(_DEVICE_REQUEST, most=2)),
    "group_add": distinct(one("mail", 20, "30")),
    "healthcheck": HEALTHCHECK,
    "hostname": one("host-1", "${UNSET:-h}"),
    "init": FLAG,
    "ipc": one("host", "shareable", "private"),
    "isolation": one("default"),
    "label_file": st.one_of(one(*LABEL_FILES), one(list(LABEL_FILES))),
    "labels": LABELS,
    "logging": keys(
        {}, driver=one("local", "syslog"), options=one({"tag": "${UNSET:-t}", "max-file": 5, "n": None})
    ),
    "mac_address": one("02:42:ac:11:65:44"),
    "mem_limit": SIZE,
    "mem_reservation": SIZE,
    "mem_swappiness": number(0, 100),
    "memswap_limit": st.one_of(SIZE, one(-1)),
    "oom_kill_disable": FLAG,
    "oom_score_adj": number(-1000, 1000),
    "pid": one("host"),
    "pids_limit": number(-1, 100),
    "platform": _PLATFORM,
    "ports": distinct(st.one_of(SHORT_PORT, LONG_PORT)),
    "post_start": HOOKS,
    "pre_stop": HOOKS,
    "privileged": FLAG,
    "pull_policy": one("always", "missing", "if_not_present", "never", "daily", "every_12h"),
    "read_only": FLAG,
    "restart": one("no", "always", "on-failure", "on-failure:3", "unless-stopped", "${UNSET:-always}"),
    "runtime": one("runc"),
    "scale": number(0, 3),
    "secrets": GRANTS,
    "security_opt": distinct(one("label=user:USER", "no-new-privileges:true", "seccomp:unconfined")),
    "shm_size": SIZE,
    "stdin_open": FLAG,
    "stop_grace_period": DURATION,
    "stop_signal": one("SIGUSR1"),
    "storage_opt": one({"size": "1G"}),
    "sysctls": st.one_of(
        one({"net.core.somaxconn": 1024, "net.ipv4.tcp_syncookies": "0"}), one(["net.core.somaxconn=1024"])
    ),
    "tmpfs": st.one_of(one("/run", "/tmp:size=64m"), distinct(one("/run", "/tmp:mode=755,size=1g"))),  # noqa: S108
    "tty": FLAG,
    "ulimits": st.dictionaries(
        one("nproc", "nofile"),
        st.one_of(number(1, 9999), keys({"soft": number(1, 99), "hard": number(100, 999)})),
    ),
    "user": maybe_variable(one("1000:1000", "root", "1000")),
    "userns_mode": one("host"),
    "uts": one("host"),
    "volumes": distinct(st.one_of(SHORT_VOLUME, SHORT_VOLUME, _BIND, _VOLUME, _TMPFS, _IMAGE), most=4),
    "working_dir": PATH,
}
"""Values by key. What refers to other services, and what excludes each other, is in `projects.py`."""

PRE_START: Final = some(
    keys(
        {"command": one("migrate", ["sh", "-c", "true"])},
        image=one("busybox", "alpine:3"),
        user=TEXT,
        environment=HOOK_ENVIRONMENT,
        working_dir=PATH,
    ),
    most=2,
)
"""Hooks of Compose 5."""
