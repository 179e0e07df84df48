"""Writes generated documents as YAML, with tags of Compose, anchors and merge keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True)
class Tagged:
    """A value with a tag of Compose: `!reset` or `!override`."""

    tag: str
    value: Any


@dataclass(frozen=True)
class MergeKey:
    """The key `<<`."""


class _Dumper(yaml.SafeDumper):
    """Writes a mapping or list that stands at several places once, with an anchor."""


def _represent_tagged(dumper: yaml.SafeDumper, tagged: Tagged) -> yaml.Node:
    node = dumper.represent_data(tagged.value)
    if isinstance(node, yaml.ScalarNode):
        return yaml.ScalarNode(tagged.tag, node.value)
    kind = yaml.SequenceNode if isinstance(node, yaml.SequenceNode) else yaml.MappingNode
    return kind(tagged.tag, node.value)


def _represent_merge(dumper: yaml.SafeDumper, _: MergeKey) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:merge", "<<")


_Dumper.add_representer(Tagged, _represent_tagged)
_Dumper.add_representer(MergeKey, _represent_merge)


def to_yaml(document: Any, *, flow: bool = False) -> str:  # noqa: ANN401 any YAML value
    """Return a document as YAML text, in flow or block style."""
    return yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=200
    )
