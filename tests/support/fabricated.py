"""A server made of files: /proc and /sys trees, and programs that print what the test specifies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bundler.bundle.tar import Member
from bundler_installer.standalone import TABLES, assemble_preflight
from tests.support.hooks import with_hooks

TOOLS = (
    "awk", "basename", "cat", "cmp", "cut", "date", "dd", "df", "dirname", "env", "find", "grep",
    "head", "id", "ls", "mkdir", "mktemp", "mv", "od", "paste", "readlink", "rm", "sed", "sleep", "sort",
    "stat", "tail", "tr", "uname", "wc", "xargs",
)  # fmt: skip
"""Programs on PATH besides the fabricated ones; this machine's engine is not among them."""
REAL = (
    "readlink",
    "ln",
    "chmod",
    "chown",
    "mktemp",
    "sort",
    "tr",
    "cut",
    "find",
    "tar",
    "sed",
    "grep",
    "od",
    "awk",
)
"""Programs of this machine that the fabricated server uses unchanged."""

FILES = {
    "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3 avx\n"
    "processor\t: 1\n",
    "proc/self/status": "Name:\tsh\nCpus_allowed_list:\t0-7\n",
    "proc/self/cgroup": "0::/user.slice/shell\n",
    "proc/self/smaps": "KernelPageSize:        4 kB\n",
    "proc/meminfo": "MemTotal:       16000000 kB\nMemFree: 100 kB\nMemAvailable:   12000000 kB\n"
    "SwapTotal:       2000000 kB\nSwapFree:        2000000 kB\n",
    "proc/filesystems": "nodev\ttmpfs\nnodev\toverlay\n\text4\n",
    "proc/sys/net/ipv4/ip_forward": "1\n",
    "proc/sys/net/bridge/bridge-nf-call-iptables": "1\n",
    "proc/sys/vm/max_map_count": "262144\n",
    "proc/sys/vm/overcommit_memory": "1\n",
    "proc/net/tcp": "  sl  local_address\n",
    "proc/net/udp": "  sl  local_address\n",
    "proc/net/route": "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
    "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n"
    "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n",
    "sys/devices/system/cpu/online": "0-7\n",
    "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
    "sys/class/block/sda1/queue/rotational": "0\n",
    "etc/resolv.conf": "search bank.example\nnameserver 10.0.0.53\n",
    "run/systemd/timesync/synchronized": "",
    "bin/sh": "\x7fELF\x02",
}
INFO = """\
Server:
 Server Version: 24.0.7
 Storage Driver: overlay2
  Backing Filesystem: extfs
  Supports d_type: true
 Security Options:
  apparmor
  seccomp
   Profile: builtin
 Docker Root Dir: /var/lib/docker
"""
SYNC = 'case "$*" in *conv=fsync) {} ;; esac\nexec /bin/dd "$@"'
"""A `dd` that runs a given command instead of a synchronised write."""
PROGRAMS = {
    "uname": "case $1 in -m) echo x86_64 ;; -r) echo 6.1.0-18-amd64 ;; *) echo Linux 6.1.0 x86_64 ;; esac",
    "id": "echo 0",
    "date": '[ "$*" != +%s ] || { echo 1735689600; exit; }\nexec /bin/date "$@"',
    "hostname": "echo server",
    "getent": "echo 10.0.0.5 server",
    "df": "case $1 in\n"
    "-Pk) printf 'Filesystem ...\\n/dev/sda1 9 1 100000000 1%% /\\n' ;;\n"
    "-Pi) printf 'Filesystem ...\\n/dev/sda1 9000000 1 8000000 1%% /\\n' ;;\n"
    "-PT) printf 'Filesystem ...\\n/dev/sda1 ext4 9 1 1 1%% /\\n' ;;\n"
    "*) printf 'Filesystem ...\\n/dev/sda1 9 1 1 1%% /\\n' ;;\nesac",
    "openssl": "exit 0",
    "dd": SYNC.format("exit 0"),
    "docker": 'case "$1 $2 $3" in\n"version -f {{.Server.Version}}") echo 24.0.7 ;;\n'
    '"compose version --short") echo 2.24.1 ;;\n"info  ") cat "${0%/bin/docker}/info" ;;\n'
    '"image inspect -f") exit 1 ;;\nesac',
}
OWNER = {
    "ls": """\
case $1 in
    -ldn) {real} "$@" | awk '$3 == "{user}" {{ $3 = 0 }} {{ print }}' ;;
    -ln) {real} "$@" | awk -v given="$(cat "$2.owner" 2>/dev/null)" '
        split(given, part, ":") {{ $3 = part[1]; $4 = part[2] }} {{ print }}' ;;
    *) exec {real} "$@" ;;
esac""",
    "chown": """echo "$1" >"$2.owner" """,
    "find": """\
before=''
for each; do
    shift
    if [ "$before $each" = '-user 0' ]; then set -- "$@" {user}; else set -- "$@" "$each"; fi
    before=$each
done
exec {real} "$@\"""",
}
"""Programs by which the files of the user who runs the tests belong to the server's root, as `id` says."""
ENV = {
    "format": "1", "name": "hello", "version": "1.0", "profile": "demo", "title": "Hello", "os": "linux",
    "arch": "amd64", "project": "hello", "created": "1700000000", "images_bytes": "1000000000",
    "unpacked_bytes": "2000000000", "bundle_bytes": "1100000000", "data_bytes": "0", "health_timeout": "60",
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """One result of the preflight."""

    result: str
    measured: str
    required: str
    remedy: str


class Server:
    """A fabricated root that a test changes before it runs the preflight on it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "server"
        self.install = folder / "opt" / "hello"
        self.install.parent.mkdir(parents=True)
        for path, content in FILES.items():
            self.write(path, content)
        self.write("info", INFO)
        for name, script in PROGRAMS.items():
            self.program(name, script)
        for folder_name, names in (("bin", REAL), ("tools", TOOLS)):
            (self.root / folder_name).mkdir(exist_ok=True)
            for name in names:
                real = shutil.which(name)
                assert real, name
                (self.root / folder_name / name).symlink_to(real)
        if os.geteuid() != 0:
            for name, script in OWNER.items():
                self.program(name, script.format(real=shutil.which(name), user=os.geteuid()))

    def write(self, path: str, content: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)

    def remove(self, path: str) -> None:
        target = self.root / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()

    def program(self, name: str, script: str) -> None:
        target = self.root / "bin" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(f"#!/bin/sh\n{script}\n")
        target.chmod(0o755)

    def docker(self, cases: str) -> None:
        """Change what `docker` answers to some commands: branches of `case "$1 $2 $3"`."""
        self.program("docker", PROGRAMS["docker"].replace(" in\n", f" in\n{cases}\n", 1))


Change = Callable[[Server], None]


def preflight_file(
    folder: Path, rows: Sequence[Sequence[str]], tables: Mapping[str, str] | None = None
) -> Path:
    """Write the standalone preflight with these rows of checks.tsv."""
    contents = {
        "bundle.env": "".join(f"{key}={value}\n" for key, value in ENV.items()),
        "checks.tsv": "#id\tgroup\trequired\trecommended\tparameter\n"
        + "".join("\t".join(row) + "\n" for row in rows),
        "images.tsv": "#reference\tmanifest\tconfig\tbytes\tunpacked\nhello:1\tsha256:a\tsha256:b\t1\t1\n",
        "document.tsv": "#service\twhat\tvalue\n",
        "engine.tsv": "#kind\tvalue\tname\n",
        "networks.tsv": "#name\tsubnet\n",
        "ports.tsv": "#service\taddress\tport\tprotocol\n",
        "services.tsv": "#service\treference\texpect\treplicas\nhello\thello:1\thealthy\t1\n",
        "certificates.tsv": "#host\tcertificate\tkey\tself_signed\tcertificate_path\tkey_path\n",
        "variables.tsv": "#name\tkind\trequired\tdefault\tgenerator\tpattern\tchoices\ten\tzh\n",
        **(tables or {}),
    }
    file = folder / "hello.preflight.sh"
    file.write_bytes(
        with_hooks(assemble_preflight([Member.of(name, contents[name].encode()) for name in TABLES]))
    )
    return file


def run_preflight(
    server: Server,
    file: Path,
    *arguments: str,
    shell: Sequence[str] = ("dash",),
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the preflight on the fabricated server."""
    own = {"PATH": str(server.root / "tools"), "BUNDLE_PROBE_ROOT": str(server.root)}
    return subprocess.run(
        [str(shutil.which(shell[0])), *shell[1:], str(file), "--root", str(server.install), *arguments],
        env={**own, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def results(output: str) -> dict[str, list[Found]]:
    """Map check IDs to their results in the output of `--json`."""
    found: dict[str, list[Found]] = {}
    for check in json.loads(output)["checks"]:
        needed = check["required"] or check["recommended"] or ""
        fields = [check["result"], check["measured"] or "", needed, check["remedy"] or ""]
        found.setdefault(check["id"], []).append(Found(*fields))
    return found
