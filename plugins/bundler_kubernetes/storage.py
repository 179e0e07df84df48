"""What a service mounts, as volumes of its pod."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any, Final

from bundler.language import tr, tr_later
from bundler_kubernetes.claims import Claims, MountEntry, mounts
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.files import FileMount, Files, note_writable
from bundler_kubernetes.initial import Delivery, find_delivery
from bundler_kubernetes.names import digest, short_name
from bundler_kubernetes.objects import Body, KubeObject
from bundler_kubernetes.tls import certificate_volume, find_certificate
from bundler_kubernetes.values import quantity, size

_SOCKETS: Final = re.compile(r"(docker|podman|containerd)\.sock$")
_MODE: Final = 0o444
_LONG: Final = frozenset({"read_only"})
"""Truth values of the long form that are read."""


class PodVolumes:
    """The volumes of one pod.

    Attributes:
        volumes: of the pod.
        mounts: of its container.
        configuration: ConfigMaps and Secrets among them.
        claimed: names of claims among them.
        groups: groups that own the data.
        deliveries: what is put into its claims at the first start.
    """

    def __init__(self, context: Context, workload: Workload, claims: Claims, files: Files) -> None:
        self._context = context
        self._workload = workload
        self._claims = claims
        self._files = files
        self._names: dict[str, str] = {}
        self.volumes: list[Body] = []
        self.mounts: list[Body] = []
        self.configuration: list[KubeObject] = []
        self.claimed: list[str] = []
        self.groups: set[int] = set()
        self.deliveries: list[Delivery] = []

    def read(self) -> None:
        """Read all that the service mounts."""
        for mount in mounts(self._workload.entry):
            self._mount(mount)
        for kind in ("configs", "secrets"):
            for grant in self._workload.entry.get(kind) or ():
                self._grant(kind, grant if isinstance(grant, Mapping) else {"source": str(grant)})
        self._memory()

    def _mount(self, mount: MountEntry) -> None:
        if mount.kind == "tmpfs":
            options = mount.more.get("tmpfs") or {}
            self._in_memory(
                mount.target, options.get("size"), {k: v for k, v in options.items() if k != "size"}
            )
        elif mount.kind == "volume" and not mount.source:
            self._add("anonymous", {"emptyDir": {}}, mount.target)
            self._note(tr_later("{target} is emptied when a pod is replaced"), target=mount.target)
        elif mount.kind in {"volume", "bind"}:
            self._stored(mount)
        else:
            self._refuse(tr("volumes of the type {kind} have no counterpart", kind=mount.kind))

    def _stored(self, mount: MountEntry) -> None:
        more = mount.more.get("bind")
        flags = set(more or ()) & {"propagation", "recursive"} | {
            key for key, value in mount.more.items() if value is True and key not in _LONG
        }
        if flags:
            text = tr_later("{target}: {options} are left out: nothing is mounted below it later")
            self._note(text, target=mount.target, options=", ".join(sorted(flags)))
        certificate = find_certificate(self._context, mount.source)
        if certificate is not None:
            volume = certificate_volume(self._context, self._workload, certificate)
            self._at(self._volume(f"certificate {mount.source}", volume), mount.target, read_only=True)
            return
        below = str((mount.more.get("volume") or {}).get("subpath") or "")
        if below.startswith("/") or "$" in below or ".." in below.split("/"):
            self._refuse(tr("{path} is no folder of the volume that is known at the build", path=below))
            return
        place = self._claims.place(mount)
        if place is not None:
            delivery = find_delivery(self._context, self._workload, self._files, mount, place)
            self.deliveries += [delivery] if delivery else []
            name = self._volume(place.claim, {"persistentVolumeClaim": {"claimName": place.claim}})
            self.claimed.append(place.claim)
            self._at(name, mount.target, sub_path=place.folder, read_only=mount.read_only)
            self._owners(mount)
            return
        if mount.source.startswith((".", "$")) and not mount.source.startswith("$"):
            found = self._files.find(mount.source, self._workload, "volumes")
            if found is not None:
                self._file(found, mount.target)
                if not mount.read_only:
                    note_writable(self._context, self._workload, mount.target)
            return
        if _SOCKETS.search(mount.source):
            self._refuse(tr("a cluster has no socket of the engine"))
            return
        self._refuse(
            tr("{source} is a path of one host", source=mount.source),
            tr("use a volume, or a file of the project"),
        )

    def _owners(self, mount: MountEntry) -> None:
        path = posixpath.normpath(mount.source.removeprefix("${BUNDLE_DATA}/"))
        self.groups |= {
            folder.gid
            for folder in self._context.application.data
            if folder.path == path and folder.gid is not None
        }

    def _grant(self, kind: str, grant: Mapping[str, Any]) -> None:
        source = str(grant.get("source", ""))
        mode = grant.get("mode")
        number = _MODE if mode is None else int(str(mode), 8) if isinstance(mode, str) else int(mode)
        found = self._files.grant(kind, source, self._workload, number & 0o777)
        if found is None:
            return
        default = f"/{source}" if kind == "configs" else f"/run/secrets/{source}"
        target = str(grant.get("target") or default)
        if not target.startswith("/"):
            target = f"/run/secrets/{target}" if kind == "secrets" else f"/{target}"
        self._owner(grant, f"{kind}.{source}")
        self._file(found, target)

    def _owner(self, grant: Mapping[str, Any], key: str) -> None:
        """Report an owner of a file, which no volume of a pod can have."""
        lost = [each for each in ("uid", "gid") if str(grant.get(each) or "0") != "0"]
        if lost:
            text = tr_later("{keys} left out: it belongs to root, and others read it as its mode says")
            self._context.findings.note(self._workload.subject, key, text, keys=", ".join(lost))

    def _file(self, found: FileMount, target: str) -> None:
        volume = found.volume("")
        label = f"{found.object.kind} {found.object.name}"
        modes = " ".join(f"{mode:o}" for _, _, mode in found.items)
        name = self._volume(f"{label} {modes}", {k: v for k, v in volume.items() if k != "name"}, label=label)
        if found.object not in self.configuration:
            self.configuration.append(found.object)
        self._at(name, target, sub_path=found.items[0][1] if found.single else "", read_only=True)

    def _memory(self) -> None:
        given = self._workload.entry.get("tmpfs") or ()
        for each in [given] if isinstance(given, str) else given:
            target, _, text = str(each).partition(":")
            options = dict(option.partition("=")[::2] for option in text.split(",") if option)
            self._in_memory(target, options.pop("size", None), options)
        shared = self._workload.entry.get("shm_size")
        if shared:
            self._in_memory("/dev/shm", shared, {})  # noqa: S108 the container's

    def _in_memory(self, target: str, given: object, options: Mapping[str, Any]) -> None:
        empty: Body = {"medium": "Memory"}
        if given not in (None, "", 0, "0"):
            number = size(given)
            if number is None:
                self._refuse(tr("{value!r} is no amount known at the build", value=str(given)))
                return
            empty["sizeLimit"] = quantity(number)
        lost = sorted(set(options) - {"rw", "nosuid", "nodev", "mode"})
        if str(options.get("mode", "1777")).lstrip("0") not in {"1777", "777"}:
            lost.append("mode")
        if lost:
            self._note(
                tr_later("{target}: {options} are left out: everybody in the pod can write there"),
                target=target,
                options=", ".join(lost),
            )
        self._add(f"memory {target}", {"emptyDir": empty}, target)

    def _add(self, what: str, volume: Body, target: str) -> None:
        self._at(self._volume(f"{what} {target}", volume), target)

    def _volume(self, what: str, volume: Body, *, label: str = "") -> str:
        """Return the name of a volume of the pod; what is mounted twice is one volume."""
        if what in self._names:
            return self._names[what]
        name = short_name(label or what)
        if any(each["name"] == name for each in self.volumes):
            name = f"{short_name(name, 54)}-{digest(what)}"
        self._names[what] = name
        self.volumes.append({"name": name, **volume})
        return name

    def _at(self, name: str, target: str, *, sub_path: str = "", read_only: bool = False) -> None:
        if "$" in target.replace("$$", ""):
            self._refuse(tr("the path {path} in the container has values of the site", path=target))
            return
        self.mounts.append(
            {
                "name": name,
                "mountPath": target.replace("$$", "$").rstrip("/") or "/",
                **({"subPath": sub_path} if sub_path else {}),
                **({"readOnly": True} if read_only else {}),
            }
        )

    def _note(self, text: str, **values: object) -> None:
        self._context.findings.note(self._workload.subject, "volumes", text, **values)

    def _refuse(self, reason: str, hint: str | None = None) -> None:
        self._context.findings.refuse(self._workload.subject, "volumes", reason, hint)
