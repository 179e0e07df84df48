"""Collects what a project's services mount, and gives the document the paths of the site."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bundler.api.application import ConfigFile, DataFolder, InitialFile, Mount
from bundler.errors import BundleError
from bundler.language import tr, tr_later
from bundler_compose.mounts.carry import Carrier, Owner, carried_paths
from bundler_compose.mounts.classify import Classified, classify
from bundler_compose.mounts.project import Project
from bundler_compose.mounts.uses import Keys, Use, binds, find_uses
from bundler_compose.secrets.names import variable_name

DATA: Final = "${BUNDLE_DATA}"
"""Folder `<root>/data` in the rendered document."""


@dataclass(frozen=True)
class Texts:
    """How the texts of a document are read and written.

    Attributes:
        today: replaces the variables of a text by the values of today, if they have one.
        data: text of the document that becomes `${BUNDLE_DATA}`.
        at: gives the place of a value for messages, by its keys.
        show: writes a text whose variables only the site knows for people.
    """

    at: Callable[[Keys], str]
    today: Callable[[str], str] = str
    data: str = DATA
    show: Callable[[str], str] = str


@dataclass(frozen=True)
class Collected:
    """What travels, and where it lies at the site.

    Attributes:
        document: the document with the paths of the site.
        files: carried files, by path below `config/`.
        initial: files that are delivered to `<root>/data`, by path below it.
        data: folders of data, by path below `<root>/data`.
        mounts: the mounts in document order.
    """

    document: Mapping[str, Any]
    files: Mapping[str, ConfigFile]
    initial: Mapping[str, InitialFile]
    data: Mapping[str, DataFolder]
    mounts: tuple[Mount, ...]


def collect_mounts(document: Mapping[str, Any], carrier: Carrier, texts: Texts) -> Collected:
    """Collect all files that the document's mounts, configs and secrets refer to.

    Args:
        document: a canonical document, whose paths are absolute. A mount whose source is not absolute is a
            path that only the site knows, and stays.
        carrier: knows the project and the settings, and may have carried other files before.
        texts: how the document's texts are read and written.

    Raises:
        BundleError: a path is outside the project, is missing, or cannot be carried.
    """
    uses = list(find_uses(document, texts.today))
    classified = classify(uses, carrier.project, carrier.rules, texts.at)
    for path in classified.uses:
        _carry(path, classified, carrier, texts)
    placed = _Placer(carrier, classified, texts).document(document)
    _refuse_unused(carrier)
    mounts = _mounts(uses, classified, carrier.project, texts)
    return Collected(placed, carrier.files, carrier.initial, carrier.data, tuple(mounts))


def _carry(path: str, classified: Classified, carrier: Carrier, texts: Texts) -> None:
    uses, kind = classified.uses[path], classified.kinds[path]
    where = texts.at(uses[0].keys)
    if kind == "configuration":
        carrier.configuration(path, where)
    elif kind == "initial":
        carrier.deliver(path, _owner(uses), where)
    else:
        carrier.folder(path, _owner(uses), where)


def _owner(uses: Sequence[Use]) -> Owner:
    """Return the user whom all services that write there run as, if it is one and a number."""
    owners = {use.owner for use in uses if not use.read_only}
    return owners.pop() if len(owners) == 1 else None


class _Placer:
    """Gives a document the paths of the site."""

    def __init__(self, carrier: Carrier, classified: Classified, texts: Texts) -> None:
        self._project = carrier.project
        self._rules = carrier.rules
        self._carrier = carrier
        self._kinds = classified.kinds
        self._texts = texts

    def document(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the document with all paths replaced."""
        services = {name: self._service(name, service) for name, service in document["services"].items()}
        placed = {**document, "services": services}
        if volumes := document.get("volumes"):
            placed["volumes"] = {name: self._volume(name, volume) for name, volume in volumes.items()}
        for kind in ("configs", "secrets"):
            if document.get(kind):
                placed[kind] = self._files(kind, document)
        return placed

    def _service(self, name: str, service: Mapping[str, Any]) -> Mapping[str, Any]:
        if not service.get("volumes"):
            return service
        return {
            **service,
            "volumes": [
                self._mount(volume, ("services", name, "volumes", index))
                if volume.get("type") == "bind"
                else volume
                for index, volume in enumerate(service["volumes"])
            ],
        }

    def _mount(self, volume: Mapping[str, Any], keys: Keys) -> Mapping[str, Any]:
        place = self._place(str(volume.get("source", "")), keys)
        if place is None:
            return volume
        bind = dict(volume.get("bind") or {})
        if "selinux" in bind:
            # Compose labels only mounts that the engine may create (docker/compose, pkg/compose/create.go)
            bind.pop("create_host_path", None)
        else:
            bind["create_host_path"] = False
        return {**volume, "source": place, "bind": bind}

    def _volume(self, name: str, volume: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if volume is None or not binds(volume, self._texts.today):
            return volume
        options = volume["driver_opts"]
        keys = ("volumes", name, "driver_opts", "device")
        place = self._place(str(options["device"]), keys)
        return volume if place is None else {**volume, "driver_opts": {**options, "device": place}}

    def _place(self, source: str, keys: Keys) -> str | None:
        """Return the path of the site; None for a path of the host."""
        today = self._texts.today(source)
        if self._rules.is_host(today) or not today.startswith("/"):
            return None
        relative = self._project.relative(today, self._texts.at(keys))
        if self._kinds[relative or "."] == "configuration":
            return f"./{relative}"
        return self._texts.data if relative == "." else f"{self._texts.data}/{relative}"

    def _files(self, kind: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return `configs` or `secrets` with the paths of carried files, without those that nothing uses."""
        used = {
            str(grant.get("source"))
            for service in document["services"].values()
            for grant in service.get(kind) or ()
        }
        entries = {name: entry or {} for name, entry in document[kind].items()}
        return {name: self._file(kind, name, entry) for name, entry in entries.items() if name in used}

    def _file(self, kind: str, name: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        if entry.get("external"):
            raise BundleError(
                tr(
                    "{where}: external {kind} exist only in Swarm, and Compose refuses them",
                    where=self._texts.at((kind, name)),
                    kind=kind,
                ),
                hint=tr("give it a `file`, `content` or `environment`"),
            )
        if not entry.get("file"):
            return entry
        keys = (kind, name, "file")
        where = self._texts.at(keys)
        source = self._texts.today(str(entry["file"]))
        if self._rules.is_host(source):
            return entry
        relative = self._project.relative(source, where)
        variable = variable_name(name) if kind == "secrets" else ""
        if relative is None or self._project.find(relative) is None:
            if variable not in self._rules.site_secrets:
                raise self._missing(where, source, variable, is_outside=relative is None)
            relative = relative or f"secrets/{variable.lower()}"
            self._carrier.made_at_site(relative, variable, where)
        else:
            self._carrier.configuration(relative, where, folders=kind == "configs")
        return {**entry, "file": f"./{relative}"}

    def _missing(self, where: str, source: str, variable: str, *, is_outside: bool) -> BundleError:
        """Return the error about a `file` of a config, or of a secret that can be the site's `variable`."""
        hint = tr("add the file, or correct the name")
        if is_outside:
            hint = tr("move it into the project, set `settings: root`, or list it in `settings: host_paths`")
        if variable:
            ask = f"`settings: secrets: {{{variable}: ask}}`"
            hint = tr(
                "{hint}; or, if each site has a value of its own, {ask}, or `generate`", hint=hint, ask=ask
            )
        said = (
            tr_later("{where}: {path} is outside the project's folder")
            if is_outside
            else tr_later("{where}: {path}: no such file in the project")
        )
        return BundleError(tr(said, where=where, path=self._project.show(source)), hint=hint)


def _refuse_unused(carrier: Carrier) -> None:
    """Refuse settings that name files which do not travel: they are probably misspelt."""
    carried = carried_paths(carrier.files)
    for setting, named, known in (
        ("site_templates", set(carrier.rules.site_templates), carried),
        ("templates", set(carrier.rules.templates), carrier.rendered),
    ):
        for path in sorted(named - known):
            raise BundleError(
                tr(
                    "settings: {setting}: {path}: no service mounts it, so it is not in the bundle",
                    setting=setting,
                    path=path,
                ),
                hint=tr("available: {names}", names=", ".join(sorted(carried)) or tr("no files")),
            )


def _mounts(uses: list[Use], classified: Classified, project: Project, texts: Texts) -> list[Mount]:
    found = []
    for use in uses:
        service = use.service or f"volume {use.target}"
        if use in classified.hosts:
            source = texts.show(use.source)
            found.append(Mount(service, source, use.target, "host", source, use.read_only))
            continue
        relative = project.relative(use.source, texts.at(use.keys)) or "."
        kind = classified.kinds[relative]
        place = f"config/{relative}" if kind == "configuration" else f"data/{relative}"
        found.append(Mount(service, relative, use.target, kind, place, use.read_only))
    return found
