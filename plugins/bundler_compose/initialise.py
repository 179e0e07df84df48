"""`bundle init --from compose.yaml`: writes a profile for an existing project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from bundler.api.application import ApplicationContext, InitResult
from bundler.api.compose import normalise_name, other_images, running
from bundler.api.templates.jinja import SUFFIX
from bundler.api.templates.process import Templates
from bundler.api.variable import SiteVariable
from bundler.errors import BundleError
from bundler.image.platform import Platform
from bundler.image.reference import Reference
from bundler.language import tr, tr_later
from bundler_compose.model import Prepared, prepare
from bundler_compose.reading.files import find_compose_file, find_override, read_text
from bundler_compose.reading.project import Source, find_files
from bundler_compose.reading.source import read_sources
from bundler_compose.secrets.decisions import UndecidedError
from bundler_compose.settings import ComposeSettings
from bundler_compose.undecided import Decision, add_setting, comment, decisions_of

_MOST: Final = 200
"""Maximum number of attempts to find everything that must be decided."""


@dataclass
class _Trial:
    """Attempts to model a project, each with one more decision.

    Attributes:
        settings: settings of the profile.
        decisions: what the profile must decide, in the order in which it was found.
        prepared: the model with all of these decisions; None if none made one.
    """

    settings: dict[str, Any]
    decisions: list[Decision] = field(default_factory=list)
    prepared: Prepared | None = None


def init_profile(source: Path, target: Path) -> InitResult:
    """Write `<target>/<project>.yaml` for the Compose project at `source`.

    What must be decided stands in the profile as commented keys, each with the reason.

    Raises:
        BundleError: there is no Compose file, or the profile exists.
    """
    path = _first_file(source)
    _check_file(path)
    name = normalise_name(path.parent.resolve().name) or "application"
    trial = _try_all(source, path, name)
    prepared = trial.prepared
    name = prepared.model.name if prepared else name
    profile = target / f"{name}.yaml"
    if profile.exists():
        raise BundleError(
            tr("{profile}: already exists", profile=profile),
            hint=tr("remove it, or choose another folder with --to"),
        )
    content = {
        "description": tr("The Compose project {name}", name=name),
        "application": "compose",
        "version": "1.0",
        "sources": ["registry", "docker"],
        "requirements": {"docker": {"minimum": "20.10"}, "compose": {"minimum": "2.20"}},
        "settings": {"project": os.path.relpath(source.resolve(), target.resolve()), **trial.settings},
    }
    target.mkdir(parents=True, exist_ok=True)
    head = tr("Profile for `bundle build --profile {name}`. All keys: docs/reference/profile.md", name=name)
    text = f"# {head}\n" + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    with profile.open("x", encoding="utf-8") as file:
        file.write(text + comment(trial.decisions))
    notes = [tr("to be decided: {reason}", reason=decision.reason) for decision in trial.decisions]
    if prepared is None:
        return InitResult(profile, (), tuple(notes))
    images = {
        Reference.parse(image).familiar
        for service, entry in running(prepared.model.compose)
        for image in (service.image, *other_images(entry))
    }
    return InitResult(profile, tuple(sorted(images)), (*notes, *_notes(prepared, is_file=source.is_file())))


def _first_file(source: Path) -> Path:
    """Return the first Compose file of a project.

    Raises:
        BundleError: there is none. What is wrong with `.env` is said in the profile.
    """
    try:
        with Templates({}) as templates:
            return find_files(Source(source), templates).files[0]
    except BundleError:
        return find_compose_file(source)


def _check_file(path: Path) -> None:
    """Refuse a file that is no Compose file at all, for which no setting of a profile helps.

    Raises:
        BundleError: it is no YAML, no mapping, or has neither services nor includes.
    """
    if path.suffix == SUFFIX:
        return
    documents = read_sources(read_text(path), path.name)
    if not any(set(document.data) & {"services", "include"} for document in documents):
        raise BundleError(tr("{name}: no `services:`", name=path.name), hint=tr("is this a Compose file?"))


def _try_all(source: Path, path: Path, name: str) -> _Trial:
    """Model the project, and with each error try what its remedy says, to find everything to be decided."""
    trial = _Trial({})
    assumed: dict[str, Any] = {}
    for _ in range(_MOST):
        try:
            trial.prepared = _prepare(source, path, {**trial.settings, **assumed})
        except BundleError as error:
            if _is_plain(error) and "literal_secrets" not in trial.settings:
                trial.settings["literal_secrets"] = "generate"
                continue
            found = list(decisions_of(error, name))
            trial.decisions += found
            changes = [
                add_setting(assumed, key, value) for one in found for key, value in one.settings.items()
            ]
            if not any(changes):
                break
        else:
            break
    return trial


def _is_plain(error: BundleError) -> bool:
    """Whether secrets in plain text are refused, which become secrets of the site."""
    return isinstance(error, UndecidedError) and any(problem.is_plain for problem in error.problems)


def _prepare(source: Path, path: Path, settings: dict[str, Any]) -> Prepared:
    values = ComposeSettings.model_validate({"project": source.resolve(), **settings}, strict=False)
    return prepare(ApplicationContext("init", values, path.parent, "1.0", Platform.parse("linux/amd64")))


def _notes(prepared: Prepared, *, is_file: bool) -> Iterator[str]:
    """Yield what was decided without asking: Compose profiles, secrets, variables, and mounts."""
    folder = prepared.reading.folder
    override = find_override(folder) if is_file else None
    if override is not None and override not in prepared.reading.files:
        yield tr(
            "{file} is not read: the profile names one Compose file; name the folder instead",
            file=override.name,
        )
    reading = prepared.reading
    left_out = sorted(
        {each for name, own in reading.every.items() if name not in reading.data["services"] for each in own}
    )
    if left_out:
        shown = ", ".join(left_out)
        yield tr(
            "the Compose profiles {names} are not enabled; enable them with `settings: profiles`", names=shown
        )
    groups = {group.name: group for group in prepared.groups}
    for group in prepared.groups:
        yield tr("{name}: a secret, {origin}, for", name=group.name, origin=tr(_ORIGINS[group.kind]))
        for place in group.places:
            yield f"    {place}"
    for variable in prepared.model.variables:
        if variable.name not in groups:
            yield tr("{name}: {text}", name=variable.name, text=_origin(variable))
    for mount in dict.fromkeys((mount.source, mount.kind) for mount in prepared.model.mounts):
        yield tr("{name}: {text}", name=mount[0], text=tr(_KINDS[mount[1]]))


def _origin(variable: SiteVariable) -> str:
    """Return where the value of a variable comes from."""
    if variable.kind == "secret" and variable.generator:
        return tr("a secret, generated at each site")
    if variable.required:
        return tr("the installer asks for it")
    unset = variable.lacking == "unset"
    if variable.kind == "secret":
        return tr(
            "a secret that is not required, {lacking} unless the operator sets it; "
            "`settings: secrets: {{{name}: generate}}` makes one at each site",
            lacking=tr("not set") if unset else tr("empty"),
            name=variable.name,
        )
    value = variable.default or variable.default_is
    if not value and unset:
        return tr("not set unless the operator sets a value")
    return tr("{value} unless the operator sets another value", value=value or tr("empty"))


_KINDS: Final = {
    "configuration": tr_later("configuration, which travels in the bundle"),
    "data": tr_later("data, below <root>/data at the site"),
    "initial": tr_later("data with initial content, which is copied to <root>/data once"),
    "host": tr_later("a path of the server"),
}
_ORIGINS: Final = {
    "generate": tr_later("generated at each site"),
    "ask": tr_later("the installer asks for it"),
    "carry": tr_later("carried in the bundle"),
}
