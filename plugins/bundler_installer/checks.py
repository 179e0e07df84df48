"""The table of all checks, and its compilation for a bundle from profile, application and sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from bundler.api.application import Requirement
from bundler.errors import BundleError, did_you_mean
from bundler.image.platform import Platform
from bundler.language import tr, tr_later
from bundler_installer.manifest import InstallerManifest

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
        asks, advises: what reports and docs/reference/preflight.md list as required and recommended if the
            fields above do not say it. "bundle" stands for what the bundle requires.
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
    Check("userland", "hardware", asks=tr_later("64 bit, if the bundle is")),
    Check("cpu", "hardware", asks="bundle", advises="bundle"),
    Check("cpu-flags", "hardware", asks="bundle", advises="bundle; amd64: x86-64-v2"),
    Check("page-size", "hardware", recommended="4096"),
    Check("memory", "hardware", asks="bundle", advises="bundle"),
    Check("memory-available", "hardware", advises=tr_later("three quarters of the required memory")),
    Check("swap", "hardware", asks="bundle", advises="bundle; less than half of it used"),
    Check("tools", "system", "awk sed tar find sort mktemp tr cut grep df od", "openssl dd"),
    Check("user", "system", advises=tr_later("root")),
    Check("kernel", "system", "3.10", "4.18"),
    Check(
        "cgroup",
        "system",
        asks=tr_later("available; version 2 requires engine 20.10"),
        advises=tr_later("cpu, memory and pids"),
    ),
    Check("overlay", "system", asks=tr_later("available, or an engine that does not need it")),
    Check("selinux", "system", advises=tr_later("not enforcing, or an engine that labels containers")),
    Check("container", "system", advises=tr_later("not in a container")),
    Check(
        "clock",
        "system",
        asks=tr_later("after the build (one day tolerance)"),
        advises=tr_later("at most ten years after the build"),
    ),
    Check("clock-sync", "system", advises=tr_later("with chrony, systemd-timesyncd or ntpd")),
    Check(PARTED, "system", asks="bundle", advises="bundle"),
    Check("docker", "engine", asks="bundle", advises="bundle"),
    Check(
        "engine-mode",
        "engine",
        asks=tr_later("on this host"),
        advises=tr_later("as root, without user namespace remapping"),
    ),
    Check(
        "docker-storage",
        "engine",
        asks=tr_later("supports d_type"),
        advises=tr_later("overlay2, btrfs, zfs or containerd's"),
    ),
    Check(
        "external",
        "engine",
        asks=tr_later("networks, volumes and containers exist that the document expects"),
    ),
    Check("container-name", "engine", asks=tr_later("no other container has a name that the document fixes")),
    Check("driver", "engine", asks=tr_later("drivers of logs, networks and volumes, and interfaces, exist")),
    Check(
        "cpu-limit",
        "engine",
        asks=tr_later("`cpus` and `cpuset` of a service are not more than the server has"),
    ),
    Check(
        "memory-limit",
        "engine",
        asks=tr_later("memory limits are at least 6 MiB"),
        advises=tr_later("memory limits and sizes are not more than the server has"),
    ),
    Check(
        "ulimit",
        "engine",
        asks=tr_later("`ulimits` are not above fs.nr_open, or the limits of a rootless engine"),
    ),
    Check("service-sysctl", "engine", asks=tr_later("`sysctls` are namespaced, and the kernel knows them")),
    Check("device", "engine", asks=tr_later("devices exist")),
    Check(
        "gpu",
        "engine",
        asks=tr_later("NVIDIA's container toolkit and as many GPUs; other drivers are not known"),
    ),
    Check("runtime", "engine", asks=tr_later("the engine knows the runtime")),
    Check(
        "host-path",
        "engine",
        asks=tr_later("paths of the server that services mount exist, as file, folder or socket"),
    ),
    Check(
        "service-platform",
        "engine",
        asks=tr_later("the processor, or an emulator of the kernel (binfmt_misc)"),
    ),
    Check(
        "rights",
        "engine",
        asks=tr_later("`privileged` without user namespace remapping"),
        advises=tr_later("`privileged` and `cap_add` with an engine that runs as root"),
    ),
    Check(
        "engine-option",
        "engine",
        asks=tr_later(
            "what `isolation`, `userns_mode`, `cgroup_parent`, `storage_opt`, `security_opt` and"
            " `host-gateway` require"
        ),
    ),
    Check("unpacker", "engine", asks=tr_later("for compact images: zstd, or Docker 23.0 if sufficient")),
    Check("compose", "engine", "2.0", asks="bundle, at least 2.0", advises="bundle"),
    Check(
        "disk",
        "storage",
        asks="bundle: release, images (twice while loading) and data, summed per device",
        advises="bundle",
    ),
    Check("inodes", "storage", asks="bundle, per device"),
    Check(
        "scratch",
        "storage",
        "16000000",
        "64000000",
        asks=tr_later("16 MB and 1000 inodes"),
        advises=tr_later("64 MB"),
    ),
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
        asks=tr_later("chown, chmod, symbolic links, case-sensitive names"),
        advises=tr_later("exec, hard links, local, d_type"),
    ),
    Check("ip-forward", "network", asks=tr_later("1, if an engine is running")),
    Check("bridge-filter", "network", advises=tr_later("not 0")),
    Check("firewalld", "network", advises=tr_later("off, or with Docker's zone")),
    Check(
        "port",
        "network",
        asks=tr_later("free at its address, or used by this application"),
        advises=tr_later("the same for ports that services with the host's network name"),
    ),
    Check("address", "network", asks=tr_later("addresses of published ports belong to this server")),
    Check(
        "address-range",
        "network",
        asks=tr_later("overlaps no route, no name server and not the address you are logged in from"),
        advises=tr_later("the same for Docker's address pools"),
    ),
    Check(
        "dns",
        "network",
        recommended="1",
        advises=tr_later(
            "this server's name resolves within 1 s; a name server is configured; only in `preflight`"
        ),
    ),
    Check(
        "installation",
        "site",
        asks=tr_later("the project does not run from elsewhere; the root is a folder"),
        advises=tr_later("not interrupted; no unrelated files"),
    ),
    Check("certificate", "site", asks=tr_later("as the application requires")),
    Check(
        "host-name", "site", asks=tr_later("one that the application accepts, if it takes this server's name")
    ),
    Check(
        "expiry",
        "site",
        asks=tr_later("not after the bundle's grace period"),
        advises=tr_later("not after the bundle's expiry"),
    ),
)
"""All checks of `preflight`, in the order in which they run: a check comes after those that it depends on."""

PROBES = (
    Check(
        "probe-start", "engine", asks=tr_later("a container starts"), advises=tr_later("an image has a shell")
    ),
    Check(
        "probe-threads",
        "engine",
        asks=tr_later("64 processes, and threads if the image has python3, node, redis or java"),
    ),
    Check("probe-names", "engine", asks=tr_later("a container resolves its own name")),
    Check("probe-port", "engine", asks=tr_later("a published port is reachable")),
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
    entries = manifest.requirements
    asked = [Requirement(each.id, each.minimum, each.recommended) for each in entries]
    return compile_rows(Platform.parse(manifest.platform), asked, unpacked)


def compile_rows(platform: Platform, asked: Iterable[Requirement], unpacked: int | None) -> list[Check]:
    """Return all checks with what they require and recommend for a bundle or a plan.

    Args:
        platform: of the bundle.
        asked: its requirements, one for each id.
        unpacked: bytes of all unpacked layers; None if they are not known yet.

    Raises:
        BundleError: a requirement names a check that does not exist.
    """
    requirements = {requirement.id: requirement for requirement in asked}
    _refuse_unknown(requirements)
    defaults = _defaults(platform, unpacked, requirements)
    rows: list[Check] = []
    for check in (*CHECKS, *PROBES):
        for made in _parts(check, requirements):
            known = defaults.get(made.id, made)
            one = requirements.get(made.id if made.parameter is None else f"{made.id}:{made.parameter}")
            if one is not None:
                known = replace(
                    known,
                    required=known.required if one.minimum is None else one.minimum,
                    recommended=known.recommended if one.recommended is None else one.recommended,
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
    for name in requirements:
        if not has_check(name):
            raise BundleError(
                tr("requirement {name}: the installer has no check of this name", name=name),
                hint=did_you_mean(
                    name.partition(":")[0],
                    sorted(check.id for check in (*CHECKS, *PROBES)),
                    tr("there are"),
                ),
            )


def has_check(requirement: str) -> bool:
    """Whether there is a check for a requirement with this id."""
    base, colon, _ = requirement.partition(":")
    return any(check.id == base for check in (*CHECKS, *PROBES)) and (base == PARTED) == bool(colon)


def _defaults(
    platform: Platform, unpacked: int | None, requirements: Mapping[str, Requirement]
) -> dict[str, Check]:
    """Return the checks whose thresholds follow from the bundle, by id."""
    known = {check.id: check for check in CHECKS}
    found = {
        "platform": replace(known["platform"], required=platform.architecture, parameter=platform.variant),
    }
    if unpacked is not None:
        found["inodes"] = replace(known["inodes"], required=str(unpacked // BYTES_PER_FILE + 10_000))
    if platform.architecture == "amd64":
        level = LEVELS.get(platform.variant or "")
        found["cpu-flags"] = replace(
            known["cpu-flags"],
            required=" ".join(level) if level else None,
            recommended=" ".join(level or X86_64_V2),
        )
    memory = requirements.get("memory")
    if memory is not None and is_amount(memory.minimum):
        # running programs use some memory: the application can start with a quarter less than the minimum
        wanted = str(int(memory.minimum or 0) * 3 // 4)
        found["memory-available"] = replace(known["memory-available"], recommended=wanted)
    return found


def is_amount(value: str | None) -> bool:
    """Whether a value is a number; a bundle may have been made by another program."""
    return value is not None and re.fullmatch("[0-9]{1,18}", value) is not None


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
