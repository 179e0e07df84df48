"""Checks the backup settings of a project's profile against its Compose document."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from bundler.api.application import Dump, Lifecycle
from bundler.api.compose import services
from bundler.errors import BundleError
from bundler.language import tr
from bundler_compose.settings import LifecycleSetting

VOLUME: Final = "volume:"


def bind_lifecycle(
    setting: LifecycleSetting, compose: Mapping[str, Any], folders: Collection[str]
) -> Lifecycle:
    """Convert `settings: lifecycle` to the API's `Lifecycle`.

    Args:
        setting: the setting of the profile.
        compose: the Compose document.
        folders: data folders of the project, relative to `<root>/data`.

    Raises:
        BundleError: a service, folder or volume does not exist, the service of a dump has no health check,
            two dumps have the same ID, or only one of `dumps` and `dumped` is set.
    """
    expected = {service.name: service.expect for service in services(compose)}
    named = [("quiesce", name) for name in setting.quiesce]
    named += [("migrations", name) for name in setting.migrations]
    named += [(f"dumps: {dump.id}", dump.service) for dump in setting.dumps]
    for where, name in named:
        if name not in expected:
            raise BundleError(
                tr("settings: lifecycle: {where}: unknown service {name!r}", where=where, name=name),
                hint=tr("available: {names}", names=", ".join(sorted(expected))),
            )
    ids = [dump.id for dump in setting.dumps]
    for dump in setting.dumps:
        if expected[dump.service] != "healthy":
            raise BundleError(
                tr(
                    "settings: lifecycle: dumps: {id}: service {service!r} has no health check",
                    id=dump.id,
                    service=dump.service,
                ),
                hint=tr("add one: a dump is loaded only once the database reports that it is ready"),
            )
        if ids.count(dump.id) > 1:
            raise BundleError(
                tr("settings: lifecycle: dumps: {id!r} is listed twice", id=dump.id), hint=tr("rename one")
            )
    if bool(setting.dumps) != bool(setting.dumped):
        raise BundleError(
            tr("settings: lifecycle: `dumps` and `dumped` must be set together"),
            hint=tr("`dumped` lists the folders or volumes of the dumped databases"),
        )
    known = {*folders, *(VOLUME + name for name in compose.get("volumes") or {})}
    return Lifecycle(
        quiesce=setting.quiesce,
        dumps=tuple(Dump(**dump.model_dump()) for dump in setting.dumps),
        dumped=tuple(_kept("dumped", setting.dumped, known)),
        disposable=tuple(_kept("disposable", setting.disposable, known)),
        migrations=setting.migrations,
    )


def _kept(where: str, names: Collection[str], known: Collection[str]) -> Iterator[str]:
    for name in names:
        path = name if name.startswith(VOLUME) else posixpath.normpath(name)
        if not any(path == each or path.startswith(each + "/") for each in known):
            raise BundleError(
                tr(
                    "settings: lifecycle: {where}: {name!r} is not data of the project",
                    where=where,
                    name=name,
                ),
                hint=tr("available: {names}", names=", ".join(sorted(known)) or tr("none")),
            )
        yield path
