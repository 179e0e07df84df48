"""Writes Compose documents as YAML that every Compose parser reads the same way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

_AMBIGUOUS = re.compile(r"[-+.0-9]|0o|(?:y|n|yes|no|on|off)$", re.IGNORECASE)


class _Dumper(yaml.SafeDumper):
    """Quotes strings that YAML 1.1 and 1.2 read differently; never writes anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 PyYAML's signature
        return True


def _represent_str(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _AMBIGUOUS.match(text) else None
    if "\n" in text:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_str)


def dump(document: Mapping[str, Any]) -> str:
    """Return the document as YAML, with its keys in their original order."""
    text: str = yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return text
