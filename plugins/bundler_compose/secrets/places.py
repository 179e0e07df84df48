"""The texts of a canonical document in which a secret may stand, and the document with some changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bundler_compose.secrets.names import is_secret_name

Keys = tuple[str | int, ...]

_IN_SERVICE: Final = (
    "environment", "command", "entrypoint", "labels", "annotations", "healthcheck", "pre_start", "post_start",
    "pre_stop", "logging", "deploy", "provider", "driver_opts", "storage_opt", "gpus", "credential_spec",
)  # fmt: skip
"""Keys of a service whose texts are searched. The others name images, files, networks and the like."""
_TOP: Final = ("networks", "volumes", "configs", "secrets", "models")
_BOUND: Final = frozenset({"file", "environment", "name", "image", "external", "driver"})
_NAMED: Final = frozenset({"environment", "labels", "annotations", "options", "driver_opts", "storage_opt"})


@dataclass(frozen=True)
class Place:
    """A text of the document, or a list of arguments.

    Attributes:
        keys: where it stands.
        name: name that says what it is: of the variable or the label, else empty.
        texts: the text, or the arguments.
        is_file: whether it is the content of a file.
    """

    keys: Keys
    name: str
    texts: tuple[str, ...]
    is_file: bool = False
    is_list: bool = False

    @property
    def owner(self) -> str:
        """The service, or else the first key."""
        return str(self.keys[1] if len(self.keys) > 1 and self.keys[0] == "services" else self.keys[0])

    @property
    def label(self) -> str:
        """A name for the place as a whole, for settings: of the variable, or made of the last keys."""
        words = [str(key) for key in self.keys if isinstance(key, str)]
        parts = [self.name] if self.name else words[1:3] if words[0] == "services" else words[-2:]
        return re.sub(r"[^A-Za-z0-9_]", "_", "_".join(parts))


def find_places(document: Mapping[str, Any]) -> Iterator[Place]:
    """Yield the texts of a canonical document that may have secrets, in the document's order."""
    for service, entry in (document.get("services") or {}).items():
        for key, value in entry.items():
            if key in _IN_SERVICE or str(key).startswith("x-"):
                yield from _below(value, ("services", service, key), str(key))
            elif key == "networks" and isinstance(value, Mapping):
                for network, own in value.items():
                    options = (own or {}).get("driver_opts")
                    yield from _below(
                        options, ("services", service, key, network, "driver_opts"), "driver_opts"
                    )
    for section, entries in document.items():
        if str(section).startswith("x-"):
            yield from _below(entries, (section,), "")
        elif section in _TOP:
            yield from _in_section(section, entries or {})


def _in_section(section: str, entries: Mapping[str, Any]) -> Iterator[Place]:
    for name, entry in entries.items():
        for key, value in (entry or {}).items():
            if key not in _BOUND:
                yield from _below(value, (section, name, key), str(key))


def _below(value: Any, keys: Keys, above: str) -> Iterator[Place]:  # noqa: ANN401 any YAML value
    if isinstance(value, str):
        content = keys[-1] == "content" and keys[0] == "configs"
        yield Place(keys, "" if content else _name(keys, above), (value,), is_file=content)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            inner = str(key) if str(key) in _NAMED else above
            yield from _below(item, (*keys, key), inner)
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield Place(keys, "", tuple(value), is_list=True)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(item, (*keys, index), above)


def _name(keys: Keys, above: str) -> str:
    key = str(keys[-1])
    if above == "annotations" and not is_secret_name(re.split(r"[./]", key)[-1]):
        return next((part for part in re.split(r"[./]", key) if is_secret_name(part)), "")
    if above in {"labels", "annotations"}:
        return re.split(r"[./]", key)[-1]
    return key if above in _NAMED or any(str(part).startswith("x-") for part in keys) else ""


def change_places(document: Mapping[str, Any], changed: Mapping[Keys, tuple[str, ...]]) -> dict[str, Any]:
    """Return the document with the texts of some places changed."""

    def below(value: Any, keys: Keys) -> Any:  # noqa: ANN401 any YAML value
        if keys in changed:
            texts = changed[keys]
            return list(texts) if isinstance(value, list) else texts[0]
        if isinstance(value, Mapping):
            return {key: below(item, (*keys, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [below(item, (*keys, index)) for index, item in enumerate(value)]
        return value

    result: dict[str, Any] = below(document, ())
    return result
