"""Applications mapped to a cluster: small ones from a Compose document, and the sample projects."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from bundler.api.application import ApplicationContext, ApplicationModel, ConfigFile
from bundler.api.compose import running
from bundler.api.output import ImageFacts, PinnedService
from bundler.api.variable import SiteVariable
from bundler.bundle.tar import Member
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler_compose.application import ComposeApplication
from bundler_compose.settings import ComposeSettings
from bundler_kubernetes.mapping import map_application
from bundler_kubernetes.objects import Mapped
from bundler_kubernetes.renderer import KubernetesRenderer
from tests.support import projects

AMD64 = Platform.parse("linux/amd64")
MAPPABLE = (
    "cache", "ci", "files", "forms", "gateway", "jobs", "ldap", "mail", "mqtt", "profiles", "replicas",
    "shop", "static", "tenants", "wiki",
)  # fmt: skip
"""Sample projects that a cluster can run."""


def application(
    compose: str,
    *,
    files: Sequence[ConfigFile] = (),
    secrets: Sequence[str] = (),
    variables: Sequence[str] = (),
    **more: Any,  # noqa: ANN401 other parts of a model
) -> ApplicationModel:
    """Return an application from a Compose document in YAML."""
    kinds = {**dict.fromkeys(variables, "string"), **dict.fromkeys(secrets, "secret")}
    declared = tuple(
        SiteVariable.model_validate({"name": name, "kind": kind}) for name, kind in kinds.items()
    )
    return ApplicationModel(
        name="shop", version="1.0", title="Shop", compose=yaml.safe_load(compose), files=tuple(files),
        variables=declared, **more,
    )  # fmt: skip


def pinned(model: ApplicationModel, facts: Mapping[str, ImageFacts] | None = None) -> list[PinnedService]:
    """Return the services with their images; `facts` are those of images by service."""
    known = facts or {}
    return [
        PinnedService(
            service.name,
            Reference.parse(service.image).tagged,
            platform=AMD64,
            facts=known.get(service.name),
        )
        for service, _ in running(model.compose)
    ]


def mapped(model: ApplicationModel, facts: Mapping[str, ImageFacts] | None = None) -> Mapped:
    """Return an application as objects."""
    return map_application(model, pinned(model, facts))


def find(found: Mapped, kind: str, name: str) -> dict[str, Any]:
    """Return an object."""
    [body] = [each.body for each in found.objects if (each.kind, each.name) == (kind, name)]
    return body


def pod(found: Mapped, name: str, kind: str = "Deployment") -> dict[str, Any]:
    """Return the pod of a Deployment or a Job."""
    spec: dict[str, Any] = find(found, kind, name)["spec"]["template"]["spec"]
    return spec


def container(found: Mapped, name: str, kind: str = "Deployment") -> dict[str, Any]:
    """Return the container of a Deployment or a Job."""
    [only] = pod(found, name, kind)["containers"]
    return dict(only)


def notes(found: Mapped) -> list[str]:
    """Return the report as lines."""
    return [f"{each.subject}: {each.key}: {each.text.format(**each.values)}" for each in found.notes]


def sample_model(name: str, folder: Path) -> ApplicationModel:
    """Return a sample project as `bundle init` and a build read it; `folder` is empty."""
    shutil.copytree(projects.FOLDER / name / "project", folder / "project", symlinks=True)
    written = ComposeApplication().init(folder / "project", folder).path
    settings = yaml.safe_load(written.read_text())["settings"]
    settings |= {"name": name, **(projects.Sample.read(name).site.get("settings") or {})}
    settings["project"] = folder / settings["project"]
    values = ComposeSettings.model_validate(settings, strict=False)
    return ComposeApplication().model(ApplicationContext(name, values, folder, "1.0", AMD64))


def manifests(model: ApplicationModel, facts: Mapping[str, ImageFacts] | None = None) -> list[Member]:
    """Return the files of the target kubernetes, without the chart."""
    members = KubernetesRenderer().render(model, pinned(model, facts))
    return [member for member in members if not member.path.startswith("kubernetes/chart/")]


@cache
def _schema(version: str, name: str) -> Any:  # noqa: ANN401 JSON
    folder = resources.files("kubernetes_validate") / f"kubernetes-json-schema/v{version}-local-strict"
    return json.loads((folder / f"{name}.json").read_text())


@cache
def _validator(version: str, name: str) -> Draft202012Validator:
    registry = Resource.from_contents(_schema(version, "_definitions")) @ Registry()
    return Draft202012Validator(_schema(version, name), registry=registry)


def check_object(body: Mapping[str, Any], version: str) -> None:
    """Check an object against the published schema of a version, which knows no other fields."""
    group, _, number = body["apiVersion"].rpartition("/")
    name = "-".join(filter(None, (body["kind"].lower(), group.partition(".")[0], number)))
    _validator(version, name).validate(body)


def filled(members: Sequence[Member]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the path of each manifest and its object, with values of a site."""
    values: dict[str, str] = {}
    for member in members:
        if member.path.endswith("variables.tsv"):
            for line in member.read().decode().splitlines()[1:]:
                name, kind, default, _ = line.split("\t")
                setting = kind not in {"variable", "secret", "expression"}
                values[name] = default if setting else "a value"
    numbers = {name: "8080" if value == "a value" else value for name, value in values.items()}
    for member in members:
        if member.path.endswith(".yaml"):
            text = re.sub(r": @@(\w+)@@\n", lambda found: f": {numbers[found[1]]}\n", member.read().decode())
            text = re.sub(r"@@(\w+)@@", lambda found: values[found[1]], text)
            yield member.path, yaml.safe_load(text)
