"""Derives from the bundled document which values and data of a running project the site adopts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from bundler.api.adoption import Adoption
from bundler.api.application import Lifecycle
from bundler.api.text import Text
from bundler.api.variable import SiteVariable
from bundler_compose.lifecycle import VOLUME

DATA: Final = "${BUNDLE_DATA}/"
_WHOLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def adoption(
    compose: Mapping[str, Any], variables: Collection[SiteVariable], lifecycle: Lifecycle
) -> tuple[Adoption, ...]:
    """Return the rows of `adopt.tsv`.

    Args:
        compose: the document as it is bundled.
        variables: variables of the site.
        lifecycle: names the data that are dumped instead of copied, and those that are not kept.
    """
    skipped = {*lifecycle.dumped, *lifecycle.disposable}
    return (
        *_values(compose, {variable.name for variable in variables}),
        *(Adoption("dump", dump.service, dump.backup, dump.id, "-") for dump in lifecycle.dumps),
        *_data(compose, skipped),
        *_shared(compose, skipped),
    )


def _values(compose: Mapping[str, Any], names: Collection[str]) -> Iterator[Adoption]:
    """Take values from container variables that consist of one `${NAME}`, else from the project's `.env`."""
    for service, entry in compose["services"].items():
        for key, value in (entry.get("environment") or {}).items():
            found = _WHOLE.fullmatch(str(value))
            if found and found[1] in names:
                yield Adoption("value", service, key, found[1], "keep")
    for name in sorted(names):
        yield Adoption("value", None, name, name, "keep")


def _data(compose: Mapping[str, Any], skipped: Collection[str]) -> Iterator[Adoption]:
    for service, entry in compose["services"].items():
        for source, target in _mounts(entry):
            if source.startswith(DATA):
                folder = source.removeprefix(DATA)
                if folder not in skipped:
                    yield Adoption("folder", service, target, folder)
            elif source in (compose.get("volumes") or {}) and VOLUME + source not in skipped:
                yield Adoption("volume", service, target, source)


def _mounts(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield source and target of each mount that has both."""
    for volume in entry.get("volumes") or ():
        source, target = volume.get("source"), volume.get("target")
        if source and target:
            yield str(source), str(target)


def _shared(compose: Mapping[str, Any], skipped: Collection[str]) -> Iterator[Adoption]:
    """Refuse volumes with fixed names: the old installation uses them too, so it could not be restored."""
    for name, entry in (compose.get("volumes") or {}).items():
        if VOLUME + name in skipped or not isinstance(entry, Mapping):
            continue
        if entry.get("external") or entry.get("name"):
            yield Adoption(
                "refuse",
                None,
                name,
                says=Text(
                    en=f"volume {name} has a fixed name or is external:"
                    " the new site would write into the old volume",
                    zh=f"卷 {name} 使用固定名称或为外部卷, 新站点会写入原有的卷",
                ),
            )
