"""Replaces the variables of a document, by values of today or by marks for the site.

Source: compose-go v2.16.1, `interpolation/interpolation.go` and `loader/interpolate.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.reading.casts import cast_of
from bundler_compose.reading.environment import Environment
from bundler_compose.reading.interpolation import Interpolation, Site, refuse_missing
from bundler_compose.reading.open_keys import bound_reason
from bundler_compose.reading.samples import ANY, sample_for
from bundler_compose.reading.tree import ITEM, Items, Map, Path, Patterns, Place, shown
from bundler_compose.site_text import Marks, Use, has_mark
from bundler_compose.template_text import Substitution, pieces

_IMAGES: Final = Patterns({"services.*.image": True, "services.*.pre_start.*.image": True})
"""Names of images."""


@dataclass
class Mode:
    """How variables are replaced in one reading.

    Attributes:
        site: whether the uses in open keys stay for the site.
        bound: names of variables that are constant, because a bound key uses them.
        samples: values of required variables that only the site knows.
        used: names that bound keys use, filled by the reading.
        lacking: required names without a value in open keys, each with a sample that fits its keys, filled by
            the reading.
        marks: the uses that stay.
    """

    site: bool = False
    bound: frozenset[str] = frozenset()
    samples: Mapping[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    lacking: dict[str, str] = field(default_factory=dict)
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

        return Interpolation(self.today(environment), self.marks, self.missing("", ()))

    def missing(self, text: str, path: Path) -> Callable[[Use], str]:
        """Return what stands for a required variable without a value in a text of an open key."""

        def sample(use: Use) -> str:
            fitting = sample_for(use.name, text, path)
            if self.lacking.get(use.name, ANY) == ANY:
                self.lacking[use.name] = fitting
            return fitting

        return sample

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
    mode: Mode

    @classmethod
    def of(cls, environment: Environment, mode: Mode) -> Values:
        """Return how the documents that see `environment` are resolved."""
        return cls(mode.open(environment), mode.closed(environment), mode)

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
        interpolation = self.closed
        if reason is None:
            interpolation = replace(self.open, missing=self.mode.missing(text, path))
        try:
            if _IMAGES.find(path):
                _check_image(text, interpolation)
            found = interpolation.text(text, where)
            cast = cast_of(path)
            return found if cast is None or has_mark(found) else cast(found)
        except ValueError as error:
            raise BundleError(
                tr(
                    "{where}: {path}: {text!r} is {error}",
                    where=where,
                    path=shown(path),
                    text=text,
                    error=error,
                ),
                hint=tr("write what Docker Compose takes there"),
            ) from error
        except BundleError as error:
            message = error.message.removeprefix(f"{where}: ")
            raise BundleError(f"{where}: {shown(path)}: {message}", hint=error.hint) from error


def _check_image(text: str, interpolation: Interpolation) -> None:
    """Refuse an image whose name lacks a part: Compose would go on with an empty text."""
    for piece in pieces(text):
        if isinstance(piece, Substitution) and not piece.operator and not interpolation.lookup(piece.name):
            raise BundleError(
                tr("${{{name}}} has no value", name=piece.name),
                hint=tr(
                    "set it in the profile under `settings: values: {{{name}: VALUE}}`, or in .env",
                    name=piece.name,
                ),
            )
