"""Converts Dify's settings to the application model of the API."""

from __future__ import annotations

from dataclasses import replace

from bundler.api.application import ApplicationContext, ApplicationModel, Requirement
from bundler.errors import BundleError
from bundler.language import tr
from bundler_dify.adopt import adoption
from bundler_dify.code_packages import package_files
from bundler_dify.config_files import config_files
from bundler_dify.document import certificates, compose_document, data_folders
from bundler_dify.in_cluster import in_cluster
from bundler_dify.lifecycle import lifecycle
from bundler_dify.offline_plugins import plugin_files, wheel_files
from bundler_dify.probes import probe_files, probes
from bundler_dify.secrets import site_variables
from bundler_dify.settings.model import DifySettings
from bundler_dify.settings.release import chosen_release

NAME = "dify"


def dify_model(context: ApplicationContext) -> ApplicationModel:
    """Apply all build-time settings: see `bundler.api.application.Application.model`."""
    settings = context.settings
    if not isinstance(settings, DifySettings):
        raise BundleError(tr("the settings are of {kind}, not of DifySettings", kind=type(settings).__name__))
    release = chosen_release(settings.version, settings.images)
    if context.version not in {None, release.version}:
        raise BundleError(
            tr(
                "the profile's version is {version}, but its settings' version is {own}",
                version=context.version,
                own=release.version,
            ),
            hint=tr("remove the profile's `version`: `settings: version:` decides"),
        )
    carried = plugin_files(settings, context)
    variables = site_variables(settings)
    folders = data_folders(settings)
    model = ApplicationModel(
        name=NAME,
        version=release.version,
        title="Dify",
        compose=compose_document(settings, release),
        files=(
            *config_files(settings, context.base),
            *wheel_files(settings, context),
            *package_files(settings, context),
        ),
        variables=variables,
        data=folders,
        certificates=certificates(settings),
        requirements=(
            Requirement("docker", minimum=release.docker),
            Requirement("compose", minimum=release.compose),
            *_search_requirements(settings),
        ),
        carried=(*carried, *probe_files()),
        lifecycle=lifecycle(settings),
        probes=probes(settings),
        adoption=adoption(settings, release, variables, folders),
    )
    return replace(model, in_cluster=in_cluster(model, settings))


def _search_requirements(settings: DifySettings) -> tuple[Requirement, ...]:
    """Return the kernel setting for Elasticsearch and OpenSearch, which map their files into memory.

    The number is from their documentation.
    """
    here = settings.vector_server.mode == "bundled"
    if here and settings.vector_store in {"elasticsearch", "opensearch"}:
        return (Requirement("sysctl:vm.max_map_count", recommended="262144"),)
    return ()
