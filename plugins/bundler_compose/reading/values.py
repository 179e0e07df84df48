"""Replaces the variables of a document, by values of today or by marks for the site.

Source: compose-go v2.16.1, `interpolation/interpolation.go` and `loader/interpolate.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bundler.errors import BundleError
from bundler_compose.reading.environment import Environment
from bundler_compose.reading.interpolation import Interpolation, Site, refuse_missing
from bundler_compose.reading.open_keys import bound_reason
from bundler_compose.reading.tree import ITEM, Items, Map, Path, Patterns, Place
from bundler_compose.site_text import Marks, Use, has_mark
from bundler_compose.template_text import Substitution, pieces

SAMPLE: Final = "sample"
"""Value of today of a variable that only the site knows, `${NAME:?}`."""


@dataclass
class Mode:
    """How variables are replaced in one reading.

    Attributes:
        site: whether the uses in open keys stay for the site.
        bound: names of variables that are constant, because a bound key uses them.
        samples: values of required variables that only the site knows.
        used: names that bound keys use, filled by the reading.
        lacking: required names without a value in open keys, filled by the reading.
        marks: the uses that stay.
    """

    site: bool = False
    bound: frozenset[str] = frozenset()
    samples: Mapping[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)
    marks: Marks = field(default_factory=Marks)

    def today(self, environment: Environment) -> Callable[[str], str | None]:
        """Return the lookup of values of today, with the samples."""

        def find(name: str) -> str | None:
            found = environment.read_today(name)
            return self.samples.get(name) if found is None else found

        return find

    def open(self, environment: Environment) -> Interpolation:
        """Return how texts in open keys are resolved."""
        if self.site:
            return Interpolation(environment.for_site(self.marks, self.bound), self.marks)

        def missing(use: Use) -> str:
            self.lacking.add(use.name)
            return SAMPLE

        return Interpolation(self.today(environment), self.marks, missing)

    def closed(self, environment: Environment) -> Interpolation:
        """Return how texts in bound keys are resolved."""
        today = self.today(environment)

        def lookup(name: str) -> str | Site | None:
            self.used.add(name)
            return today(name)

        return Interpolation(lookup, self.marks, refuse_missing)


@dataclass(frozen=True)
class Values:
    """The values of one environment in one reading."""

    open: Interpolation
    closed: Interpolation

    @classmethod
    def of(cls, environment: Environment, mode: Mode) -> Values:
        """Return how the documents that see `environment` are resolved."""
        return cls(mode.open(environment), mode.closed(environment))

    def resolve(self, value: Any, path: Path, place: Place | None) -> Any:  # noqa: ANN401 any YAML value
        """Return a copy of a value with its variables replaced and cast to the types that Compose wants.

        Raises:
            BundleError: Compose refuses a text, with file and line.
        """
        if isinstance(value, Map):
            return Map(
                {
                    key: self.resolve(item, (*path, key), value.places.get(key, place))
                    for key, item in value.items()
                },
                value.places,
            )
        if isinstance(value, Items):
            return Items(
                [self.resolve(item, (*path, ITEM), at or place) for item, at in value.pairs()], value.places
            )
        return self._text(value, path, place) if isinstance(value, str) else value

    def _text(self, text: str, path: Path, place: Place | None) -> Any:  # noqa: ANN401 the type of the cast
        where = str(place or "")
        reason = bound_reason(path)
        interpolation = self.open if reason is None else self.closed
        try:
            if _IMAGES.find(path):
                _check_image(text, interpolation)
            found = interpolation.text(text, where)
            cast = _CASTS.find(path)
            return found if cast is None or has_mark(found) else cast(found)
        except ValueError as error:
            raise BundleError(f"{where}: {'.'.join(path)}: {text!r} is {error}") from error
        except BundleError as error:
            message = error.message.removeprefix(f"{where}: ")
            raise BundleError(f"{where}: {'.'.join(path)}: {message}", hint=error.hint) from error


def _check_image(text: str, interpolation: Interpolation) -> None:
    """Refuse an image whose name lacks a part: Compose would go on with an empty text."""
    for piece in pieces(text):
        if isinstance(piece, Substitution) and not piece.operator and not interpolation.lookup(piece.name):
            raise BundleError(
                f"${{{piece.name}}} has no value",
                hint=f"set it in the profile under `settings: values: {{{piece.name}: VALUE}}`, or in .env",
            )


def _to_int(text: str) -> int:
    try:
        return int(text, 10)
    except ValueError as error:
        raise ValueError("no whole number") from error


def _to_float(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError("no number") from error


def _to_bool(text: str) -> bool:
    if text.lower() in {"true", "y", "yes", "on"}:
        return True
    if text.lower() in {"false", "n", "no", "off"}:
        return False
    raise ValueError("neither true nor false")


_IMAGES: Final = Patterns({"services.*.image": True, "services.*.pre_start.*.image": True})
"""Names of images."""


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
        "volumes.*.volume.nocopy",
    )  # fmt: skip
    for prefix in ("services.*", "services.*.pre_start.*"):
        found |= {f"{prefix}.{key}": _to_int for key in numbers}
        found |= {f"{prefix}.{key}": _to_bool for key in switches}
        found |= {f"{prefix}.{key}": _to_float for key in ("cpu_percent", "cpus")}
    for key in ("depends_on.*.required", "depends_on.*.restart", "healthcheck.disable", "stdin_open", "tty"):
        found[f"services.*.{key}"] = _to_bool
    for key in (
        "healthcheck.retries", "ports.*.target", "scale", "deploy.replicas",
        "deploy.update_config.parallelism", "deploy.rollback_config.parallelism",
        "deploy.restart_policy.max_attempts", "deploy.placement.max_replicas_per_node",
    ):  # fmt: skip
        found[f"services.*.{key}"] = _to_int
    for key in ("update_config", "rollback_config"):
        found[f"services.*.deploy.{key}.max_failure_ratio"] = _to_float
    return found


_CASTS: Final = Patterns(_casts())
