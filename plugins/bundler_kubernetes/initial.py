"""Initial content of data: an init container puts it into a volume, each file once.

A file that is there already stays, and one that was delivered and then removed does not come back, as on a
server. Later releases do not renew what a site did not change, as the installer does there.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bundler.api.application import INITIAL
from bundler.language import tr, tr_later
from bundler_kubernetes.claims import MountEntry, Place
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.files import FileMount, Files
from bundler_kubernetes.names import digest
from bundler_kubernetes.objects import Body, ImageName, Stage
from bundler_kubernetes.tls import DATA

OBJECT: Final = "bundle-deliver"
"""Name of the container, and of the ConfigMap with the script."""
FILE: Final = "deliver.sh"
FOLDER: Final = "/var/run/bundle-deliver"
DELIVERED: Final = "delivered"
"""Folder of a volume that says what was delivered; beside its content, so that no service sees it."""
PROGRAMS: Final = ("sh", "cp", "mkdir", "chmod")
SCRIPT: Final = r"""
while [ $# -gt 0 ]; do
  if [ ! -e "$3" ]; then
    if [ ! -e "$2" ]; then
      mkdir -p "${2%/*}" && cp "$1" "$2" && chmod "$4" "$2" || exit 1
    fi
    mkdir -p "${3%/*}" && echo delivered > "$3" || exit 1
  fi
  shift 4
done
"""
"""Run with four arguments for each file: where it is, where it goes, what says so, and its mode."""


@dataclass(frozen=True)
class Delivery:
    """What is delivered into a volume.

    Attributes:
        path: the folder of data.
        files: its content, as an object.
        place: where it goes.
    """

    path: str
    files: FileMount
    place: Place


@dataclass(frozen=True)
class Delivering:
    """The init container that delivers, and the volumes that it needs beside those of the service."""

    container: Body = field(hash=False)
    volumes: list[Body] = field(hash=False)


def find_delivery(
    context: Context, workload: Workload, files: Files, mount: MountEntry, place: Place
) -> Delivery | None:
    """Return what a mount begins with; None if it begins empty, or is refused."""
    path = posixpath.normpath(mount.source.removeprefix(DATA))
    inside = [each for each in context.application.initial if each.path.startswith(f"{path}/")]
    if any(each.path == path for each in context.application.initial):
        context.findings.refuse(
            workload.subject,
            "volumes",
            tr("{path} is a file with initial content, and volumes are folders", path=path),
            tr("mount the folder that it is in"),
        )
        return None
    if not inside:
        return None
    contents = workload.facts.contents
    if contents is not None and not contents.programs(PROGRAMS) >= set(PROGRAMS):
        context.findings.refuse(
            workload.subject,
            "volumes",
            tr(
                "{path} has initial content, and the image lacks {programs}",
                path=path,
                programs=", ".join(PROGRAMS),
            ),
            tr("let the service make it, or make it part of the configuration, which is read-only"),
        )
    found = files.find(f"{INITIAL}/{path}", workload, "volumes")
    if found is None:
        return None
    text = tr_later("{path}: the first start delivers its initial content; a later release does not renew it")
    context.findings.note(workload.subject, "volumes", text, path=path)
    if len({(each.uid, each.gid) for each in inside}) > 1 or any(each.uid for each in inside):
        text = tr_later("{path}: its files belong to the user that runs the service")
        context.findings.note(workload.subject, "volumes", text, path=path)
    return Delivery(path, found, place)


def deliver(
    context: Context, workload: Workload, deliveries: Sequence[Delivery], security: Body
) -> Delivering | None:
    """Return what delivers; None if there is nothing."""
    if not deliveries:
        return None
    modes = {each.path: each.mode for each in context.application.initial}
    mounts: list[Body] = [{"name": OBJECT, "mountPath": FOLDER, "readOnly": True}]
    volumes: list[Body] = [{"name": OBJECT, "configMap": {"name": _write_script(context)}}]
    arguments: list[str] = []
    for number, each in enumerate(deliveries):
        name, folder = f"{OBJECT}-{number}", f"{FOLDER}-{number}"
        volumes.append(each.files.volume(name))
        claim = each.place.claim
        mounts += [
            {"name": name, "mountPath": f"{folder}/from", "readOnly": True},
            {"name": claim, "mountPath": f"{folder}/to", "subPath": each.place.folder},
            {"name": claim, "mountPath": f"{folder}/{DELIVERED}", "subPath": DELIVERED},
        ]
        for _, relative, _ in each.files.items:
            path = f"{each.path}/{relative}"
            mark = f"{folder}/{DELIVERED}/{digest(path)}"
            mode = f"{modes.get(path, 0o644):o}"
            arguments += [f"{folder}/from/{relative}", f"{folder}/to/{relative}", mark, mode]
    container: Body = {
        "name": OBJECT,
        "image": ImageName(workload.image.image),
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", f"{FOLDER}/{FILE}", *(word.replace("$", "$$") for word in arguments)],
        **({"securityContext": security} if security else {}),
        "volumeMounts": mounts,
    }
    return Delivering(container, volumes)


def _write_script(context: Context) -> str:
    if not any(each.kind == "ConfigMap" and each.name == OBJECT for each in context.objects):
        context.add(Stage.CONFIGURATION, "ConfigMap", OBJECT, {"data": {FILE: SCRIPT.lstrip()}})
    return OBJECT
