"""The checks of the preflight as people read them before there is a site: in reports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bundler.api.application import Requirement
from bundler.api.output import SiteCheck
from bundler.image.platform import Platform
from bundler.language import language, tr, tr_later
from bundler.terminal.progress import format_bytes
from bundler_installer.assemble import catalogue
from bundler_installer.checks import Check, compile_rows, has_check, is_amount

IN_BYTES: Final = frozenset({"memory", "memory-available", "swap", "disk", "scratch"})
"""Checks whose values are numbers of bytes."""
OF_BUNDLE: Final = re.compile(r"^bundle\b|\bor bundle$")
"""What the table of checks says where a value follows from the bundle."""
FOLLOWS: Final = {
    "disk": tr_later(
        "room for the release, the images (twice while loading) and the data, summed per device"
    ),
    "inodes": tr_later("follows from the unpacked size of the images, which a build knows"),
}
"""What is required where the bundle says no value."""
_FULL_SWAP: Final = tr_later("less than half of it used")


def list_checks(
    platform: Platform, requirements: Iterable[Requirement], unpacked: int | None
) -> tuple[SiteCheck, ...]:
    """Return all checks, in the order in which they run, in the language of the run.

    Args:
        platform: of the bundle.
        requirements: of the bundle. What this version has no check for is left out: a bundle may be newer.
        unpacked: bytes of all unpacked layers; None if they are not known yet.
    """
    asked = {each.id: each for each in requirements if has_check(each.id)}
    texts = catalogue(language())
    return tuple(
        _shown(check, asked, texts[f"group.{check.group}"], texts[f"check.{check.id}"])
        for check in compile_rows(platform, asked.values(), unpacked)
    )


def _shown(check: Check, asked: dict[str, Requirement], group: str, name: str) -> SiteCheck:
    parted = f"{check.id}:{check.parameter}"
    own = parted if parted in asked else check.id
    one = asked.get(own, Requirement(own))
    required = _threshold(check.id, check.required, check.asks, own=one.minimum)
    recommended = _threshold(check.id, check.recommended, check.advises, own=one.recommended)
    if check.id == "platform" and check.parameter:
        required = f"{required}/{check.parameter}"
    if check.id in FOLLOWS and not (check.id == "inodes" and check.required):
        room = tr(FOLLOWS[check.id])
        required = tr("{room}; of the data: {size}", room=room, size=required) if required else room
    if check.id == "swap":
        recommended = "; ".join(filter(None, (recommended, tr(_FULL_SWAP))))
    return SiteCheck(
        own, group, f"{name} {check.parameter}" if own == parted else name, required, recommended
    )


def _threshold(name: str, value: str | None, said: str, *, own: str | None) -> str:
    """Return what is wanted: the bundle's own value, else what is said about the check, else its value."""
    if own is None and said and not OF_BUNDLE.search(said):
        return tr(said).replace("`", "")
    if not value:
        return ""
    if name in IN_BYTES and is_amount(value):
        return format_bytes(int(value))
    if name == "write-latency":
        return tr("at most {number} ms", number=value)
    return tr("yes") if value == "yes" else value
