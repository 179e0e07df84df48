"""The numbers and truth values that Compose makes of texts.

Source: compose-go v2.16.1, `loader/interpolate.go`; and `loader/mapstructure.go` with `types/types.go` for
keys whose texts it casts later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bundler.language import tr
from bundler_compose.reading.tree import Path, Patterns


def _to_int(text: str) -> int:
    try:
        return int(text, 10)
    except ValueError as error:
        raise ValueError(tr("no whole number")) from error


def _to_float(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(tr("no number")) from error


def _to_bool(text: str) -> bool:
    if text.lower() in {"true", "y", "yes", "on"}:
        return True
    if text.lower() in {"false", "n", "no", "off"}:
        return False
    raise ValueError(tr("neither true nor false"))


def _casts() -> dict[str, Callable[[str], Any]]:
    found: dict[str, Callable[[str], Any]] = {}
    for key in ("external", "internal", "attachable", "enable_ipv4", "enable_ipv6"):
        found[f"networks.*.{key}"] = _to_bool
    for section in ("volumes", "secrets", "configs"):
        found[f"{section}.*.external"] = _to_bool
    numbers = (
        "cpu_count", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares",
        "oom_score_adj", "pids_limit", "ulimits.*", "ulimits.*.hard", "ulimits.*.soft",
    )  # fmt: skip
    switches = (
        "init", "oom_kill_disable", "privileged", "read_only", "volumes.*.read_only",
        "volumes.*.bind.create_host_path", "volumes.*.volume.nocopy", "env_file.*.required",
    )  # fmt: skip
    for prefix in ("services.*", "services.*.pre_start.*"):
        found |= {f"{prefix}.{key}": _to_int for key in numbers}
        found |= {f"{prefix}.{key}": _to_bool for key in switches}
        found |= {f"{prefix}.{key}": _to_float for key in ("cpu_percent", "cpus")}
    for key in (
        "attach", "build.no_cache", "build.privileged", "build.pull", "depends_on.*.required",
        "depends_on.*.restart", "develop.watch.*.exec.privileged", "healthcheck.disable",
        "post_start.*.privileged", "pre_start.*.per_replica", "pre_stop.*.privileged", "stdin_open", "tty",
    ):  # fmt: skip
        found[f"services.*.{key}"] = _to_bool
    for key in (
        "healthcheck.retries", "ports.*.target", "scale", "deploy.replicas",
        "deploy.update_config.parallelism", "deploy.rollback_config.parallelism",
        "deploy.restart_policy.max_attempts", "deploy.placement.max_replicas_per_node",
        "deploy.resources.limits.pids",
        "deploy.resources.reservations.generic_resources.*.discrete_resource_spec.value",
    ):  # fmt: skip
        found[f"services.*.{key}"] = _to_int
    for key in ("update_config", "rollback_config"):
        found[f"services.*.deploy.{key}.max_failure_ratio"] = _to_float
    return found


_CASTS: Final = Patterns(_casts())


def cast_of(path: Path) -> Callable[[str], Any] | None:
    """Return what makes a value of the type that Compose wants at `path` from a text; None for texts.

    It raises ValueError for a text of another form.
    """
    cast: Callable[[str], Any] | None = _CASTS.find(path)
    return cast
