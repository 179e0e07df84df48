"""Compose documents as YAML that every parser of Compose reads alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

_AMBIGUOUS = re.compile(r"[-+.0-9]|0o|(?:y|n|yes|no|on|off)$", re.IGNORECASE)


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 and 1.2 read differently; never writes anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 PyYAML's signature
        return True


def _represent_str(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _AMBIGUOUS.match(text) else None
    if "\n" in text:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_str)


def dump(document: Mapping[str, Any]) -> str:
    """The document as YAML, its keys in their order."""
    text: str = yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return text
