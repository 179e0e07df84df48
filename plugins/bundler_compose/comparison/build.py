"""Compares the document of a bundle with the project, where this machine has Docker Compose."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from bundler.api.application import ApplicationModel
from bundler.api.templates.jinja import SUFFIX
from bundler.errors import BundleError
from bundler.language import tr, tr_later
from bundler_compose.comparison.documents import Difference, Intended, find_differences
from bundler_compose.comparison.program import Program, find_program
from bundler_compose.dumper import dump
from bundler_compose.reading import Project
from bundler_compose.secrets.project import Group
from bundler_compose.secrets.quoting import written_forms

How = Literal["auto", "require", "off"]
_MOST: Final = 10
_LONGEST: Final = 60
_OFF: Final = tr_later("`settings: compare: off` builds without the comparison")


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes:
        project: the project, as it was read.
        model: the application that was made of it.
        groups: its secrets; each has its value of today in the comparison.
        given: `settings: values`.
        images: `settings: images`.
    """

    project: Project
    model: ApplicationModel
    groups: Sequence[Group]
    given: Mapping[str, object]
    images: Mapping[str, str]


def compare(how: How, comparison: Comparison, program: Program | None = None) -> str | None:
    """Compare a bundle's document with what Docker Compose makes of the project.

    Args:
        how: `auto` compares where there is a Docker Compose, `require` needs one, `off` does nothing.
        comparison: what is compared.
        program: the Docker Compose; None to look for one.

    Returns:
        What came out, on one line; None where there is nothing to compare with.

    Raises:
        BundleError: they differ, or the project cannot be compared although it must.
    """
    if how == "off":
        return None
    if how == "auto" and program is None and (program := find_program()) is None:
        return None
    reason = None
    if any(path.suffix == SUFFIX for path in comparison.project.files):
        reason = tr("a Compose file is a template")
    elif (program := program or find_program()) is None:
        reason = tr("this machine has none")
    if program is None or reason is not None:
        if how == "require":
            raise BundleError(
                tr("cannot compare with Docker Compose: {reason}", reason=reason), hint=tr(_OFF)
            )
        return tr("not compared with Docker Compose: {reason}", reason=reason)
    differences = find_differences(
        project_document(program, comparison), bundle_document(program, comparison), intended(comparison)
    )
    if differences:
        values = [group.value for group in comparison.groups]
        shown = "; ".join(_show(difference, values) for difference in differences[:_MOST])
        more = tr("; and {count} more", count=len(differences) - _MOST) if len(differences) > _MOST else ""
        raise BundleError(
            tr(
                "the bundle's document differs from what Docker Compose {version} makes of the "
                "project: {shown}{more}",
                version=program.version,
                shown=shown,
                more=more,
            ),
            hint=tr("please report this; {remedy}", remedy=tr(_OFF)),
        )
    return tr(
        "the bundle's document is equal to what Docker Compose {version} makes of the project",
        version=program.version,
    )


def project_document(program: Program, comparison: Comparison) -> dict[str, Any]:
    """Return the project as Docker Compose resolves it."""
    project = comparison.project
    given = {name: str(value) for name, value in comparison.given.items()}
    values = {**project.samples, **project.above, **given, "COMPOSE_PROJECT_NAME": project.name}
    document = program.config(project.folder, project.main, values, sorted(project.profiles))
    spellings = _spellings(comparison.groups)
    return {key: _replaced(value, spellings) for key, value in document.items()}


def bundle_document(program: Program, comparison: Comparison) -> dict[str, Any]:
    """Return the bundle's document as Docker Compose resolves it where the site sets the values of today."""
    with tempfile.TemporaryDirectory(prefix="bundle-compare-") as name:
        folder = Path(name)
        (folder / "compose.yaml").write_text(dump(comparison.model.compose), "utf-8")
        values = {**values_of_today(comparison), "BUNDLE_DATA": f"{name}/data"}
        document = program.config(folder, [folder / "compose.yaml"], values)
    made = [(group, group.form.prefix + _generated(group) + group.form.suffix) for group in comparison.groups]
    changed = [(re.compile(re.escape(text)), group.value) for group, text in made if text != group.value]
    texts = [*changed, *_spellings(comparison.groups)]
    return {key: _replaced(value, texts) for key, value in document.items()}


def _generated(group: Group) -> str:
    """Return the part of a secret's value of today that a site generates."""
    return group.value[len(group.form.prefix) : len(group.value) - len(group.form.suffix)]


def _spellings(groups: Sequence[Group]) -> list[tuple[re.Pattern[str], str]]:
    """Return how secrets are written otherwise, and their values: what a site generates needs no escapes."""
    found = []
    for group in sorted(groups, key=lambda group: len(group.value), reverse=True):
        forms = sorted(map(re.escape, written_forms(group.value)), key=len, reverse=True)
        percent = "".join(_percent(char) for char in group.value)
        found.append((re.compile("|".join([*forms, percent])), group.value))
    return found


def _percent(char: str) -> str:
    """Return a pattern for a character, as it is or percent-encoded (RFC 3986 section 2.1)."""
    encoded = "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
    return f"(?:{re.escape(char)}|(?i:{encoded}))"


def _replaced(value: Any, texts: Sequence[tuple[re.Pattern[str], str]]) -> Any:  # noqa: ANN401 any JSON value
    """Return a value with texts replaced: spellings of secrets, and in base64 another end of them."""
    if isinstance(value, str):
        for pattern, text in texts:
            value = pattern.sub(text.replace("\\", r"\\"), value)
        return value
    if isinstance(value, dict):
        return {key: _replaced(item, texts) for key, item in value.items()}
    return [_replaced(item, texts) for item in value] if isinstance(value, list) else value


def values_of_today(comparison: Comparison) -> dict[str, str]:
    """Return the site variables with the values that the project has."""
    generated = {each.name: _generated(each) for each in comparison.groups}
    return {**comparison.project.values_of_today, **generated}


def intended(comparison: Comparison) -> Intended:
    """Return what differs by intention: paths of what the bundle carries, and names of images."""
    prefix = "volume "
    moved = [mount for mount in comparison.model.mounts if mount.kind != "host"]
    places = [(mount, (mount.service, PurePosixPath(mount.target).as_posix())) for mount in moved]
    return Intended(
        images={**_names(comparison.model.compose), **comparison.images},
        chosen=frozenset(comparison.images),
        mounts=frozenset(place for _, place in places),
        read_only=frozenset(place for mount, place in places if mount.read_only),
        volumes=frozenset(
            mount.service.removeprefix(prefix) for mount in moved if mount.service.startswith(prefix)
        ),
    )


def _names(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the image of each service: those that the project builds have got a name."""
    return {name: str(service.get("image")) for name, service in document["services"].items()}


def _show(difference: Difference, secrets: Collection[str]) -> str:
    return tr(
        "{key} is {value} in the project and {other} in the bundle",
        key=difference.key,
        value=_value(difference.project, secrets),
        other=_value(difference.bundle, secrets),
    )


def _value(value: object, secrets: Collection[str]) -> str:
    if value is None:
        return tr("missing")
    shown = repr(value)
    if any(secret and secret in shown for secret in secrets):
        return tr("a text with a secret")
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
