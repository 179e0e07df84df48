"""`bundle init --from compose.yaml`: writes a profile for an existing project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import yaml

from bundler.api.application import ApplicationContext, ApplicationModel, InitResult
from bundler.api.compose import project_name, services
from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler.image.oci import Platform
from bundler.image.reference import Reference
from bundler_compose.document import find_compose_file, read_document, select_services
from bundler_compose.settings import ComposeSettings

HEADER = """\
# Profile for `bundle build --profile {name}`. All keys: docs/reference/profile.md
"""


class Modeller(Protocol):
    """The only method of an application that is used here."""

    def model(self, context: ApplicationContext) -> ApplicationModel:
        """See `bundler.api.application.Application.model`."""


def init_profile(application: Modeller, source: Path, target: Path) -> InitResult:
    """Write `<target>/<project>.yaml` for the Compose project at `source`.

    Raises:
        BundleError: the project cannot be bundled, or the profile exists.
    """
    path = find_compose_file(source)
    with Templates({}) as templates:
        whole = read_document(path, templates)
    every = list(whole.data["services"].values())
    document = select_services(whole, ())
    name = project_name(document.data, path.parent.resolve().name)
    profile = target / f"{name}.yaml"
    if profile.exists():
        raise BundleError(f"{profile}: already exists", hint="remove it, or choose another folder with --to")
    settings: dict[str, object] = {"project": _relative(source, target)}
    notes = []
    profiles = sorted({word for entry in every for word in entry.get("profiles") or ()})
    if profiles:
        notes.append(
            f"the Compose profiles {', '.join(profiles)} are not enabled; enable them with `settings:"
            " profiles`"
        )
    override = next(path.parent.glob("*compose.override.y*ml"), None)
    if override:
        notes.append(
            f"{override.name} is not read; if you need it, bundle the output of `docker compose config`"
        )
    model = _try(application, path, "refuse")
    if isinstance(model, BundleError):
        settings["literal_secrets"] = "generate"
        model = _try(application, path, "generate")
        if isinstance(model, BundleError):
            raise model
        notes.append("passwords in the project become secrets that each site generates")
    for variable in model.variables:
        if variable.kind == "secret":
            notes.append(f"{variable.name}: a secret, generated at the site")
        elif variable.required:
            notes.append(f"{variable.name}: the installer asks for it")
        else:
            notes.append(
                f"{variable.name}: {variable.default or 'empty'} unless the operator sets another value"
            )
    notes += [f"{folder.path}: data, below <root>/data at the site" for folder in model.data]
    images = tuple(sorted({Reference.parse(service.image).familiar for service in services(model.compose)}))
    content = {
        "description": f"The Compose project {name}",
        "application": "compose",
        "version": "1.0",
        "sources": ["registry", "docker"],
        "settings": settings,
        "requirements": {"docker": {"minimum": "20.10"}, "compose": {"minimum": "2.20"}},
    }
    target.mkdir(parents=True, exist_ok=True)
    text = HEADER.format(name=name) + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    with profile.open("x", encoding="utf-8") as file:
        file.write(text)
    return InitResult(profile, images, tuple(notes))


def _try(application: Modeller, path: Path, secrets: str) -> ApplicationModel | BundleError:
    settings = ComposeSettings.model_validate({"project": path.resolve(), "literal_secrets": secrets})
    context = ApplicationContext("init", settings, path.parent, "1.0", Platform.parse("linux/amd64"))
    try:
        return application.model(context)
    except BundleError as error:
        return error


def _relative(source: Path, target: Path) -> str:
    return os.path.relpath(source.resolve(), target.resolve())
