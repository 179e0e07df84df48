"""The table of keys is compared with the schema of Docker Compose, and its errors with Compose itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bundler.errors import BundleError
from bundler.profile.values import version_key
from bundler_compose.keys.checks import check_keys
from bundler_compose.keys.document import TOP
from bundler_compose.keys.model import Level
from tests.support.compose import NEWEST, OLDER, need_compose, running_compose

Keys = set[tuple[str, ...]]


def of_table(level: Level, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each key: `*` for a name, `[]` for an item of a list, `x-` where it is allowed."""
    here = (*path, level.each) if level.each else path
    if level.extensions:
        yield (*here, "x-")
    for key in level.keys:
        yield (*here, key.name)
        if key.below is not None:
            yield from of_table(key.below, (*here, key.name))


class Schema:
    """Reads the paths of all keys out of a JSON Schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._top = schema
        self._definitions = schema.get("$defs") or schema["definitions"]

    def keys(self) -> Iterator[tuple[str, ...]]:
        yield from self._below(self._top, ())

    def _below(self, node: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if not isinstance(node, dict):
            return
        if "$ref" in node:
            yield from self._below(self._definitions[node["$ref"].rpartition("/")[2]], path)
        for name, value in node.get("properties", {}).items():
            yield (*path, name)
            yield from self._below(value, (*path, name))
        if "properties" in node and "^x-" in node.get("patternProperties", {}):
            yield (*path, "x-")
        for pattern, value in node.get("patternProperties", {}).items():
            if pattern != "^x-":
                yield from self._below(value, (*path, "*"))
        yield from self._below(node.get("additionalProperties"), (*path, "*"))
        yield from self._below(node.get("items"), (*path, "[]"))
        for word in ("oneOf", "anyOf", "allOf"):
            for choice in node.get(word, ()):
                yield from self._below(choice, path)


def of_schema(version: str) -> Keys:
    return set(Schema(json.loads((need_compose(version) / "compose-spec.json").read_text())).keys())


def test_the_table_has_every_key_of_the_newest_schema_and_no_other() -> None:
    table, schema = set(of_table(TOP)), of_schema(NEWEST)
    assert schema - table == set()
    assert table - schema == set()


def test_every_key_of_the_older_schema_is_in_the_table_with_a_version_that_has_it() -> None:
    newer = {
        path
        for path in of_table(TOP)
        if path[-1] != "x-" and version_key(since(path)) > version_key(f"{OLDER}.9")
    }
    keys = {path for path in of_table(TOP) if path[-1] != "x-"}
    older = {path for path in of_schema(OLDER) if path[-1] != "x-"}
    assert older <= keys
    assert keys - older == newer


def since(path: tuple[str, ...]) -> str:
    level, version = TOP, "0"
    for part in path:
        if part in {"*", "[]", "x-"}:
            continue
        key = level.find(part)
        assert key is not None
        version = key.compose or version
        level = key.below or Level(())
    return version


SAMPLES = [
    ("services.a.imge", {"services": {"a": {"imge": "b"}}}),
    ("services.a.build.contxt", {"services": {"a": {"build": {"contxt": "."}}}}),
    (
        "services.a.deploy.resources.limit",
        {"services": {"a": {"image": "b", "deploy": {"resources": {"limit": {}}}}}},
    ),
    ("services.a b", {"services": {"a b": {"image": "b"}}}),
    ("volume", {"services": {"a": {"image": "b"}}, "volume": {}}),
    (
        "networks.n.ipam.config.0.subnt",
        {"services": {}, "networks": {"n": {"ipam": {"config": [{"subnt": "1"}]}}}},
    ),
]


@pytest.mark.parametrize("version", [NEWEST, OLDER])
@pytest.mark.parametrize("document", [document for _, document in SAMPLES], ids=[name for name, _ in SAMPLES])
def test_compose_refuses_what_is_refused(version: str, document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(json.dumps(document))
    with running_compose(version) as compose:
        assert compose.config(tmp_path).failed
    with pytest.raises(BundleError):
        check_keys(document, lambda *keys: str(keys))
