"""What a profile must decide before a project can be bundled, as commented keys of its `settings`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.secrets.decisions import UndecidedError, preferred

_SUGGESTED: Final = re.compile(r"`settings: ([a-z_]+): ([^`]+)`")
_COMMENT: Final = "  # "


@dataclass(frozen=True)
class Decision:
    """One thing to decide.

    Attributes:
        reason: what is wrong, with its place.
        remedy: what to do about it, in words; empty where the choices say it.
        settings: a setting that decides it, by key; empty if only the project can be changed.
        choices: values of the setting, each with what it means.
    """

    reason: str
    remedy: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)


def decisions_of(error: BundleError, project: str) -> Iterator[Decision]:
    """Yield what an error of a build says that the profile must decide.

    Args:
        error: the error.
        project: name of the project. Compose names the images that it builds PROJECT-SERVICE.
    """
    if not isinstance(error, UndecidedError):
        settings = dict(_suggestions(error.hint or ""))
        if isinstance(settings.get("images"), dict):
            settings["images"] = {service: f"{project}-{service}" for service in settings["images"]}
        yield Decision(error.message, error.hint or "", settings)
        return
    for problem in error.problems:
        reason = f"{problem.where}: {problem.message}"
        value: Any = {problem.name: preferred(problem)}
        if problem.setting == "site_templates":
            value = [problem.name]
        yield Decision(reason, "", {problem.setting: value}, problem.choices)


def _suggestions(hint: str) -> Iterator[tuple[str, Any]]:
    """Yield the first setting that a hint names with a value; one with a gap such as `...` has none."""
    for key, text in _SUGGESTED.findall(hint):
        if "..." in text:
            continue
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            continue
        yield key, value
        return


def add_setting(settings: dict[str, Any], key: str, value: Any) -> bool:  # noqa: ANN401 any YAML value
    """Add a value to settings: items to a list, names to a mapping; return whether that changed anything."""
    known = settings.get(key)
    if isinstance(value, dict):
        merged: Any = {**(known or {}), **value}
    elif isinstance(value, list):
        merged = list(dict.fromkeys([*(known or ()), *value]))
    else:
        merged = value
    settings[key] = merged
    return bool(merged != known)


def comment(decisions: Iterable[Decision]) -> str:
    """Return the decisions as commented lines for the end of `settings:`, the keys of each once."""
    open_keys: dict[str, list[str]] = {}
    lines: list[str] = []
    for decision in decisions:
        about = [*_wrapped(decision.reason), *_wrapped(decision.remedy, "  ")]
        about += [f"  {choice}: {meaning}" for choice, meaning in decision.choices.items()]
        if not decision.settings:
            lines += [f"{_COMMENT}# {line}" for line in about]
        for key, value in decision.settings.items():
            open_keys.setdefault(key, []).extend(f"{_COMMENT}  # {line}" for line in about)
            open_keys[key] += [f"{_COMMENT}  {line}" for line in _dumped(value)]
    for key, below in open_keys.items():
        lines += [f"{_COMMENT}{key}:", *below]
    if not lines:
        return ""
    head = tr(
        "To be decided: `bundle build` stops until each of these keys is set, or the project is changed."
    )
    return "\n".join([_COMMENT + head, *lines]) + "\n"


def _dumped(value: Any) -> list[str]:  # noqa: ANN401 any YAML value
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
    return text.removesuffix("...\n").splitlines()


def _wrapped(text: str, indent: str = "") -> list[str]:
    return [indent + line for line in text.splitlines()]
