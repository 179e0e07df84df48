"""Converts a Compose project to the application model of the API."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from bundler.api.application import ApplicationContext, ApplicationModel
from bundler.api.compose import project_name
from bundler.api.templates.process import Templates
from bundler.api.variable import SiteVariable
from bundler.errors import BundleError
from bundler_compose.adopt import adoption
from bundler_compose.document import (
    find_compose_file,
    map_strings,
    read_document,
    read_text,
    select_services,
)
from bundler_compose.env_files import read_env_file
from bundler_compose.files import collect_files
from bundler_compose.interpolation import plain
from bundler_compose.lifecycle import bind_lifecycle
from bundler_compose.literals import (
    find_literals,
    generate_literals,
    refuse_literals,
)
from bundler_compose.mounts.carry import Carrier
from bundler_compose.mounts.project import Project
from bundler_compose.mounts.rules import Chosen, Rules
from bundler_compose.mounts.uses import version_floors
from bundler_compose.probes import bind_probes, probe_scripts
from bundler_compose.settings import ComposeSettings
from bundler_compose.steps import bind_images, normalise
from bundler_compose.variables import GENERATOR, find_variables


def compose_model(context: ApplicationContext) -> ApplicationModel:
    """Apply all build-time settings: see `bundler.api.application.Application.model`."""
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
        return _model(path, settings, templates, version)


def _model(path: Path, settings: ComposeSettings, templates: Templates, version: str) -> ApplicationModel:
    document = normalise(select_services(read_document(path, templates), settings.profiles))
    defaults = _read_defaults(document.folder)
    values = {**defaults, **{key: str(value) for key, value in templates.values.items()}}
    rules = _rules(settings)
    project = Project.of(document.folder, settings.root or ".", frozenset(rules.templates))
    carrier = Carrier(project, templates, rules)
    collected = collect_files(bind_images(document, values), carrier, values)
    document, files = document.with_data(collected.document), collected.files
    literals = find_literals(document, files)
    if settings.literal_secrets == "refuse":
        refuse_literals(literals)
    made: dict[str, SiteVariable] = {}
    if settings.literal_secrets == "generate":
        generated = generate_literals(document, files, literals)
        document, files = generated.document, generated.files
        made = {name: SiteVariable(name=name, kind="secret", generator=GENERATOR) for name in generated.names}
    others = {**find_variables(document, files, defaults), **made}
    declared = {variable.name: variable for variable in settings.variables}
    # the installer asks in the order of the profile, then for the other variables of the document
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
        initial=tuple(collected.initial[path] for path in sorted(collected.initial)),
        mounts=collected.mounts,
        requirements=version_floors(document.data),
    )


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
    carry: dict[str, Chosen] = dict.fromkeys(settings.data, "data")
    return Rules({**carry, **settings.carry}, settings.host_paths, settings.templates, formats)
