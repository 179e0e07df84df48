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
from bundler_compose.files import Carrier
from bundler_compose.initialise import init_profile
from bundler_compose.interpolation import Use, bind, plain, uses
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
        values = templates.values
        document = select_services(read_document(path, templates), settings.profiles)
        defaults = _read_defaults(document.folder)
        _normalise(document)
        _bind_images(document, {**defaults, **{k: str(v) for k, v in values.items()}})
        carrier = Carrier(
            document,
            templates,
            data_folders=frozenset(settings.data),
            host_paths=frozenset(settings.host_paths),
            site_templates={
                given if isinstance(given, str) else given.path: None
                if isinstance(given, str)
                else given.format
                for given in settings.site_templates
            },
        )
        carrier.collect()
        literals = find_literals(document, carrier.files)
        if settings.literal_secrets == "refuse":
            refuse_literals(literals)
        generated: set[str] = set()
        if settings.literal_secrets == "generate":
            generated = generate_literals(document, carrier.files, literals)
        found = _find_variables(document, carrier.files, defaults)
        declared = {variable.name: variable.to_variable() for variable in settings.variables}
        made = {name: SiteVariable(name, "secret", generator=GENERATOR) for name in generated}
        others = {**found, **made}
        # the operator is asked in the order of the profile, then for what the document has besides
        variables = [*declared.values(), *(others[name] for name in sorted(others) if name not in declared)]
        name = settings.name or project_name(document.data, document.folder.resolve().name)
        lifecycle = bind_lifecycle(settings.lifecycle, document.data, carrier.data)
        compose = map_strings(document.data, plain)
        return ApplicationModel(
            name=name,
            version=version,
            title=settings.title or name,
            compose=compose,
            files=tuple(carrier.files[path] for path in sorted(carrier.files)),
            variables=tuple(variables),
            data=tuple(carrier.data[path] for path in sorted(carrier.data)),
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


def _normalise(document: Document) -> None:
    """One form for `environment`: a mapping; a name without a value is one of the site."""
    for name, service in document.data["services"].items():
        environment = service.get("environment")
        if environment is None:
            continue
        if isinstance(environment, list):
            pairs = [str(item).partition("=") for item in environment]
            environment = {key: value if equals else None for key, equals, value in pairs}
        if not isinstance(environment, dict):
            where = document.at("services", name, "environment")
            raise BundleError(f"{where}: must be a mapping or a list")
        service["environment"] = {
            key: f"${{{key}}}" if value is None else value for key, value in environment.items()
        }


def _bind_images(document: Document, values: Mapping[str, str]) -> None:
    """Image references are needed now: their variables are not the site's to choose."""
    for name, service in document.data["services"].items():
        where = document.at("services", name, "image")

        def missing(use: Use, where: str = where) -> str:
            raise BundleError(
                f"{where}: ${{{use.name}}} has no value",
                hint=f"give it in the profile under `settings: values: {{{use.name}: ...}}`, or in .env",
            )

        try:
            service["image"] = bind(str(service["image"]), values, missing)
        except BundleError as error:
            if error.message.startswith(where):
                raise
            raise BundleError(f"{where}: {error.message}", hint=error.hint) from error


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
