"""Fabricated servers on which a Compose document does or does not find what it asks for."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from tests.support.fabricated import INFO, Change, Server
from tests.support.preflight_worlds import World, docker, info, program, remove, write

PLUGINS = "Plugins:\n  Volume: local\n  Network: bridge host\n  Log: json-file syslog\n"
ENGINE = INFO.replace(
    " Storage Driver:", f" {PLUGINS} CPUs: 8\n Runtimes: runc nvidia\n Swarm: inactive\n Storage Driver:"
)
QUOTA = ENGINE.replace("extfs", "xfs")
TRIE = "Main:\n  +-- 0.0.0.0/0 3 0 5\n"
TRIE += "     |-- 10.0.0.5\n        /32 host LOCAL\n     |-- 10.0.0.9\n        /32 link UNICAST\n"
SIX = "20010db8000000000000000000000005 02 40 00 80 eth0\n"
OBJECTS = (
    '"network ls --no-trunc") echo "corp 0123abc" ;;\n'
    '"volume ls --format") echo shared ;;\n'
    '"ps -a --no-trunc") echo "db 4567" ;;\n'
    '"ps -a --format") printf "%s\\n" "web hello" "nginx " "mail postfix" ;;'
)
NAMES = "#name\tkind\trequired\tdefault\tgenerator\n"


def document(*lines: str, **tables: str) -> Mapping[str, str]:
    """Return the tables of a bundle whose document asks for these features."""
    text = "".join(line.replace("|", "\t") + "\n" for line in lines)
    named = {f"{name}.tsv": content for name, content in tables.items()}
    return {"document.tsv": "#service\twhat\tvalue\n" + text, **named}


def engine(text: str = ENGINE) -> Change:
    return write("info", text)


def listening(server: Server) -> None:
    path = server.root / "run/app.sock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def profiled(server: Server) -> None:
    server.write("sys/module/apparmor/parameters/enabled", "Y\n")
    server.write("sys/kernel/security/apparmor/profiles", "tight (enforce)\n")


EVERYTHING = (
    "-|network|corp", "-|volume|shared", "a|other-container|db", "a|container|web",
    "a|log-driver|syslog", "a|cpus|${CPUS:-8}", "a|cpus|0.5", "a|cpuset|0-3,7", "a|memory-limit|512m",
    "a|memory|1.5gb", "a|ulimit|nofile=65536", "a|sysctl|net.core.somaxconn", "a|device|/dev/snd",
    "a|gpu|nvidia=all", "a|runtime|nvidia", "a|path|/srv/${SITE-x}", "a|file|/etc/app.conf",
    "a|folder|/srv/x", "a|socket|/run/app.sock", "a|platform|linux/386", "a|rights|privileged",
    "a|isolation|default", "a|userns|host", "a|cgroup-parent|app.slice", "a|storage-size|10G",
    "a|apparmor|tight", "a|host-gateway|host", "-|interface|eth0.10", "a|host-port|9100/tcp",
)  # fmt: skip
PUBLISHED = "#service\taddress\tport\tprotocol\nweb\t10.0.0.5\t8080\ttcp\n"
PUBLISHED += "web\t[2001:DB8::5]\t8080\ttcp\nweb\t127.0.0.1\t1\ttcp\n"
ELSEWHERE = "#service\taddress\tport\tprotocol\nweb\t10.0.0.9\t8080\ttcp\n"
HOST = NAMES + "HOST\thost\tyes\t-\tfqdn\t-\t-\t-\t-\n"

DOCUMENT_WORLDS = (
    World(
        "a document that finds everything",
        (
            engine(QUOTA),
            docker(OBJECTS),
            write("proc/sys/fs/nr_open", "1048576\n"),
            write("proc/sys/net/core/somaxconn", "4096\n"),
            write("dev/snd/none", ""),
            write("dev/nvidiactl", ""),
            write("srv/x/none", ""),
            write("etc/app.conf", ""),
            listening,
            profiled,
            write("proc/mounts", "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /var/lib/docker xfs rw,prjquota 0 0\n"),
            write("sys/class/net/eth0", ""),
            write("proc/net/fib_trie", TRIE),
            write("proc/net/if_inet6", SIX),
        ),
        {
            "external": ("pass", "network corp"),
            "container-name": ("pass", "web (a): used by this application"),
            "driver": ("pass", "interface eth0.10"),
            "cpu-limit": ("pass", "cpus <= 8"),
            "memory-limit": ("pass", "<= 1.6 GB"),
            "ulimit": ("pass", "nofile=65536 (a)"),
            "service-sysctl": ("pass", "net.core.somaxconn (a)"),
            "device": ("pass", "/dev/snd (a)"),
            "gpu": ("pass", "nvidia all (a)"),
            "runtime": ("pass", "nvidia (a)"),
            "host-path": ("pass", "/run/app.sock (a)"),
            "service-platform": ("pass", "linux/386 (a)"),
            "rights": ("pass", "privileged (a)"),
            "engine-option": ("pass", "storage-size 10G (a)"),
            "address": ("pass", "[2001:DB8::5] (web)"),
            "port": ("pass", "9100/tcp (a): free"),
            "host-name": ("pass", "HOST: server"),
        },
        document(*EVERYTHING, ports=PUBLISHED, variables=HOST),
    ),
    World(
        "a document that finds nothing",
        (
            engine(),
            docker(OBJECTS),
            write("proc/sys/fs/nr_open", "65536\n"),
            profiled,
            write("sys/class/net/eth0", ""),
            write("proc/net/fib_trie", TRIE),
            write("etc/app.conf/none", ""),
            write("proc/sys/vm/swappiness", "60\n"),
            program("hostname", "echo My_Server_01"),
        ),
        {
            "external": ("fail", "network other: none"),
            "container-name": ("fail", "mail (b): a container of the project postfix"),
            "driver": ("fail", "log driver loki (a): none"),
            "cpu-limit": ("fail", "cpus 8.5 (a)"),
            "memory-limit": ("fail", "4m (a)"),
            "ulimit": ("fail", "nofile=-1 (a)"),
            "service-sysctl": ("fail", "vm.swappiness (a): applies to the whole server"),
            "device": ("fail", "/dev/ttyUSB0 (a): none"),
            "gpu": ("fail", "no NVIDIA driver"),
            "runtime": ("fail", "sysbox-runc (a): none"),
            "host-path": ("fail", "/etc/app.conf (a): a folder"),
            "service-platform": ("fail", "linux/arm64 (a): no emulator"),
            "engine-option": ("fail", "storage-size 10G (a): overlay2, extfs"),
            "address": ("fail", "10.0.0.9 (web): none"),
            "host-name": ("fail", "HOST: My_Server_01"),
        },
        document(
            "-|network|other",
            "a|container|nginx",
            "b|container|mail",
            "a|log-driver|loki",
            "a|cpus|8.5",
            "a|memory-limit|4m",
            "a|ulimit|nofile=-1",
            "a|sysctl|vm.swappiness",
            "a|device|/dev/ttyUSB0",
            "a|gpu|nvidia=2",
            "a|runtime|sysbox-runc",
            "a|file|/etc/app.conf",
            "a|platform|linux/arm64",
            "a|storage-size|10G",
            ports=ELSEWHERE,
            variables=HOST,
        ),
    ),
    World(
        "a rootless engine for a document with rights",
        (
            info("  seccomp", "  rootless"),
            write("proc/self/limits", "Max open files   1024   4096   files\n"),
        ),
        {"rights": ("warn", "NET_ADMIN (a)"), "ulimit": ("fail", "nofile=65536 (a)")},
        document("a|rights|NET_ADMIN", "a|ulimit|nofile=65536"),
    ),
    World(
        "a document on an engine that maps users, and is in a swarm",
        (engine(ENGINE.replace("seccomp", "userns").replace("inactive", "active")),),
        {
            "rights": ("fail", "privileged (a): userns-remap"),
            "external": ("warn", "network corp: none"),
            "memory-limit": ("warn", "64g (a)"),
        },
        document("a|rights|privileged", "-|network|corp", "a|memory-limit|64g"),
    ),
    World(
        "a document without an engine",
        (
            remove("bin/docker"),
            write("proc/sys/net/ipv4/ip_nonlocal_bind", "1\n"),
            write("proc/net/fib_trie", TRIE),
        ),
        {
            "external": ("warn", "volume shared: not known without an engine"),
            "driver": ("warn", "log driver syslog (a)"),
            "cpu-limit": ("fail", "cpus 9 (a)"),
            "runtime": ("warn", "sysbox-runc (a)"),
            "gpu": ("fail", "no NVIDIA container toolkit"),
            "engine-option": ("warn", "AppArmor off"),
            "address": ("warn", "10.0.0.9 (web)"),
            "container-name": ("pass", "nginx (a): free"),
        },
        document(
            "-|volume|shared",
            "a|log-driver|syslog",
            "a|cpus|9",
            "a|runtime|sysbox-runc",
            "a|gpu|nvidia=1",
            "a|apparmor|tight",
            "a|container|nginx",
            ports=ELSEWHERE,
        ),
    ),
    World(
        "a server whose processors are not known, with other GPUs and a busy port",
        (
            write("sys/devices/system/cpu/online", ""),
            write(
                "proc/net/tcp",
                "  sl  local_address\n   0: 00000000:238C 00000000:0000 0A 0:0 00:0 0 0 0 4242 1\n",
            ),
        ),
        {
            "cpu-limit": ("warn", "cpus 1 (a): unknown"),
            "gpu": ("warn", "amd all (a)"),
            "port": ("warn", "9100/tcp (a): used by"),
        },
        document("a|cpus|1", "a|gpu|amd=all", "a|host-port|9100/tcp"),
    ),
    World(
        "a path that only the answers tell, and one that is missing",
        (),
        {"host-path": ("fail", "/srv/missing (a): none"), "device": ("pass", "")},
        document(
            "a|path|/srv/missing",
            "a|path|${LATER}/x",
            "a|path|named",
            variables=NAMES + "LATER\tpath\tyes\t-\t-\t-\n",
        ),
    ),
)
