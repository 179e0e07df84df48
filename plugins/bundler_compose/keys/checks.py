"""Checks a document against the table of keys: unknown ones, those that cannot travel, needed versions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from bundler.api.application import Requirement
from bundler.errors import BundleError, did_you_mean
from bundler.image.reference import Reference
from bundler.language import tr
from bundler.profile.values import version_key
from bundler_compose.keys.document import TOP
from bundler_compose.keys.model import Fate, Key, Level
from bundler_compose.keys.texts import NOTES

_NAME: Final = re.compile(r"[a-zA-Z0-9._-]+")
"""Names of services, networks and so on. Source: compose-spec.json, `patternProperties`."""
Path = tuple[str | int, ...]


class Place(Protocol):
    """Says where a key stands: `compose.yaml:7: services.web.image`."""

    def __call__(self, *keys: str | int) -> str:
        """Return the place of the value below `keys`, or of its nearest parent."""


@dataclass(frozen=True)
class Need:
    """A version that a document needs.

    Attributes:
        program: the id of the requirement.
        version: the lowest version.
        key: the key that needs it, such as `services.web.gpus`.
    """

    program: Literal["compose", "docker"]
    version: str
    key: str


def check_keys(document: Mapping[str, Any], at: Place) -> None:
    """Check that the specification knows all keys of a document as it is written.

    Raises:
        BundleError: it does not know one. The message has the place, the hint the nearest known key.
    """
    for path, key, level in _walk(document, TOP, ()):
        if key is not None and key.below is not None and key.below.each == "*" and key.below.named:
            _check_names(_value(document, path), path, at)
        if key is None:
            raise BundleError(
                tr("{where}: the Compose specification has no such key", where=at(*path)),
                hint=did_you_mean(str(path[-1]), [each.name for each in level.keys], quote="`")
                or tr("known here: {keys}", keys=", ".join(each.name for each in level.keys)),
            )


def _check_names(value: Any, path: Path, at: Place) -> None:  # noqa: ANN401 any YAML value
    for name in value if isinstance(value, dict) else ():
        if not _NAME.fullmatch(str(name)):
            raise BundleError(
                tr(
                    "{where}: {name!r} is not a name of the Compose specification",
                    where=at(*path, name),
                    name=name,
                ),
                hint=tr("use letters, digits, `.`, `_` and `-`"),
            )


def check_fates(document: Mapping[str, Any], at: Place) -> None:
    """Check that the keys of a resolved document can travel.

    Raises:
        BundleError: one cannot. The message has the place and the reason.
    """
    for path, key, _ in _walk(document, TOP, ()):
        if key is not None and key.fate is Fate.REFUSED and _value(document, path):
            reason, remedy = NOTES[key.note].refusal()
            raise BundleError(
                tr("{where}: cannot be bundled: {reason}", where=at(*path), reason=reason), hint=remedy
            )


def check_images(document: Mapping[str, Any], at: Place) -> None:
    """Check that the images of a document are image references.

    Raises:
        BundleError: one is none; with its place.
    """
    for name, service in document["services"].items():
        own: tuple[Path, Any] = (("image",), service.get("image"))
        mounted: list[tuple[Path, Any]] = [
            (("volumes", index, "source"), volume.get("source"))
            for index, volume in enumerate(service.get("volumes") or ())
            if volume.get("type") == "image"
        ]
        hooks: list[tuple[Path, Any]] = [
            (("pre_start", index, "image"), hook.get("image"))
            for index, hook in enumerate(service.get("pre_start") or ())
        ]
        for keys, image in (own, *mounted, *hooks):
            if not image:
                continue
            try:
                Reference.parse(str(image))
            except BundleError as error:
                hint = error.hint or tr("correct the name of the image")
                if keys == ("image",):
                    hint = tr(
                        "{hint}; or name another image: `settings: images: {{{name}: ...}}`",
                        hint=hint,
                        name=name,
                    )
                raise BundleError(f"{at('services', name, *keys)}: {error.message}", hint=hint) from error


def find_needs(document: Mapping[str, Any]) -> list[Need]:
    """Return the versions that the document of a site needs, one for each key, in its order."""
    needs = []
    ignored: set[Path] = set()
    for path, key, _ in _walk(document, TOP, ()):
        if key is not None and key.fate is Fate.IGNORED:
            ignored.add(path)
        if key is None or any(path[:end] in ignored for end in range(1, len(path) + 1)):
            continue
        where = ".".join(map(str, path))
        engine, compose = key.engine, key.compose
        if _is_image_volume(path, _value(document, path)):
            engine, compose = "28.0", "2.35.0"
        if compose:
            needs.append(Need("compose", compose, where))
        if engine:
            needs.append(Need("docker", engine, where))
    return needs


def highest_needs(document: Mapping[str, Any]) -> dict[str, Need]:
    """Return the highest version that a document needs of each program, with the first key that needs it."""
    found: dict[str, Need] = {}
    for need in find_needs(document):
        known = found.get(need.program)
        if known is None or version_key(need.version) > version_key(known.version):
            found[need.program] = need
    return found


def key_requirements(document: Mapping[str, Any]) -> list[Requirement]:
    """Return what the document of a site requires of its engine and its Compose."""
    return [
        Requirement(program, need.version, reason=need.key)
        for program, need in sorted(highest_needs(document).items())
    ]


def _is_image_volume(path: Path, value: object) -> bool:
    """Whether a value is the type of a volume that is an image; it may have no other key that tells."""
    return path[0] == "services" and path[-3:-2] == ("volumes",) and path[-1] == "type" and value == "image"


def _walk(value: Any, level: Level, path: Path) -> Iterator[tuple[Path, Key | None, Level]]:  # noqa: ANN401 any YAML value
    """Yield each key below a value: its path, the known key or None, and the level it stands at.

    Values of another shape than the specification has are passed over: their shape is checked elsewhere.
    """
    for below, mapping in _mappings(value, level):
        for name, item in mapping.items():
            here = (*path, *below, name)
            key = level.find(str(name))
            if key is None:
                if not level.free and not (level.extensions and str(name).startswith("x-")):
                    yield here, None, level
                continue
            yield here, key, level
            if key.below is not None:
                yield from _walk(item, key.below, here)


def _mappings(value: Any, level: Level) -> Iterator[tuple[Path, Mapping[str, Any]]]:  # noqa: ANN401 any YAML value
    if level.each == "" and isinstance(value, dict):
        yield (), value
    elif level.each == "*" and isinstance(value, dict):
        yield from (((name,), item) for name, item in value.items() if isinstance(item, dict))
    elif level.each == "[]" and isinstance(value, list):
        yield from (((index,), item) for index, item in enumerate(value) if isinstance(item, dict))


def _value(document: Any, path: Path) -> Any:  # noqa: ANN401 any YAML value
    for part in path:
        document = document[part]
    return document
