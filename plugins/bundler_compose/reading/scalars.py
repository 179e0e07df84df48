"""Checks texts that Compose reads as durations, sizes, numbers, commands and hosts.

Sources: compose-go v2.16.1, `types/duration.go`, `types/bytes.go`, `types/cpus.go`, `types/command.go`,
`types/hostList.go`, `types/device.go`, `types/mode.go`; docker/go-units, `size.go` (`RAMInBytes`);
xhit/go-str2duration, `str2duration.go`; mattn/go-shellwords, `shellwords.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from bundler.language import tr
from bundler_compose.reading.casts import cast_of
from bundler_compose.reading.tree import ITEM, Path, Patterns, go_text

Keys = tuple[str | int, ...]
Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, or None."""
_DURATION: Final = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?(?:w|d|h|m|s|ms|us|\u00b5s|\u03bcs|ns))+|[-+]?0")
_SIZE: Final = re.compile(r"[-+]?[0-9]+|(?P<number>[0-9.]+) ?[kKmMgGtTpP]?[iI]?[bB]?")
_FRACTION: Final = re.compile(r"[0-9]+\.?[0-9]*|\.[0-9]+")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def find_wrong(value: Any, path: Path = (), keys: Keys = ()) -> Iterator[tuple[Keys, str]]:  # noqa: ANN401 any YAML value
    """Yield the keys of each text of a canonical document that Compose refuses, and what it must be."""
    check: Check | None = _CHECKS.find(path)
    if check is not None:
        problem = None if value is None else check(value)
        if problem is not None:
            yield keys, problem
            return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from find_wrong(item, (*path, key), (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_wrong(item, (*path, ITEM), (*keys, index))


def is_wrong(path: Path, text: str) -> bool:
    """Whether Compose refuses a text at a key of a service, or cannot make a number or truth value of it."""
    check: Check | None = _CHECKS.find(path)
    if check is not None:
        return check(text) is not None
    cast = cast_of(path)
    try:
        if cast is not None:
            cast(text)
    except ValueError:
        return True
    return False


def _duration(value: Any) -> str | None:  # noqa: ANN401 likewise
    text = go_text(value)
    return None if _DURATION.fullmatch(text) else tr("{text!r} is no duration, such as 1m30s", text=text)


def _size(value: Any) -> str | None:  # noqa: ANN401 likewise
    text = go_text(value)
    found = _SIZE.fullmatch(text)
    if found is None or (found["number"] is not None and not _FRACTION.fullmatch(found["number"])):
        return tr("{text!r} is no size, such as 512m", text=text)
    return None


def _number(value: Any) -> str | None:  # noqa: ANN401 likewise
    text = go_text(value)
    return None if _NUMBER.fullmatch(text) else tr("{text!r} is no number", text=text)


def _mode(value: Any) -> str | None:  # noqa: ANN401 likewise
    if isinstance(value, float):
        return tr("{text} is no mode: octal digits, such as 0440", text=go_text(value))
    if isinstance(value, str) and not re.fullmatch("(0o?)?[0-7]+", value):
        return tr("{value!r} is no mode: octal digits, such as 0440", value=value)
    return None


def _unsigned(bits: int, *, texts: bool = False) -> Check:
    """Return the check of a number of so many bits, for which Compose takes no text unless it casts it."""

    def check(value: Any) -> str | None:  # noqa: ANN401 likewise
        if isinstance(value, str):
            return None if texts else tr("{value!r} must be a number without quotes", value=value)
        if not 0 <= value < 2**bits:
            return tr("{text} must be from 0 to {largest}", text=go_text(value), largest=2**bits - 1)
        return None

    return check


def _no_float(value: Any) -> str | None:  # noqa: ANN401 likewise
    return (
        tr("{text} must be a whole number or a text", text=go_text(value))
        if isinstance(value, float)
        else None
    )


def _not_empty(value: Any) -> str | None:  # noqa: ANN401 likewise
    return tr("must not be empty") if value == "" else None


def _scalar(value: Any) -> str | None:  # noqa: ANN401 likewise
    return tr("must be a text") if isinstance(value, dict | list | float) else None


def _count(value: Any) -> str | None:  # noqa: ANN401 likewise
    text = go_text(value)
    known = text.lower() == "all" or re.fullmatch("-?[0-9]+", text)
    return None if known else tr("{text!r} is neither `all` nor a number", text=text)


def _command(value: Any) -> str | None:  # noqa: ANN401 likewise
    """Check the quotes of a command, in which a backslash escapes, except within single quotes."""
    if not isinstance(value, str):
        return None
    quote, escaped = "", False
    for character in value:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif character in "'\"" and quote in {"", character}:
            quote = "" if quote else character
    if quote or escaped:
        return tr("a quote is not closed") if quote else tr("ends with a backslash")
    return None


def _hosts(value: Any) -> str | None:  # noqa: ANN401 likewise
    for entry in value if isinstance(value, list) else ():
        text = go_text(entry)
        host, separator, _ = text.partition("=" if "=" in text else ":")
        if not separator:
            return tr("{text!r} has no address: as HOST=ADDRESS", text=text)
        if not host or ":" in host:
            return tr("{host!r} is no name of a host", host=host)
    return None


def _no_text(value: Any) -> str | None:  # noqa: ANN401 likewise
    return tr("{value!r} must be a number without quotes", value=value) if isinstance(value, str) else None


def _contexts(value: Any) -> str | None:  # noqa: ANN401 likewise
    if isinstance(value, dict):
        wrong = next((key for key, each in value.items() if not isinstance(each, str)), None)
        return None if wrong is None else tr("{wrong}: must be a text", wrong=wrong)
    return next(
        (tr("{entry!r} must be NAME=CONTEXT", entry=entry) for entry in value if "=" not in entry), None
    )


def _ssh_keys(value: Any) -> str | None:  # noqa: ANN401 likewise
    entries = value if isinstance(value, list) else ()
    wrong = next((entry for entry in entries if "=" not in entry and entry != "default"), None)
    return None if wrong is None else tr("{wrong!r} must be `default`, or NAME=PATH", wrong=wrong)


_KEYS: Final[tuple[tuple[Check, str, tuple[str, ...]], ...]] = (
    (_duration, "{}", ("stop_grace_period",)),
    (_duration, "healthcheck.{}", ("interval", "timeout", "start_period", "start_interval")),
    (_duration, "deploy.restart_policy.{}", ("delay", "window")),
    (_duration, "deploy.update_config.{}", ("delay", "monitor")),
    (_duration, "deploy.rollback_config.{}", ("delay", "monitor")),
    (_size, "{}", ("mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness", "shm_size")),
    (_size, "volumes.*.tmpfs.{}", ("size",)),
    (_size, "deploy.resources.{}.memory", ("limits", "reservations")),
    (_size, "blkio_config.device_{}.*.rate", ("read_bps", "write_bps", "read_iops", "write_iops")),
    (_number, "deploy.resources.{}.cpus", ("limits", "reservations")),
    (_mode, "{}.*.mode", ("configs", "secrets")),
    (_unsigned(32), "volumes.*.tmpfs.{}", ("mode",)),
    (_unsigned(16), "blkio_config.{}", ("weight", "weight_device.*.weight")),
    (_unsigned(64, texts=True), "deploy.{}.parallelism", ("update_config", "rollback_config")),
    (
        _unsigned(64, texts=True),
        "{}",
        (
            "deploy.restart_policy.max_attempts",
            "deploy.placement.max_replicas_per_node",
            "healthcheck.retries",
        ),
    ),
    (_unsigned(32, texts=True), "ports.*.{}", ("target",)),
    (_no_float, "{}.*", ("group_add",)),
    (_mode, "build.{}.*.mode", ("secrets",)),
    (_size, "build.{}", ("shm_size",)),
    (_hosts, "build.{}", ("extra_hosts",)),
    (_no_text, "build.ulimits.{}", ("*", "*.hard", "*.soft")),
    (_contexts, "build.{}", ("additional_contexts",)),
    (_ssh_keys, "build.{}", ("ssh",)),
    (_not_empty, "develop.watch.*.{}", ("path",)),
    (_scalar, "{}.*", ("storage_opt",)),
    (_command, "{}", ("command", "entrypoint")),
    (_command, "{}.*.command", ("post_start", "pre_stop", "pre_start")),
    (_hosts, "{}", ("extra_hosts",)),
    (_count, "{}.*.count", ("gpus", "deploy.resources.reservations.devices")),
)
"""What is checked at which keys of a service."""
_CHECKS: Final = Patterns(
    {
        f"services.*.{hooks}{pattern.format(key)}": check
        for hooks in ("", "pre_start.*.")
        for check, pattern, keys in _KEYS
        for key in keys
    }
    | {f"{section}.*.driver_opts.*": _no_float for section in ("configs", "secrets")}
)
