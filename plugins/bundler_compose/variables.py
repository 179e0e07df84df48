"""Finds the values that a project leaves to the site: each `${NAME}` that it uses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bundler.api.application import ConfigFile
from bundler.api.compose import ports
from bundler.api.variable import SiteVariable
from bundler.errors import BundleError
from bundler_compose.document import Document
from bundler_compose.interpolation import Use, uses
from bundler_compose.literals import env_file_paths, is_secret_name

GENERATOR: Final = "random:32"
"""Generator of secrets: 190 bits, with characters that require no quoting anywhere."""
_BRACED: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")


def find_variables(
    document: Document, files: Mapping[str, ConfigFile], defaults: Mapping[str, str]
) -> dict[str, SiteVariable]:
    """Return each `${NAME}` that the document and its `env_file`s use, as a site variable."""
    published = {port.port for port in ports(document.data)}
    found: dict[str, SiteVariable] = {}
    for use in _uses(document, files):
        if use.name.startswith("BUNDLE_"):
            continue
        known = found.get(use.name)
        default = defaults.get(use.name)
        if default is None and use.operator[-1:] == "-" and "$" not in use.word:
            default = use.word
        if known is not None and (known.default is not None or default is None):
            continue
        if is_secret_name(use.name):
            found[use.name] = SiteVariable(name=use.name, kind="secret", generator=GENERATOR)
            continue
        optional = default is not None or use.operator[-1:] in {"-", "+"}
        found[use.name] = SiteVariable(
            name=use.name,
            kind="port" if f"${{{use.name}}}" in published else "string",
            default=default or None,
            required=not optional,
        )
    return found


def _uses(document: Document, files: Mapping[str, ConfigFile]) -> Iterator[Use]:
    yield from _uses_below(document, document.data, ())
    for kind in ("configs", "secrets"):
        for entry in (document.data.get(kind) or {}).values():
            if isinstance(entry, dict) and isinstance(entry.get("environment"), str):
                yield Use(entry["environment"], "", "", "")
    for path in sorted(env_file_paths(document)):
        for name in _BRACED.findall(files[path].read().decode()):
            yield Use(name, "", "", "")


def _uses_below(document: Document, value: Any, keys: tuple[str | int, ...]) -> Iterator[Use]:  # noqa: ANN401
    if isinstance(value, str):
        try:
            yield from uses(value)
        except BundleError as error:
            raise BundleError(f"{document.at(*keys)}: {error.message}", hint=error.hint) from error
        except RecursionError as error:
            raise BundleError(
                f"{document.at(*keys)}: `${{...}}` is nested too deeply", hint="nest fewer defaults"
            ) from error
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _uses_below(document, item, (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _uses_below(document, item, (*keys, index))
