"""Fabricated servers and the preflight's results on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.certificates import Authority
from tests.support.fabricated import ENV, INFO, SYNC, Change, Server

NO_HARD_LINKS = '[ "$1" = -s ] && exec /bin/ln "$@"; exit 1'
LISTENER = "   0: 00000000:1F90 00000000:0000 0A 0:0 00:0 0 0 0 4242 1\n"
JOURNAL = "2026-01-01T00:00:00Z\tr\tbegin\timages\n"


@dataclass(frozen=True)
class World:
    """A server, with the expected result and part of the measured value for each named check."""

    name: str
    changes: tuple[Change, ...]
    expected: Mapping[str, tuple[str, str]]
    tables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    wanted: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Required and recommended values, where they differ from the usual ones."""


def write(path: str, content: str) -> Change:
    return lambda server: server.write(path, content)


def remove(*paths: str) -> Change:
    def change(server: Server) -> None:
        for path in paths:
            server.remove(path)

    return change


def program(name: str, script: str) -> Change:
    return lambda server: server.program(name, script)


def docker(cases: str) -> Change:
    return lambda server: server.docker(cases)


def info(old: str, new: str) -> Change:
    return lambda server: server.write("info", INFO.replace(old, new))


def link(path: str, target: str) -> Change:
    def change(server: Server) -> None:
        (server.root / path).parent.mkdir(parents=True, exist_ok=True)
        (server.root / path).symlink_to(target)

    return change


def installed(path: str, content: str) -> Change:
    def change(server: Server) -> None:
        target = server.install / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)

    return change


def current(release: str) -> Change:
    return lambda server: (server.install / "current").symlink_to(release)


def occupied(server: Server) -> None:
    server.install.write_text("a file where the root should be")


def df(
    blocks: int = 100_000_000, inodes: int = 8_000_000, device: str = "/dev/sda1", kind: str = "ext4"
) -> Change:
    return program(
        "df",
        f"d='{device}'\ncase $1 in\n"
        f'-Pk) printf "h\\n$d 9 1 {blocks} 1%% /\\n" ;;\n'
        f'-Pi) printf "h\\n$d {inodes and inodes + 1} 1 {inodes} 1%% /\\n" ;;\n'
        f'-PT) printf "h\\n$d {kind} 9 1 1 1%% /\\n" ;;\n'
        '*) printf "h\\n$d 9 1 1 1%% /\\n" ;;\nesac',
    )


def cases(version: str = "24.0.7", compose: str = "2.24.1") -> str:
    return (
        f'"version -f {{{{.Server.Version}}}}") echo {version} ;;\n'
        f'"compose version --short") echo {compose} ;;'
    )


def certified(name: str) -> Change:
    """Put a certificate of a private authority, without its chain, where an earlier run would have."""

    def change(server: Server) -> None:
        certificate, key = Authority.make(server.root / "authority").issue("server", f"DNS:{name}")
        tls = server.install / "data" / "tls"
        tls.mkdir(parents=True)
        (tls / "server.crt").write_bytes(certificate.read_bytes())
        (tls / "server.key").write_bytes(key.read_bytes())
        server.program("openssl", 'exec /usr/bin/openssl "$@"')

    return change


CERTIFICATES = "#host\tcertificate\t...\nHOST\tCERT\tKEY\tMADE\ttls/server.crt\ttls/server.key\n"
VARIABLES = (
    "#name\tkind\trequired\tdefault\nHOST\thost\tyes\tdify.bank.example\t-\t-\t-\t-\t-\tdefault\t-\tyes\n"
)


def facts(**more: object) -> dict[str, str]:
    """Return a `bundle.env` with entries added or changed."""
    return {"bundle.env": "".join(f"{key}={value}\n" for key, value in {**ENV, **more}.items())}


COMPACT = facts(compression="compact", window=27)["bundle.env"]
TLS = {"certificates.tsv": CERTIFICATES, "variables.tsv": VARIABLES}
PORTS = "#service\taddress\tport\tprotocol\nweb\t-\t8080\ttcp\n"
FIXED = "#name\tsubnet\nbackend\t10.0.0.128/25\n"
POOLS = "#name\tsubnet\ndefault\t-\n"

WORLDS = (
    World(
        "good",
        (),
        {
            "platform": ("pass", "amd64"),
            "userland": ("pass", "64 bit"),
            "cpu": ("pass", "8"),
            "cpu-flags": ("pass", "complete"),
            "page-size": ("pass", "4096"),
            "memory": ("pass", "16.4 GB"),
            "memory-available": ("pass", "12.3 GB"),
            "swap": ("pass", "2.0 GB, 0 B"),
            "tools": ("pass", ""),
            "user": ("pass", "root"),
            "kernel": ("pass", "6.1.0-18-amd64"),
            "cgroup": ("pass", "2"),
            "overlay": ("pass", "yes"),
            "selinux": ("pass", "off"),
            "container": ("pass", "no"),
            "clock": ("pass", "2025-01-01 00:00"),
            "clock-sync": ("pass", "yes"),
            "sysctl": ("pass", "vm.max_map_count = 262144"),
            "docker": ("pass", "24.0.7"),
            "engine-mode": ("pass", "root"),
            "docker-storage": ("pass", "overlay2"),
            "compose": ("pass", "2.24.1"),
            "disk": ("pass", "/: 102.4 GB"),
            "scratch": ("pass", ": 102.4 GB"),
            "inodes": ("pass", "/: 8000000"),
            "ssd": ("pass", "sda1: solid state"),
            "write-latency": ("pass", " ms"),
            "filesystem": ("pass", "ext4"),
            "ip-forward": ("pass", "1"),
            "bridge-filter": ("pass", "1"),
            "firewalld": ("pass", "off"),
            "port": ("pass", "8080/tcp (web): free"),
            "address-range": ("pass", "Docker's pools"),
            "dns": ("pass", " s"),
            "installation": ("pass", "none"),
            "unpacker": ("pass", ""),
            "certificate": ("pass", "not set yet"),
            "expiry": ("pass", "none"),
        },
        {"ports.tsv": PORTS, "networks.tsv": POOLS, **TLS},
        wanted={"write-latency": ("-", "2000"), "dns": ("-", "60")},  # regardless of how busy this machine is
    ),
    World(
        "middling",
        (
            write("sys/devices/system/cpu/online", "0-15\n"),
            write("proc/self/status", "Cpus_allowed_list:\t0,2-6\n"),
            write("proc/cpuinfo", "flags\t: sse4_2\n"),
            write("proc/self/smaps", "KernelPageSize:       64 kB\n"),
            write(
                "proc/meminfo",
                "MemTotal: 9000000 kB\nMemAvailable: 5000000 kB\nSwapTotal: 1500000 kB\n"
                "SwapFree: 1400000 kB\n",
            ),
            write("sys/kernel/kexec_crash_size", "268435456\n"),
            program("id", "echo 1000"),
            program("uname", "case $1 in -m) echo x86_64 ;; *) echo 3.10.0-1160.el7 ;; esac"),
            write("sys/fs/cgroup/cgroup.controllers", "cpu io\n"),
            write("sys/fs/selinux/enforce", "1\n"),
            info("  seccomp", "  selinux"),
            write("proc/filesystems", "\text4\n"),
            write("run/.containerenv", ""),
            program("date", '[ "$*" != +%s ] || { echo 2200000000; exit; }\nexec /bin/date "$@"'),
            remove("run/systemd/timesync/synchronized"),
            program("timedatectl", "echo NTPSynchronized=no"),
            write("proc/sys/vm/overcommit_memory", "2\n"),
            docker(cases("20.10.24", "2.20.3")),
            df(50_000_000, 0, "/dev/mapper/vg-data", "nfs4"),
            link("sys/class/block/dm-0", "../../devices/dm-0"),
            write("sys/devices/dm-0/queue/rotational", "1\n"),
            program("readlink", 'case $2 in /dev/*) echo /dev/dm-0 ;; *) exec /bin/readlink "$@" ;; esac'),
            program("dd", SYNC.format("sleep 0.05; exit 0")),
            write("proc/sys/net/bridge/bridge-nf-call-iptables", "0\n"),
            program("firewall-cmd", "case $1 in --state) echo running ;; *) echo public work ;; esac"),
            write("etc/resolv.conf", ""),
            remove("bin/openssl"),
            installed("notes.txt", "mine"),
        ),
        {
            "cpu": ("warn", "6 (online 16, allowed to this process 6, quota -)"),
            "cpu-flags": ("warn", "missing avx"),
            "page-size": ("warn", "65536"),
            "memory": ("warn", "9.2 GB, plus 268.4 MB reserved for the crash kernel"),
            "memory-available": ("warn", "5.1 GB"),
            "swap": ("warn", "1.5 GB"),
            "tools": ("warn", "missing openssl"),
            "user": ("warn", "uid 1000"),
            "kernel": ("warn", "3.10.0"),
            "cgroup": ("warn", "missing memory pids"),
            "selinux": ("warn", "labels"),
            "overlay": ("warn", "no"),
            "container": ("warn", "podman"),
            "clock": ("warn", "2039-"),
            "clock-sync": ("warn", "no"),
            "sysctl": ("warn", "vm.overcommit_memory = 2"),
            "docker": ("warn", "20.10.24"),
            "compose": ("warn", "2.20.3"),
            "disk": ("warn", "/: 51.2 GB"),
            "scratch": ("warn", ": 51.2 GB"),
            "inodes": ("pass", "unlimited"),
            "ssd": ("warn", "cannot know this for a device-mapper volume"),
            "write-latency": ("warn", " ms"),
            "filesystem": ("warn", "nfs4: missing type"),
            "bridge-filter": ("warn", "0"),
            "firewalld": ("warn", "on"),
            "dns": ("warn", "no name server"),
            "installation": ("warn", "unrelated files"),
        },
        wanted={"write-latency": ("2000", "5"), "scratch": ("16000000", "60000000000")},
    ),
    World(
        "bad",
        (
            program("uname", "case $1 in -m) echo aarch64 ;; *) echo 2.6.32-754.el6 ;; esac"),
            write("bin/sh", "\x7fELF\x01"),
            write("sys/fs/cgroup/user.slice/cpu.max", "250000 100000\n"),
            write("proc/cpuinfo", "flags\t: fpu\n"),
            write("proc/meminfo", "MemTotal: 7000000 kB\nSwapTotal: 500000 kB\nSwapFree: 500000 kB\n"),
            remove("bin/openssl", "bin/find"),
            docker(cases("19.03.15", "2.6.0")),
            write("proc/filesystems", "\text4\n"),
            info("d_type: true", "d_type: false"),
            program("date", '[ "$*" != +%s ] || { echo 1500000000; exit; }\nexec /bin/date "$@"'),
            write("proc/sys/vm/max_map_count", "65530\n"),
            df(20_000_000, 90_000, "/dev/sdb1"),
            link("sys/class/block/sdb1", "../../devices/sdb/sdb1"),
            write("sys/devices/sdb/queue/rotational", "1\n"),
            write("sys/devices/sdb/device/vendor", "ATA\n"),
            write("sys/devices/sdb/sdb1/partition", "1\n"),
            program("dd", SYNC.format("sleep 0.05; exit 0")),
            program("chmod", "exit 0"),
            program("chown", "exit 1"),
            write("proc/sys/net/ipv4/ip_forward", "0\n"),
            write("proc/net/tcp", "head\n" + LISTENER),
            write("proc/77/comm", "nginx\n"),
            link("proc/77/fd/5", "socket:[4242]"),
            program("getent", "exec sleep 30"),
            occupied,
        ),
        {
            "platform": ("fail", "arm64"),
            "userland": ("fail", "32 bit"),
            "cpu": ("fail", "2.5 (online 8, allowed to this process 8, quota 2.5)"),
            "cpu-flags": ("fail", "missing sse4_2"),
            "memory": ("fail", "7.2 GB"),
            "swap": ("fail", "512.0 MB"),
            "tools": ("fail", "missing find"),
            "kernel": ("fail", "2.6.32"),
            "cgroup": ("fail", "2, Docker 19.03.15"),
            "clock": ("fail", "2017-"),
            "sysctl": ("fail", "vm.max_map_count = 65530"),
            "docker": ("fail", "19.03.15"),
            "docker-storage": ("fail", "missing d_type"),
            "compose": ("fail", "2.6.0"),
            "disk": ("fail", "/: 20.5 GB"),
            "scratch": ("fail", ": 20.5 GB"),
            "inodes": ("fail", "/: 90000"),
            "ssd": ("fail", "sdb1: rotational"),
            "write-latency": ("fail", " ms"),
            "filesystem": ("fail", "missing chmod chown"),
            "ip-forward": ("fail", "0"),
            "port": ("fail", "8080/tcp (web): used by nginx (77)"),
            "address-range": ("fail", "backend 10.0.0.128/25: contains 10.0.0.200"),
            "dns": ("warn", "no response"),
            "installation": ("fail", "is not a folder"),
        },
        {"ports.tsv": PORTS, "networks.tsv": FIXED},
        {"SSH_CONNECTION": "10.0.0.200 50000 10.0.0.5 22"},
        {"write-latency": ("5", "2"), "scratch": ("60000000000", "-")},
    ),
    World(
        "no engine",
        (
            remove("bin/docker", "sys/fs/cgroup", "proc/self/smaps", "sys/class/block/sda1", "proc/sys/net"),
            write("proc/filesystems", "\text4\n"),
            write("bin/sh", "#!"),
            write("sys/fs/selinux/enforce", "0\n"),
            write("proc/1/environ", "PATH=/bin\0container=lxc\0"),
            program("chronyc", "echo 'Leap status     : Normal'"),
            remove("run/systemd/timesync/synchronized"),
            program("getent", "sleep 1.3"),
            remove("proc/net/route"),
            write("proc/meminfo", "MemTotal: 9000000 kB\nSwapTotal: 1500000 kB\nSwapFree: 100000 kB\n"),
            installed("state/journal", JOURNAL),
            certified("other.bank.example"),
        ),
        {
            "userland": ("warn", "unknown"),
            "page-size": ("warn", "unknown"),
            "cgroup": ("fail", "none"),
            "overlay": ("fail", "no"),
            "selinux": ("pass", "permissive"),
            "container": ("warn", "lxc"),
            "clock-sync": ("pass", "yes"),
            "docker": ("fail", "none"),
            "engine-mode": ("pass", ""),
            "docker-storage": ("pass", ""),
            "compose": ("fail", "none"),
            "ssd": ("warn", "not reported as a disk by the kernel"),
            "ip-forward": ("pass", "set by the engine"),
            "bridge-filter": ("pass", "not loaded"),
            "dns": ("warn", " s"),
            "installation": ("warn", "an earlier run stopped at step images"),
            "swap": ("warn", "1.4 GB of it used"),
            "unpacker": ("fail", "none"),
            "certificate": ("fail", "does not cover the host name"),
            "address-range": ("warn", "Docker's pool 172.20.0.0/14: contains 172.20.5.7"),
        },
        {"networks.tsv": POOLS, "bundle.env": COMPACT, **TLS},
        {"SSH_CONNECTION": "172.20.5.7 50000 10.0.0.5 22"},
    ),
    World(
        "other engine",
        (
            docker(
                '"version -f {{range .Server.Components}}{{.Name}} {{end}}") echo Podman Engine Conmon ;;\n'
                '"ps -q --filter") echo 0123 ;;\n'
                '"ps --filter label=com.docker.compose.project=hello") echo "0.0.0.0:8080-8081->1-2/tcp" ;;\n'
                '"ps -a --filter") echo /srv/other/releases/1/config ;;'
            ),
            write("run/systemd/system/none", ""),
            info("overlay2", "vfs"),
            remove("sys/fs/cgroup/cgroup.controllers"),
            write("sys/fs/cgroup/memory/x", ""),
            write("sys/fs/cgroup/cpu/x", ""),
            write("sys/fs/cgroup/pids/x", ""),
            write("proc/self/cgroup", "4:cpu,cpuacct:/docker/1\n"),
            write("sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "-1\n"),
            write("sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "100000\n"),
            write("sys/fs/cgroup/cpu/docker/cpu.cfs_quota_us", "550000\n"),
            write("sys/fs/cgroup/cpu/docker/cpu.cfs_period_us", "100000\n"),
            write("sys/fs/selinux/enforce", "1\n"),
            write("proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 100 kB\n"),
            write("proc/net/tcp", "head\n" + LISTENER),
            program("modprobe", "exit 0"),
            write("proc/filesystems", "\text4\n"),
            write("sys/class/block/sda1/queue/rotational", "1\n"),
            write("sys/class/block/sda1/device/model", "MegaRAID SAS\n"),
            program("firewall-cmd", "case $1 in --state) echo running ;; *) echo public docker ;; esac"),
            program("ln", "exit 1"),
            write("etc/resolv.conf", "nameserver 127.0.0.53\n"),
        ),
        {
            "docker": ("pass", "Podman"),
            "engine-mode": ("warn", "Podman"),
            "docker-storage": ("warn", "vfs"),
            "cgroup": ("pass", "1"),
            "cpu": ("warn", "5.5"),
            "selinux": ("pass", "enforcing; the engine does not"),
            "memory-available": ("pass", "the application is already running"),
            "port": ("pass", "used by this application"),
            "overlay": ("pass", "as a module"),
            "ssd": ("warn", "cannot know this for a RAID volume"),
            "firewalld": ("pass", "zone docker"),
            "filesystem": ("fail", "missing symlink"),
            "installation": ("fail", "project hello already runs from /srv/other/releases/1/config"),
            "address-range": ("fail", "overlaps 10.0.0.0/24 of eth0"),
        },
        {"ports.tsv": PORTS, "networks.tsv": "#name\tsubnet\nbackend\t${NET:-10.0.0.0/16}\n"},
    ),
    World(
        "far engine",
        (
            docker('"info  ") exit 0 ;;'),
            df(device="/dev/vda1"),
            write("sys/class/block/vda1/queue/rotational", "1\n"),
            write(
                "proc/net/tcp6", "head\n   0: 00000000000000000000000000000000:1F90 0:0 0A 0 0 0 0 0 99 1\n"
            ),
            installed("state/journal", JOURNAL + JOURNAL.replace("begin", "end")),
            installed("releases/0.9-abc/bundle.env", "version=0.9\n"),
            current("releases/0.9-abc"),
            certified("dify.bank.example"),
        ),
        {
            "engine-mode": ("fail", "on another machine"),
            "ssd": ("pass", "cannot know this for a virtual disk"),
            "port": ("fail", "used by an unknown process"),
            "installation": ("pass", "0.9 is installed"),
            "docker-storage": ("pass", ""),
            "address-range": ("fail", "contains the name server 10.0.0.53"),
            "certificate": ("warn", "expires on"),
        },
        {"ports.tsv": PORTS, "networks.tsv": "#name\tsubnet\nbackend\t10.0.0.52/30\n", **TLS},
        {"DOCKER_HOST": "tcp://10.1.1.1:2375"},
        wanted={"ssd": ("-", "-")},
    ),
    World(
        "silent engine",
        (
            program("docker", "exit 124"),
            write("etc/resolv.conf", "nameserver 10.0.0.53\n"),
            remove("bin/getent", "sys/fs"),
        ),
        {
            "docker": ("fail", "no response within the time limit"),
            "cgroup": ("warn", "unknown"),
            "dns": ("warn", "unknown"),
        },
    ),
    World(
        "rootless engine",
        (info("  seccomp", "  rootless"), df(device="tmpfs"), program("ln", NO_HARD_LINKS)),
        {
            "engine-mode": ("warn", "rootless"),
            "ssd": ("warn", "tmpfs"),
            "filesystem": ("warn", "missing hard-link"),
        },
    ),
    World(
        "old XFS",
        (df(kind="xfs"), program("xfs_info", "echo 'naming =version 2 bsize=4096 ascii-ci=0, ftype=0'")),
        {"filesystem": ("warn", "xfs: missing d_type")},
    ),
    World(
        "old Podman without systemd",
        (
            docker(
                '"version -f {{.Server.Version}}") echo 3.4.4 ;;\n'
                '"version -f {{range .Server.Components}}{{.Name}} {{end}}") echo Podman Engine ;;'
            ),
        ),
        {"docker": ("warn", "Podman 3.4.4"), "engine-mode": ("fail", "without systemd")},
    ),
    World(
        "Podman under Docker's name",
        (
            docker(
                '"version -f {{.Server.Version}}") echo 4.3.1 ;;\n'
                '"version -f {{range .Server.Components}}{{.Name}} {{end}}") exit 125 ;;\n'
                '"--version  ") echo podman version 4.3.1 ;;\n'
                '"compose version --short") exit 125 ;;'
            ),
            write("run/systemd/system/none", ""),
        ),
        {
            "docker": ("pass", "Podman 4.3.1"),
            "compose": ("fail", "none"),
            "engine-mode": ("warn", "Podman, 0."),
        },
        {"ports.tsv": "#service\taddress\tport\tprotocol\nhello\t0.0.0.0\t8080\ttcp\n"},
    ),
    World(
        "shifted owners",
        (info("  seccomp", "  userns"),),
        {"engine-mode": ("warn", "userns-remap"), "unpacker": ("pass", "engine")},
        {"bundle.env": COMPACT},
    ),
    World(
        "a clock before the build, on the bundle's last day",
        (),
        {"clock": ("warn", "2025-01-01 00:00"), "expiry": ("pass", "until 2025-01-01 00:00 (UTC)")},
        facts(created=1735689601, expires=1735689601, grace=0),
    ),
    World(
        "a bundle in its grace period",
        (),
        {"expiry": ("warn", "until 2025-01-01 00:00 (UTC)")},
        facts(expires=1735689600, grace=1),
    ),
    World(
        "an expired bundle",
        (),
        {"expiry": ("fail", "until 2024-12-31 23:59 (UTC)")},
        facts(expires=1735689599, grace=1),
    ),
    World(
        "an expiring bundle without a clock",
        (program("date", '[ "$*" != +%s ] || exit 1\nexec /bin/date "$@"'),),
        {"expiry": ("fail", "unknown")},
        facts(expires=1735689601, grace=0),
    ),
)
