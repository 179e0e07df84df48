"""Converts a Compose project to the application model of the API.

`reading` reads it; `mounts` says what travels and where it lies; `secrets` puts site variables in the places
of passwords; `site_variables` finds the values that the site may set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from bundler.api.application import ApplicationContext, ApplicationModel, ConfigFile
from bundler.api.templates.process import Templates
from bundler.api.variable import SiteVariable
from bundler_compose.adopt import adoption
from bundler_compose.comparison.build import Comparison, compare
from bundler_compose.keys.checks import check_fates, check_images, check_keys, key_requirements
from bundler_compose.lifecycle import bind_lifecycle
from bundler_compose.mounts.carry import Carrier
from bundler_compose.mounts.collect import Collected, Texts, collect_mounts
from bundler_compose.mounts.project import Project as Files
from bundler_compose.mounts.rules import Chosen, Rules
from bundler_compose.probes import bind_probes, probe_scripts
from bundler_compose.reading import Project, Source, read_project
from bundler_compose.reading.environment import is_reserved
from bundler_compose.secrets.decisions import refuse_undecided
from bundler_compose.secrets.follow import Followed, follow_secrets
from bundler_compose.secrets.project import CARRY, PUBLIC, Group
from bundler_compose.secrets.protect import check_protected
from bundler_compose.secrets.reading import project_of, rules_of
from bundler_compose.secrets.search import known_words
from bundler_compose.settings import ComposeSettings
from bundler_compose.site_text import Use
from bundler_compose.site_variables import find_site_variables

DATA: Final = Use("BUNDLE_DATA")
"""Folder `<root>/data`: the installer sets this variable."""


@dataclass(frozen=True)
class Prepared:
    """A model, and what `bundle init` tells about it.

    Attributes:
        model: the application.
        groups: the secrets, each with its places.
        reading: the project as it was read for the site.
    """

    model: ApplicationModel
    groups: tuple[Group, ...]
    reading: Project


def compose_model(context: ApplicationContext) -> ApplicationModel:
    """Apply all build-time settings: see `bundler.api.application.Application.model`."""
    prepared = prepare(context)
    settings = cast("ComposeSettings", context.settings)
    made = Comparison(prepared.reading, prepared.model, prepared.groups, settings.values, settings.images)
    remark = compare(settings.compare, made)
    return replace(prepared.model, remarks=(remark,) if remark else ())


def prepare(context: ApplicationContext) -> Prepared:
    """Read a project and make its model.

    Raises:
        BundleError: it cannot be bundled as it is; with file, line and remedy.
    """
    settings = cast("ComposeSettings", context.settings)
    version = context.version or "1"
    values = {
        **settings.values,
        "profile": context.profile,
        "platform": str(context.platform),
        "version": version,
    }
    source = Source(
        path=context.base / settings.project,
        above=settings.root or ".",
        files=settings.files,
        given=settings.values,
        profiles=settings.profiles,
        images=settings.images,
        name=settings.name or "",
        check=check_keys,
    )
    with Templates(values) as templates:
        readings = read_project(source, templates)
        site = readings.site
        check_fates(site.data, site.at)
        check_images(site.data, site.at)
        collected = _collect(site, settings, templates)
        rules = rules_of(settings.literal_secrets, settings.secrets, settings.carry, settings.variables)
        searched = project_of(site, collected.document, collected.files, rules)
        followed = follow_secrets(searched)
        refuse_undecided(followed.problems)
    model = _model(site, collected, followed, settings, version)
    check_protected(model, followed.groups, known_words(searched), searched.at)
    return Prepared(model, followed.groups, site)


def _collect(site: Project, settings: ComposeSettings, templates: Templates) -> Collected:
    rules = _rules(settings)
    files = Files.of(site.folder, settings.root or ".", frozenset(rules.templates))
    values = site.values_of_today
    texts = Texts(
        at=lambda keys: site.at(*keys),
        today=lambda text: site.marks.bind(text, values),
        data=site.marks.mark(DATA),
        show=site.marks.render,
    )
    return collect_mounts(site.data, Carrier(files, templates, rules), texts)


def _rules(settings: ComposeSettings) -> Rules:
    formats = {
        given if isinstance(given, str) else given.path: None if isinstance(given, str) else given.format
        for given in settings.site_templates
    }
    carry: dict[str, Chosen] = dict.fromkeys(settings.data, "data")
    site_secrets = {name for name, how in settings.secrets.items() if how not in {CARRY, PUBLIC}}
    chosen = {**carry, **settings.carry}
    return Rules(chosen, settings.host_paths, settings.templates, formats, site_secrets)


def _model(
    site: Project, collected: Collected, followed: Followed, settings: ComposeSettings, version: str
) -> ApplicationModel:
    variables = _variables(site, followed, settings.variables)
    name = settings.name or site.name
    compose = render_marks(followed.document, site)
    lifecycle = bind_lifecycle(settings.lifecycle, compose, collected.data)
    files: Mapping[str, ConfigFile] = followed.files
    return ApplicationModel(
        name=name,
        version=version,
        title=settings.title or name,
        compose=compose,
        files=tuple(files[path] for path in sorted(files)),
        variables=tuple(variables),
        data=tuple(collected.data[path] for path in sorted(collected.data)),
        requirements=tuple(key_requirements(compose)),
        carried=tuple(probe_scripts(settings.probes, site.folder)),
        probes=bind_probes(settings.probes, compose, [variable.name for variable in variables]),
        lifecycle=lifecycle,
        adoption=adoption(compose, variables, lifecycle),
        initial=tuple(collected.initial[path] for path in sorted(collected.initial)),
        mounts=collected.mounts,
    )


def _variables(site: Project, followed: Followed, declared: Sequence[SiteVariable]) -> list[SiteVariable]:
    """Return the site variables: those of the profile in its order, then the others as they are used."""
    found = find_site_variables(followed.document, site.marks, site.environment, followed.variables)
    known = {variable.name for variable in declared}
    others = dict(found)
    for name, secret in followed.variables.items():
        use = found.get(name)
        kept = {"prompt": use.prompt, "unset": use.unset and secret.generator is None} if use else {}
        others[name] = secret.model_copy(update=kept)
    return [
        *declared,
        *(variable for name, variable in others.items() if name not in known and not is_reserved(name)),
    ]


def render_marks(value: Any, site: Project) -> Any:  # noqa: ANN401 any YAML value
    """Return a document in which marks are `${NAME}`, and each other `$` is `$$`."""
    if isinstance(value, str):
        return site.marks.render(value)
    if isinstance(value, Mapping):
        return {key: render_marks(item, site) for key, item in value.items()}
    return [render_marks(item, site) for item in value] if isinstance(value, list) else value
