"""Compares the two readings of a project: with the values of today, that for the site must be that of today.

Where it is not, a variable decides about more than the text in which it stands: it is a part of a key, or has
several parts of a short form. Such a variable is bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bundler.errors import BundleError
from bundler_compose.reading.casts import cast_of
from bundler_compose.reading.mount_forms import parse_port
from bundler_compose.reading.tree import ITEM, Path, Patterns, go_text
from bundler_compose.site_text import Marks, has_mark

_PASSED = Patterns({"services.*.environment.*": True, "services.*.pre_start.*.environment.*": True})
"""Names without a value there have it at the site from the variable of the same name."""
_PORTS = Patterns({"services.*.ports": True})


@dataclass(frozen=True)
class Difference:
    """A place where the readings differ.

    Attributes:
        keys: of the value.
        names: variables that the site's value has: in its keys, or else in it.
    """

    keys: tuple[str | int, ...]
    names: frozenset[str]


@dataclass(frozen=True)
class Comparison:
    """Compares readings.

    Attributes:
        marks: of the reading for the site.
        today: value of a variable today.
    """

    marks: Marks
    today: Callable[[str], str | None]

    def differences(self, today: Mapping[str, Any], site: Mapping[str, Any]) -> list[Difference]:
        """Return where `site`, with the values of today, is another document than `today`."""
        return list(self._compare(today, site, (), ()))

    def _compare(
        self,
        today: Any,  # noqa: ANN401 any YAML values
        site: Any,  # noqa: ANN401 likewise
        path: Path,
        keys: tuple[str | int, ...],
    ) -> Iterator[Difference]:
        if isinstance(today, Mapping) and isinstance(site, Mapping):
            if set(today) != set(site):
                other = {key: site[key] for key in set(site) - set(today)}
                in_keys = frozenset(self._names(list(other)))
                yield Difference(keys, in_keys or frozenset(self._names(other)))
            for key in today:
                if key in site:
                    yield from self._compare(today[key], site[key], (*path, key), (*keys, key))
        elif isinstance(today, list) and isinstance(site, list):
            items = self._divided(site) if _PORTS.find(path) else site
            if len(items) != len(today):
                yield Difference(keys, frozenset(self._names(site)))
            else:
                for index, (one, other) in enumerate(zip(today, items, strict=True)):
                    yield from self._compare(one, other, (*path, ITEM), (*keys, index))
        elif not self._is_same(today, site, path):
            yield Difference(keys, frozenset(self._names(site)))

    def _is_same(self, today: Any, site: Any, path: Path) -> bool:  # noqa: ANN401 likewise
        if site is None and _PASSED.find(path):
            return True
        if not isinstance(site, str) or not has_mark(site):
            return bool(today == site)
        text = self._bound(site)
        if isinstance(today, str):
            return today == text
        cast = cast_of(path)
        try:
            return bool((cast(text) if cast else text) == (today if cast else go_text(today)))
        except ValueError:
            return False

    def _divided(self, ports: list[Any]) -> list[Any]:
        """Return published ports with those that only the site can divide as today's values divide them."""
        found: list[Any] = []
        for port in ports:
            parts: list[Any] | None = None
            if isinstance(port, str):
                try:
                    parts = list(parse_port(self._bound(port)) or ())
                except BundleError:
                    parts = None
            found += [port] if parts is None else parts
        return found

    def _bound(self, text: str) -> str:
        values = {
            use.name: value for use in self.marks.uses(text) if (value := self.today(use.name)) is not None
        }
        return self.marks.bind(text, values)

    def _names(self, value: Any) -> Iterator[str]:  # noqa: ANN401 likewise
        if isinstance(value, str):
            yield from (use.name for use in self.marks.uses(value))
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield from self._names(key)
                yield from self._names(item)
        elif isinstance(value, list):
            for item in value:
                yield from self._names(item)
