"""The renderer `compose`: compose.yaml for the site, and the files beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from bundler.api.application import ApplicationModel
from bundler.api.output import PinnedService
from bundler.bundle.tar import Member

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


class ComposeRenderer:
    """Writes the model as the Compose file that the site runs."""

    name = "compose"

    def render(self, application: ApplicationModel, images: Sequence[PinnedService]) -> list[Member]:
        """See `bundler.api.output.Renderer.render`: images by the names they are loaded under."""
        entries = application.compose["services"]
        services = {
            pinned.service: {**entries[pinned.service], "image": pinned.image, "pull_policy": "never"}
            for pinned in images
        }
        document = {**application.compose, "services": services}
        document.pop("version", None)  # obsolete, and Compose says so at every call
        text = yaml.dump(
            document,
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            width=1000,
        )
        members = [Member.of("config/compose.yaml", text.encode())]
        return [*members, *(file.member("config") for file in application.files)]
