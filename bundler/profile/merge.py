"""Inheritance between profiles, and `--set`.

Layers are merged key by key: mappings merge, scalars and lists are replaced, `key+:` appends to the inherited
list, `null` removes the inherited key. Each `--set` is another layer on top.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce
from pathlib import Path

from bundler.errors import ProfileError
from bundler.language import tr
from bundler.profile.marked_yaml import KeyPath, Mark, Node, read_value

_KEY_PART = re.compile(r"""(?:"([^"]+)"|'([^']+)'|([^."'=\s]+))(?:\.|$)""")
_SHOWN = 40
"""Number of characters of a `--set` value shown in messages."""


def merge_layers(layers: Iterable[Node]) -> Node:
    """Merge from the lowest layer to the highest.

    Raises:
        ProfileError: the value of a `key+:` is not a list, or it appends to something that is not a list.
    """
    return reduce(merge, layers, Node(Mark("default", Path()), {}))


def merge(lower: Node, upper: Node, path: KeyPath = ()) -> Node:
    """Merge a mapping over another one.

    A `null` that removes nothing is kept, so that misspelt keys are detected later.
    """
    below = lower.value if isinstance(lower.value, dict) else {}
    above = upper.value if isinstance(upper.value, dict) else {}
    merged = dict(below)
    for key, node in above.items():
        name = key.removesuffix("+") if len(key) > 1 else key
        here = (*path, name)
        there = merged.get(name)
        if name != key:
            if name in above:
                raise ProfileError(
                    tr(
                        "{where}: {show_key}: `{name}` is also set",
                        where=node.mark.where,
                        show_key=show_key((*path, key)),
                        name=name,
                    ),
                    hint=tr(
                        "a file can either replace the list (`{name}:`) or append to it (`{key}:`)",
                        name=name,
                        key=key,
                    ),
                )
            merged[name] = _append(there, node, (*path, key))
        elif node.value is None:
            if there is None or there.value is None:
                merged[name] = node
            else:
                del merged[name]
        elif isinstance(node.value, dict):
            inherited = there if there is not None else Node(node.mark, {})
            merged[name] = merge(inherited, node, here)
        else:
            merged[name] = node
    return Node(upper.mark, merged)


def _append(there: Node | None, node: Node, path: KeyPath) -> Node:
    if not isinstance(node.value, list):
        raise ProfileError(
            tr("{where}: {path}: must be a list to append", where=node.mark.where, path=show_key(path)),
            hint=tr("write `{path}: [...]`", path=path[-1]),
        )
    if there is None or there.value is None:
        return node
    if not isinstance(there.value, list):
        raise ProfileError(
            tr(
                "{where}: {path}: the inherited value is not a list",
                where=node.mark.where,
                path=show_key(path),
            ),
            hint=tr("it is defined at {where}; remove the `+` to replace it", where=there.mark.where),
        )
    return Node(node.mark, [*there.value, *node.value])


def read_override(text: str, folder: Path) -> Node:
    """Return the layer for `--set text`.

    Args:
        text: `key=value`; the parts of the key are separated by dots, and a part that contains a dot is
            quoted.
        folder: folder that relative paths in the value are resolved against.

    Raises:
        ProfileError: the text has another form.
    """
    key, equals, value = text.partition("=")
    path = _parse_key(key.strip())
    if not equals or not path:
        raise ProfileError(
            tr("--set {text}: is not key=value", text=_short(text)),
            hint=tr(
                "for example --set settings.replicas=3; quote a part that contains a dot: --set"
                " 'registries.mirrors.\"docker.io\"=mirror:5000'"
            ),
        )
    mark = Mark(f"--set {key.strip()}={_short(value)}", folder, path)
    if path[0] == "extends":
        raise ProfileError(
            tr("{where}: cannot be set with --set", where=mark.where),
            hint=tr("write a profile that extends another"),
        )
    node = read_value(value, mark)
    if path[-1].endswith("+") and not isinstance(node.value, list | dict):
        node = Node(mark, [node])
    for part in reversed(path):
        node = Node(mark, {part: node})
    return node


def _parse_key(text: str) -> tuple[str, ...]:
    parts: list[str] = []
    end = 0
    while end < len(text):
        found = _KEY_PART.match(text, end)
        if found is None:
            return ()
        parts.append(found[1] or found[2] or found[3])
        end = found.end()
    return () if text.endswith(".") else tuple(parts)


def _short(value: str) -> str:
    return value if len(value) <= _SHOWN else value[:_SHOWN] + "..."


def show_key(path: KeyPath) -> str:
    """Return a key for messages: `settings.upload`, `registries.mirrors."docker.io"`, `files.0.to`."""
    return ".".join(f'"{part}"' if "." in str(part) else str(part) for part in path)
