"""Volumes and data folders as PersistentVolumeClaims, which stand alone: an upgrade never replaces them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bundler.api.compose import short_parts
from bundler.language import tr, tr_later
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.names import short_name, variable_name
from bundler_kubernetes.objects import Stage
from bundler_kubernetes.tls import DATA, find_certificate

CONTENT: Final = "content"
"""Folder of a volume that is mounted: its root can have `lost+found`, and belongs to root."""
DEFAULT_SIZE: Final = "10Gi"
_OPTIONS: Final = frozenset({"z", "Z", "cached", "delegated", "consistent", "rw", "nocopy"})


@dataclass(frozen=True)
class MountEntry:
    """An entry of `volumes`, in its long form."""

    kind: str
    source: str
    target: str
    read_only: bool
    more: Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where the content of a mount lies: a folder of a claim."""

    claim: str
    folder: str


class Claims:
    """The claims of an application."""

    def __init__(self, context: Context) -> None:
        """Find which services share a volume, and write the claims."""
        self._context = context
        self._users: dict[str, list[Workload]] = {}
        """Workloads by source: `volume NAME`, or `data PATH`."""
        for workload in context.workloads.values():
            for mount in mounts(workload.entry):
                source = self._source(mount)
                if source:
                    self._users.setdefault(source, []).append(workload)
        data = sorted(source for source in self._users if source.startswith("data "))
        self._roots = [source for source in data if not any(source.startswith(f"{other}/") for other in data)]
        self._written: dict[str, str] = {}

    def place(self, mount: MountEntry) -> Place | None:
        """Return where a mount's content lies; None if it is in no claim."""
        source = self._source(mount)
        if source is None:
            return None
        root = next((each for each in self._roots if source == each or source.startswith(f"{each}/")), source)
        below = source.removeprefix(root).strip("/")
        subpath = str((mount.more.get("volume") or {}).get("subpath") or "")
        folder = posixpath.normpath(posixpath.join(CONTENT, below, subpath))
        return Place(self._claim(root), folder)

    def _claim(self, root: str) -> str:
        """Return the name of the claim of a root, and write the claim if that is not done yet."""
        if root in self._written:
            return self._written[root]
        kind, _, what = root.partition(" ")
        name = self._written[root] = short_name(f"{kind}-{what}")
        users = {
            user.service.name: user
            for source, found in self._users.items()
            if source == root or source.startswith(f"{root}/")
            for user in found
        }
        shared = len(users) > 1 or not all(user.alone for user in users.values())
        context = self._context
        subject = f"volume {what}"
        if shared:
            context.findings.note(
                subject,
                "volumes",
                tr_later(
                    "used by {services} or several replicas: its storage class must allow ReadWriteMany"
                ),
                services=", ".join(users),
            )
        about = f"size of {subject}"
        size = context.setting(
            variable_name("size", name), ("persistence", name, "size"), DEFAULT_SIZE, "size", about=about
        )
        which = "sharedStorageClass" if shared else "storageClass"
        storage = context.setting(
            "KUBE_SHARED_STORAGE_CLASS" if shared else "KUBE_STORAGE_CLASS",
            ("persistence", which),
            "null",
            "class",
            about="storage class of volumes that several pods write"
            if shared
            else "storage class of volumes",
        )
        content = {
            "spec": {
                "accessModes": ["ReadWriteMany" if shared else "ReadWriteOnce"],
                "storageClassName": storage,
                "resources": {"requests": {"storage": size}},
            }
        }
        context.add(Stage.STORAGE, "PersistentVolumeClaim", name, content, origin=subject)
        return name

    def _source(self, mount: MountEntry) -> str | None:
        """Return what is mounted: `volume NAME` or `data PATH`; None for anything else."""
        if mount.kind == "bind" and find_certificate(self._context, mount.source) is not None:
            return None
        if mount.kind == "bind" and mount.source.startswith(DATA):
            return f"data {posixpath.normpath(mount.source.removeprefix(DATA))}"
        if mount.kind != "volume" or not mount.source:
            return None
        entry = (self._context.document.get("volumes") or {}).get(mount.source) or {}
        options = entry.get("driver_opts") or {}
        device = str(options.get("device") or "")
        if "bind" in str(options.get("o") or "").split(",") and device.startswith(DATA):
            return f"data {posixpath.normpath(device.removeprefix(DATA))}"
        return f"volume {mount.source}"


def check_volumes(context: Context) -> None:
    """Refuse volumes that no claim can stand for."""
    used = {
        mount.source
        for workload in context.workloads.values()
        for mount in mounts(workload.entry)
        if mount.kind == "volume"
    }
    for name, said in (context.document.get("volumes") or {}).items():
        if name not in used:
            continue
        entry = said or {}
        subject = f"volume {name}"
        if entry.get("external"):
            context.findings.refuse(
                subject, "external", tr("a volume that others made is not in the cluster")
            )
        if entry.get("driver") not in (None, "", "local"):
            context.findings.refuse(
                subject, "driver", tr("the storage class of the site decides how data are kept")
            )
        options = entry.get("driver_opts") or {}
        bound = "bind" in str(options.get("o") or "").split(",")
        if options and not (bound and str(options.get("device") or "").startswith(DATA)):
            context.findings.refuse(
                subject, "driver_opts", tr("the storage class of the site decides how data are kept")
            )
        elif not options:
            context.findings.note(
                subject,
                "volumes",
                tr_later("begins empty: files that an image has at its path are not copied into it"),
            )


def mounts(entry: Mapping[str, Any]) -> Iterator[MountEntry]:
    """Yield the entries of `volumes` of a service, in their long form."""
    for volume in entry.get("volumes") or ():
        if isinstance(volume, Mapping):
            yield MountEntry(
                str(volume.get("type") or "volume"),
                str(volume.get("source") or ""),
                str(volume.get("target") or ""),
                bool(volume.get("read_only")),
                volume,
            )
            continue
        parts = short_parts(str(volume))
        if len(parts) == 1:
            yield MountEntry("volume", "", parts[0], read_only=False, more={})
            continue
        source, target, *options = parts
        words = options[0].split(",") if options else []
        kind = "bind" if re.match(r"[./~$]", source) else "volume"
        unknown = {word: True for word in words if word not in _OPTIONS and word != "ro"}
        yield MountEntry(kind, source, target, "ro" in words, unknown)
