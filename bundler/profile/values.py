"""Types of values in a profile: sizes, durations, modes, names."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from bundler.bundle.names import PathError, check_path, show_path
from bundler.errors import BundleError, HintedValueError
from bundler.image.platform import Platform
from bundler.image.reference import is_registry, split_mirror
from bundler.language import tr, tr_later

_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([A-Za-z]*)")
_UNITS: Final = {"": 1, "b": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("kmgtp", 1)
    for suffix, base in (("b", 1000), ("ib", 1024))
}
_DURATION = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s?)?")
_DAY = 24 * 3600
_MOMENT = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?Z)?")
_MODE = re.compile(r"(?:0o?)?([0-7]{3})")
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]*")
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEMBER = re.compile(r"[\w.@+-]+(?:/[\w.@+-]+)*")


def parse_size(value: object) -> int:
    """Bytes: a number, or a number with a unit.

    `kB`, `MB`, `GB`, `TB`, `PB` are powers of 1000; `KiB`, `MiB`, `GiB`, `TiB`, `PiB` of 1024; no unit or `B`
    is
    bytes. Case does not matter; a fraction of a byte is rounded up. `8G`, which means either in different
    programs, is refused.

    Raises:
        HintedValueError: the value has another form.
    """
    found = _SIZE.fullmatch(_text(value))
    unit = _UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None:
        number = found[1] if found else "8"
        letter = found[2].upper() if found and found[2].upper() in set("KMGTP") else "G"
        raise HintedValueError(
            tr("{value!r} is not a size", value=value),
            hint=tr(
                "write {number}{letter}iB (powers of 1024) or {number}{letter}B (powers of 1000)",
                number=number,
                letter=letter,
            ),
        )
    bytes_: int = ceil(Fraction(found[1]) * unit)
    return bytes_


def parse_duration(value: object) -> int:
    """Seconds: a number, or days, hours, minutes and seconds such as `90s`, `10m`, `1h30m`, `30d`.

    Raises:
        HintedValueError: the value has another form.
    """
    text = _text(value)
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise HintedValueError(
            tr("{value!r} is not a duration", value=value),
            hint=tr("write seconds (600), or for example 90s, 10m, 1h30m, 30d"),
        )
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return days * _DAY + hours * 3600 + minutes * 60 + seconds


def parse_moment(value: object) -> int:
    """Date or time in UTC, as seconds since 1970: `2027-06-30`, `2027-06-30T12:00Z`.

    A date means the end of that day, so the day itself is included.

    Raises:
        HintedValueError: the value has another form, or the day does not exist.
    """
    text = _text(value)
    found = _MOMENT.fullmatch(text)
    try:
        moment = datetime.fromisoformat(text) if found else None
    except ValueError:
        moment = None
    if found is None or moment is None:
        raise HintedValueError(
            tr("{value!r} is not a date", value=value),
            hint=tr("write a day (2027-06-30) or a time in UTC (2027-06-30T12:00Z)"),
        )
    return int(moment.replace(tzinfo=UTC).timestamp()) + (0 if found[1] else _DAY)


def parse_mode(value: object) -> int:
    """Permission bits: three octal digits, `0644`, `644` or `0o644`, with or without quotes.

    Raises:
        HintedValueError: the value has another form.
    """
    found = _MODE.fullmatch(_text(value))
    if found is None:
        raise HintedValueError(
            tr("{value!r} is not a file mode", value=value),
            hint=tr("write three octal digits, for example 0644 or 0755"),
        )
    return int(found[1], 8)


def version_key(text: str) -> tuple[int, ...]:
    """Return a key to compare version numbers by: `20.10` is below `20.10.1` and equals `20.10.0`."""
    parts = [int(part) for part in text.split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _text(value: object) -> str:
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def matching(pattern: re.Pattern[str], what: str, hint: str) -> AfterValidator:
    """Return a validator for texts that match the whole pattern; `what` says what other texts are not."""

    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise HintedValueError(tr("{value!r} is not {what}", value=value, what=tr(what)), hint=tr(hint))
        return value

    return AfterValidator(check)


def _check_platform(value: str) -> str:
    try:
        return str(Platform.parse(value))
    except BundleError as error:
        raise HintedValueError(error.message, hint=error.hint or "") from error


def _check_host(value: str) -> str:
    return _check_registry(value, "host[:port]", is_right=is_registry(value))


def _check_mirror(value: str) -> str:
    return _check_registry(value, "host[:port][/prefix]", is_right=split_mirror(value) is not None)


def _check_registry(value: str, form: str, *, is_right: bool) -> str:
    if not is_right:
        scheme, separator, rest = value.partition("://")
        hint = tr("for example docker.io or registry.bank.example:5000")
        if separator and scheme in {"http", "https"}:
            hint = tr("leave out the scheme: {rest}", rest=rest.rstrip("/"))
        raise HintedValueError(tr("{value!r} is not {form}", value=value, form=form), hint=hint)
    return value


def check_member(value: str) -> str:
    """Return `value` if it is a path that every tar, shell and file system accepts.

    Raises:
        HintedValueError: the path has another form.
    """
    try:
        check_path(value)
    except PathError as error:
        raise HintedValueError(f"{show_path(value)}: {error}", hint=error.hint) from error
    if _MEMBER.fullmatch(value) is None:
        raise HintedValueError(
            tr("{value!r} is not a path inside a bundle", value=value),
            hint=tr("relative, without '..', of letters, digits and . _ @ + - only"),
        )
    return value


def _check_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(?:/\S*)?", value):
        raise HintedValueError(
            tr("{value!r} is not a URL", value=value),
            hint=tr("it must start with https:// and contain no spaces"),
        )
    return value


def described(kind: str, types: list[str], **more: Any) -> WithJsonSchema:  # noqa: ANN401 JSON Schema
    """Return the JSON Schema of a value with its own notation."""
    return WithJsonSchema({"type": types if len(types) > 1 else types[0], "format": kind, **more})


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    described("size", ["integer", "string"], examples=["8GiB", "8GB"]),
]
"""Bytes; see `parse_size`."""

Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    described("duration", ["integer", "string"], examples=["90s", "10m", "1h30m", "30d"]),
]
"""Seconds; see `parse_duration`."""

Moment = Annotated[
    int,
    BeforeValidator(parse_moment),
    described("date", ["string"], examples=["2027-06-30", "2027-06-30T12:00Z"]),
]
"""Seconds since 1970; see `parse_moment`."""

FileMode = Annotated[
    int,
    BeforeValidator(parse_mode),
    described("file mode", ["integer", "string"], examples=["0644", "0755"]),
]
"""Permission bits; see `parse_mode`."""

Identifier = Annotated[
    str,
    matching(
        _IDENTIFIER,
        tr_later("a name"),
        tr_later("lower-case letters, digits, '.', '_' and '-', not starting with '-'"),
    ),
    described("name", ["string"], pattern=f"^{_IDENTIFIER.pattern}$"),
]
"""A name that is valid in file names and in project names."""

ReleaseName = Annotated[
    str,
    matching(
        _IDENTIFIER,
        tr_later("a version"),
        tr_later("lower-case letters, digits, '.', '_' and '-', not starting with '-'"),
    ),
    described("version", ["string"], pattern=f"^{_IDENTIFIER.pattern}$"),
]
"""A version of an application; part of the bundle's name."""

VersionNumber = Annotated[
    str,
    matching(
        _VERSION, tr_later("a version number"), tr_later('numbers separated by dots, for example "24.0"')
    ),
    described("version number", ["string"], pattern=f"^{_VERSION.pattern}$"),
]
"""Numbers separated by dots; see `version_key`."""

PlatformName = Annotated[
    str,
    AfterValidator(_check_platform),
    described("platform", ["string"], examples=["linux/amd64", "linux/arm64"]),
]
"""`os/architecture[/variant]`, normalised."""

RegistryHost = Annotated[str, AfterValidator(_check_host), described("host[:port]", ["string"])]
"""A registry as written in image references."""

Mirror = Annotated[str, AfterValidator(_check_mirror), described("host[:port][/prefix]", ["string"])]
"""Mirror of a registry."""

Sha256 = Annotated[
    str,
    matching(_SHA256, tr_later("a sha256"), tr_later("64 lower-case hex digits, as `sha256sum` prints them")),
    described("sha256", ["string"], pattern=f"^{_SHA256.pattern}$"),
]
"""64 hex digits."""

MemberPath = Annotated[str, AfterValidator(check_member), described("path in the bundle", ["string"])]
"""A relative path that every tar, shell and file system accepts."""

Url = Annotated[str, AfterValidator(_check_url), described("URL", ["string"])]
"""An http or https URL."""
