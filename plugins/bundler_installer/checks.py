"""The table of all checks, and its compilation for a bundle from profile, application and sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from bundler.errors import BundleError, did_you_mean
from bundler.image.platform import Platform
from bundler.language import tr
from bundler_installer.manifest import InstallerManifest, RequirementEntry

Group = Literal["hardware", "storage", "system", "engine", "network", "site"]
PARTED = "sysctl"
"""The check whose requirements have a parameter: `sysctl:vm.max_map_count`."""
X86_64_V2 = ("cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3")
X86_64_V3 = (*X86_64_V2, "abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe")
X86_64_V4 = (*X86_64_V3, "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl")
LEVELS = {"v2": X86_64_V2, "v3": X86_64_V3, "v4": X86_64_V4}
"""Levels of the x86-64 psABI, with the names of their flags in /proc/cpuinfo."""
BYTES_PER_FILE = 20_000
"""Assumed bytes per file of unpacked images. Debian packages have 22 to 43 kB, scripting languages less."""


@dataclass(frozen=True)
class Check:
    """A line of `checks.tsv`.

    Attributes:
        id: name of the check in `--accept`, JSON and the messages `check.<id>` and `remedy.<id>`; its shell
            function is `measure_<id>`, with `_` for `-`.
        group: group in the report.
        required: value to meet, otherwise the preflight fails; None if nothing is required.
        recommended: value to meet, otherwise the preflight warns; None if nothing is recommended.
        parameter: subject of the check, if there are several with the same id.
        asks, advises: what docs/reference/preflight.md lists as required and recommended if the fields above
            do not say it.
    """

    id: str
    group: Group
    required: str | None = None
    recommended: str | None = None
    parameter: str | None = None
    asks: str = ""
    advises: str = ""


CHECKS = (
    Check("platform", "hardware", asks="bundle"),
    Check("userland", "hardware", asks="64 bit, if the bundle is"),
    Check("cpu", "hardware", asks="bundle", advises="bundle"),
    Check("cpu-flags", "hardware", asks="bundle", advises="bundle; amd64: x86-64-v2"),
    Check("page-size", "hardware", recommended="4096"),
    Check("memory", "hardware", asks="bundle", advises="bundle"),
    Check("memory-available", "hardware", advises="three quarters of the required memory"),
    Check("swap", "hardware", asks="bundle", advises="bundle; less than half of it used"),
    Check("tools", "system", "awk sed tar find sort mktemp tr cut grep df od", "openssl dd"),
    Check("user", "system", advises="root"),
    Check("kernel", "system", "3.10", "4.18"),
    Check(
        "cgroup",
        "system",
        asks="available; version 2 requires engine 20.10",
        advises="cpu, memory and pids",
    ),
    Check("overlay", "system", asks="available, or an engine that does not need it"),
    Check("selinux", "system", advises="not enforcing, or an engine that labels containers"),
    Check("container", "system", advises="not in a container"),
    Check(
        "clock",
        "system",
        asks="after the build (one day tolerance)",
        advises="at most ten years after the build",
    ),
    Check("clock-sync", "system", advises="with chrony, systemd-timesyncd or ntpd"),
    Check(PARTED, "system", asks="bundle", advises="bundle"),
    Check("docker", "engine", asks="bundle", advises="bundle"),
    Check("engine-mode", "engine", asks="on this host", advises="as root, without user namespace remapping"),
    Check(
        "docker-storage",
        "engine",
        asks="supports d_type",
        advises="overlay2, btrfs, zfs or containerd's",
    ),
    Check("external", "engine", asks="networks, volumes and containers exist that the document expects"),
    Check("container-name", "engine", asks="no other container has a name that the document fixes"),
    Check("driver", "engine", asks="drivers of logs, networks and volumes, and interfaces, exist"),
    Check("cpu-limit", "engine", asks="`cpus` and `cpuset` of a service are not more than the server has"),
    Check(
        "memory-limit",
        "engine",
        asks="memory limits are at least 6 MiB",
        advises="memory limits and sizes are not more than the server has",
    ),
    Check("ulimit", "engine", asks="`ulimits` are not above fs.nr_open, or the limits of a rootless engine"),
    Check("service-sysctl", "engine", asks="`sysctls` are namespaced, and the kernel knows them"),
    Check("device", "engine", asks="devices exist"),
    Check("gpu", "engine", asks="NVIDIA's container toolkit and as many GPUs; other drivers are not known"),
    Check("runtime", "engine", asks="the engine knows the runtime"),
    Check(
        "host-path", "engine", asks="paths of the server that services mount exist, as file, folder or socket"
    ),
    Check("service-platform", "engine", asks="the processor, or an emulator of the kernel (binfmt_misc)"),
    Check(
        "rights",
        "engine",
        asks="`privileged` without user namespace remapping",
        advises="`privileged` and `cap_add` with an engine that runs as root",
    ),
    Check(
        "engine-option",
        "engine",
        asks="what `isolation`, `userns_mode`, `cgroup_parent`, `storage_opt`, `security_opt` and"
        " `host-gateway` require",
    ),
    Check("unpacker", "engine", asks="for compact images: zstd, or Docker 23.0 if sufficient"),
    Check("compose", "engine", "2.0", asks="bundle, at least 2.0", advises="bundle"),
    Check(
        "disk",
        "storage",
        asks="bundle: release, images (twice while loading) and data, summed per device",
        advises="bundle",
    ),
    Check("inodes", "storage", asks="bundle, per device"),
    Check("scratch", "storage", "16000000", "64000000", asks="16 MB and 1000 inodes", advises="64 MB"),
    Check(
        "ssd",
        "storage",
        asks="bundle; warns if the kernel cannot know: virtual, device-mapper, RAID",
        advises="bundle",
    ),
    Check("write-latency", "storage", recommended="20", asks="bundle, ms", advises="20 ms, or bundle"),
    Check(
        "filesystem",
        "storage",
        asks="chown, chmod, symbolic links, case-sensitive names",
        advises="exec, hard links, local, d_type",
    ),
    Check("ip-forward", "network", asks="1, if an engine is running"),
    Check("bridge-filter", "network", advises="not 0"),
    Check("firewalld", "network", advises="off, or with Docker's zone"),
    Check(
        "port",
        "network",
        asks="free at its address, or used by this application",
        advises="the same for ports that services with the host's network name",
    ),
    Check("address", "network", asks="addresses of published ports belong to this server"),
    Check(
        "address-range",
        "network",
        asks="overlaps no route, no name server and not the address you are logged in from",
        advises="the same for Docker's address pools",
    ),
    Check(
        "dns",
        "network",
        recommended="1",
        advises="this server's name resolves within 1 s; a name server is configured; only in `preflight`",
    ),
    Check(
        "installation",
        "site",
        asks="the project does not run from elsewhere; the root is a folder",
        advises="not interrupted; no unrelated files",
    ),
    Check("certificate", "site", asks="as the application requires"),
    Check("host-name", "site", asks="one that the application accepts, if it takes this server's name"),
    Check(
        "expiry",
        "site",
        asks="not after the bundle's grace period",
        advises="not after the bundle's expiry",
    ),
)
"""All checks of `preflight`, in the order in which they run: a check comes after those that it depends on."""

PROBES = (
    Check("probe-start", "engine", asks="a container starts", advises="an image has a shell"),
    Check(
        "probe-threads",
        "engine",
        asks="64 processes, and threads if the image has python3, node, redis or java",
    ),
    Check("probe-names", "engine", asks="a container resolves its own name"),
    Check("probe-port", "engine", asks="a published port is reachable"),
    Check("open-files", "engine", "1024", "65536", asks="1024, or bundle", advises="65536, or bundle"),
)
"""Checks that require a container: they run with `--probe`, on servers that have the images."""


def compile_checks(manifest: InstallerManifest, unpacked: int) -> list[Check]:
    """Return the lines of `checks.tsv`.

    Args:
        manifest: supplies platform and requirements.
        unpacked: bytes of all unpacked layers.

    Raises:
        BundleError: a requirement names a check that does not exist.
    """
    requirements = {requirement.id: requirement for requirement in manifest.requirements}
    _refuse_unknown(requirements)
    defaults = _defaults(manifest, unpacked, requirements)
    rows: list[Check] = []
    for check in (*CHECKS, *PROBES):
        for made in _parts(check, requirements):
            known = defaults.get(made.id, made)
            asked = requirements.get(made.id if made.parameter is None else f"{made.id}:{made.parameter}")
            if asked is not None:
                known = replace(
                    known,
                    required=known.required if asked.minimum is None else asked.minimum,
                    recommended=known.recommended if asked.recommended is None else asked.recommended,
                    parameter=made.parameter or known.parameter,
                )
            rows.append(known)
    return rows


def _parts(check: Check, requirements: Iterable[str]) -> list[Check]:
    if check.id != PARTED:
        return [check]
    names = [name.partition(":")[2] for name in requirements if name.startswith(f"{PARTED}:")]
    return [replace(check, parameter=name) for name in sorted(names)]


def _refuse_unknown(requirements: Iterable[str]) -> None:
    known = {check.id for check in (*CHECKS, *PROBES)}
    for name in requirements:
        base = name.partition(":")[0]
        if base not in known or (base == PARTED) != (":" in name):
            raise BundleError(
                tr("requirement {name}: the installer has no check of this name", name=name),
                hint=did_you_mean(base, sorted(known), tr("there are")),
            )


def _defaults(
    manifest: InstallerManifest, unpacked: int, requirements: Mapping[str, RequirementEntry]
) -> dict[str, Check]:
    """Return the checks whose thresholds follow from the bundle, by id."""
    platform = Platform.parse(manifest.platform)
    known = {check.id: check for check in CHECKS}
    found = {
        "platform": replace(known["platform"], required=platform.architecture, parameter=platform.variant),
        "inodes": replace(known["inodes"], required=str(unpacked // BYTES_PER_FILE + 10_000)),
    }
    if platform.architecture == "amd64":
        level = LEVELS.get(platform.variant or "")
        found["cpu-flags"] = replace(
            known["cpu-flags"],
            required=" ".join(level) if level else None,
            recommended=" ".join(level or X86_64_V2),
        )
    memory = requirements.get("memory")
    if memory is not None and memory.minimum is not None:
        # running programs use some memory: the application can start with a quarter less than the minimum
        wanted = str(int(memory.minimum) * 3 // 4)
        found["memory-available"] = replace(known["memory-available"], recommended=wanted)
    return found


def network_rows(document: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """Return the lines of `networks.tsv`: each network that Compose creates, with each of its IPv4 ranges.

    The range is a CIDR, `${NAME}` or `${NAME:-default}`, or None if Docker selects one from its pools.
    """
    services = (document.get("services") or {}).values()
    used: dict[str, Any] = dict(document.get("networks") or {})
    if any(not (entry or {}).get("networks") and not (entry or {}).get("network_mode") for entry in services):
        used.setdefault("default", None)
    rows: list[dict[str, str | None]] = []
    for name, network in sorted(used.items()):
        entry = network or {}
        if entry.get("external") or entry.get("driver") in {"host", "none"}:
            continue
        pools = (entry.get("ipam") or {}).get("config") or []
        ranges = [str(pool["subnet"]) for pool in pools if pool.get("subnet")]
        four = [text for text in ranges if text.count(":") < 2]  # noqa: PLR2004 two or more colons: IPv6; one: ${A:-b}
        rows += [{"name": name, "subnet": text} for text in four] or [{"name": name, "subnet": None}]
    return rows
