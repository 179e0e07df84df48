"""The application `compose`: a Compose project as the neutral model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from pydantic import BaseModel

from bundler.api.application import ApplicationContext, ApplicationModel, ConfigFile, InitResult, SiteVariable
from bundler.api.compose import ports, project_name
from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler_compose.adopt import adoption
from bundler_compose.document import (
    Document,
    find_compose_file,
    map_strings,
    read_document,
    read_text,
    select_services,
)
from bundler_compose.env_files import read_env_file
from bundler_compose.files import Rules, collect_files
from bundler_compose.initialise import init_profile
from bundler_compose.interpolation import Use, plain, uses
from bundler_compose.lifecycle import bind_lifecycle
from bundler_compose.literals import (
    env_file_paths,
    find_literals,
    generate_literals,
    is_secret_name,
    refuse_literals,
)
from bundler_compose.probes import bind_probes, probe_scripts
from bundler_compose.settings import ComposeSettings
from bundler_compose.steps import bind_images, normalise

GENERATOR: Final = "random:32"
"""190 bits, of characters that need no quoting anywhere."""
_BRACED: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")


class ComposeApplication:
    """Any project that Docker Compose runs."""

    name = "compose"
    settings_model: type[BaseModel] = ComposeSettings

    def model(self, context: ApplicationContext) -> ApplicationModel:
        """See `bundler.api.application.Application.model`."""
        settings = cast("ComposeSettings", context.settings)
        path = find_compose_file(context.base / settings.project)
        version = context.version or "1"
        values = {
            **settings.values,
            "profile": context.profile,
            "platform": str(context.platform),
            "version": version,
        }
        with Templates(values) as templates:
            return self._model(path, settings, templates, version)

    @staticmethod
    def _model(path: Path, settings: ComposeSettings, templates: Templates, version: str) -> ApplicationModel:
        document = normalise(select_services(read_document(path, templates), settings.profiles))
        defaults = _read_defaults(document.folder)
        values = {**defaults, **{key: str(value) for key, value in templates.values.items()}}
        collected = collect_files(bind_images(document, values), templates, _rules(settings))
        document, files = collected.document, collected.files
        literals = find_literals(document, files)
        if settings.literal_secrets == "refuse":
            refuse_literals(literals)
        made: dict[str, SiteVariable] = {}
        if settings.literal_secrets == "generate":
            generated = generate_literals(document, files, literals)
            document, files = generated.document, generated.files
            made = {name: SiteVariable(name, "secret", generator=GENERATOR) for name in generated.names}
        others = {**_find_variables(document, files, defaults), **made}
        declared = {variable.name: variable.to_variable() for variable in settings.variables}
        # the operator is asked in the order of the profile, then for what the document has besides
        variables = [*declared.values(), *(others[name] for name in sorted(others) if name not in declared)]
        name = settings.name or project_name(document.data, document.folder.resolve().name)
        lifecycle = bind_lifecycle(settings.lifecycle, document.data, collected.data)
        compose = map_strings(document.data, plain)
        return ApplicationModel(
            name=name,
            version=version,
            title=settings.title or name,
            compose=compose,
            files=tuple(files[path] for path in sorted(files)),
            variables=tuple(variables),
            data=tuple(collected.data[path] for path in sorted(collected.data)),
            carried=tuple(probe_scripts(settings.probes, document.folder)),
            probes=bind_probes(settings.probes, document.data, [variable.name for variable in variables]),
            lifecycle=lifecycle,
            adoption=adoption(compose, variables, lifecycle),
        )

    def init(self, source: Path, target: Path) -> InitResult:
        """See `bundler.api.application.Initializer.init`."""
        return init_profile(self, source, target)


def _read_defaults(folder: Path) -> dict[str, str]:
    path = folder / ".env"
    if not path.is_file():
        return {}
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleError(
            f"{path}: a link that leaves the project's folder",
            hint="put the file itself there: its values travel in the bundle",
        )
    return read_env_file(read_text(path), ".env")


def _rules(settings: ComposeSettings) -> Rules:
    formats = {
        given if isinstance(given, str) else given.path: None if isinstance(given, str) else given.format
        for given in settings.site_templates
    }
    return Rules(frozenset(settings.data), frozenset(settings.host_paths), formats)


def _find_variables(
    document: Document, files: Mapping[str, ConfigFile], defaults: Mapping[str, str]
) -> dict[str, SiteVariable]:
    """Every `${NAME}` that the document and its `env_file`s use, as a site variable."""
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
            found[use.name] = SiteVariable(use.name, "secret", generator=GENERATOR)
            continue
        optional = default is not None or use.operator[-1:] in {"-", "+"}
        found[use.name] = SiteVariable(
            use.name,
            "port" if f"${{{use.name}}}" in published else "string",
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
