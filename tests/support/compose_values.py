"""Documents with one value each, of a right or a wrong type, for every key of the schema of Compose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

VALUES: Final[tuple[Any, ...]] = (
    *(None, "", "x", "1", "1s", "true", 1, 0, -1, 2.5, True),
    *({}, {"x": "x"}, {"x": {}}, {"x": None}, {"x": 1}),
    *([], ["x"], ["x=1"], [1], [True], [None], [{}]),
)
"""Values to try at each key."""
_BASE: Final[Mapping[str, Any]] = {
    "name": "p",
    "services": {"a": {"image": "i"}, "x": {"image": "i"}},
    "networks": {"a": {}, "x": {}},
    "volumes": {"a": {}, "x": {}},
    "configs": {"a": {"content": "c"}, "x": {"content": "c"}},
    "secrets": {"a": {"environment": "PATH"}, "x": {"environment": "PATH"}},
}
"""Whatever is called `x` is there."""
_MODELS: Final[Mapping[str, Any]] = {"models": {"a": {"model": "m"}, "x": {"model": "m"}}}
_CONTENT: Final = ("file", "environment", "content", "external")
_HOOK: Final = ("services", "*", "pre_start", "[]")
_JOB: Final = ("jobs", "*")
_SAMPLES: Final[Mapping[str, Any]] = {
    "array": [], "object": {}, "integer": 1, "number": 1, "boolean": True, "string": "x",
}  # fmt: skip
_COMPANIONS: Final[Mapping[tuple[str, ...], Mapping[str, Any]]] = {
    ("services", "*", "volumes", "[]"): {"type": "volume", "source": "x", "target": "/t"},
    ("services", "*", "volumes", "[]", "bind"): {},
    ("services", "*", "ports", "[]"): {"target": 80},
    ("services", "*", "configs", "[]"): {"source": "x"},
    ("services", "*", "secrets", "[]"): {"source": "x"},
    ("services", "*", "devices", "[]"): {"source": "/dev/null", "target": "/dev/null"},
    ("services", "*", "gpus", "[]"): {"driver": "nvidia"},
    ("services", "*", "blkio_config"): {},
    ("networks", "*", "ipam", "config", "[]"): {"subnet": "10.1.0.0/16"},
    ("models", "*"): {"model": "m"},
}
"""What must stand beside a key for Compose to accept the document, beyond what the schema requires."""


@dataclass(frozen=True)
class Case:
    """One document.

    Attributes:
        path: where the value stands: `*` for a name, `[]` for an item of a list.
        value: the value.
        document: a document that has it there.
    """

    path: tuple[str, ...]
    value: Any
    document: Mapping[str, Any]

    def __str__(self) -> str:
        """For messages: `services.*.ports = 'x'`."""
        return f"{'.'.join(self.path)} = {self.value!r}"


def cases(schema: Mapping[str, Any], values: Sequence[Any] = VALUES) -> Iterator[Case]:
    """Yield a document for each value at each key of the schema of compose-go."""
    definitions = schema.get("$defs") or schema["definitions"]
    places = dict(_Places(definitions).below(schema, (), dict, ()))
    for path, put in places.items():
        for value in values:
            base = {**_BASE, **(_MODELS if "models" in path else {})}
            yield Case(path, value, {**base, **put(value)})


Put = Callable[[Any], Any]
"""Returns a document with the value in it."""


@dataclass(frozen=True)
class _Places:
    """Finds all places of a schema; those of a definition within itself are left out."""

    definitions: Mapping[str, Any]

    def below(
        self, node: object, path: tuple[str, ...], put: Put, known: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], Put]]:
        if not isinstance(node, dict):
            return
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            if name not in known:
                yield from self.below(self.definitions[name], path, put, (*known, name))
        own = node.get("properties", {})
        beside = {name: self._sample(own[name]) for name in node.get("required", ()) if name in own}
        if path == ("services", "*"):
            beside["image"] = "i"
        outer = path[:4] if path[:4] == _HOOK else path[:2]
        same = ("services", "*", *path[len(outer) :]) if outer in {_HOOK, _JOB} else path
        beside |= _COMPANIONS.get(same, {})
        for name, value in own.items():
            needed = dict(beside)
            if path in {("configs", "*"), ("secrets", "*")} and name not in _CONTENT:
                needed["file"] = "x"
            yield from self._at(value, (*path, name), _put_key(put, needed, name), known)
        for pattern, value in node.get("patternProperties", {}).items():
            if pattern != "^x-":
                yield from self._at(
                    value, (*path, "*"), _put_key(put, {}, "x" if len(path) > 1 else "a"), known
                )
        yield from self._at(node.get("additionalProperties"), (*path, "*"), _put_key(put, {}, "x"), known)
        yield from self._at(node.get("items"), (*path, "[]"), _put_item(put), known)
        for choice in (choice for word in ("oneOf", "anyOf", "allOf") for choice in node.get(word, ())):
            yield from self.below(choice, path, put, known)

    def _at(
        self, node: object, path: tuple[str, ...], put: Put, known: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], Put]]:
        if isinstance(node, dict):
            yield path, put
            yield from self.below(node, path, put, known)

    def _sample(self, node: Mapping[str, Any]) -> Any:  # noqa: ANN401 any JSON value
        if "$ref" in node:
            return self._sample(self.definitions[node["$ref"].rpartition("/")[2]])
        if "enum" in node:
            return node["enum"][0]
        types = node.get("type", "string")
        return _SAMPLES[types[0] if isinstance(types, list) else types]


def _put_key(put: Put, beside: Mapping[str, Any], name: str) -> Put:
    return lambda value: put({**beside, name: value})


def _put_item(put: Put) -> Put:
    return lambda value: put([value])
