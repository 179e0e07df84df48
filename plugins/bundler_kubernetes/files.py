"""Configuration files as ConfigMaps, and as Secrets where they contain secrets of the site."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bundler.api.application import ConfigFile
from bundler.language import tr, tr_later
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.names import object_name, short_name
from bundler_kubernetes.objects import Body, KubeObject, Stage
from bundler_kubernetes.text import Text, names_in, parse, parse_template

LARGEST: Final = 1 << 20
"""Bytes of a ConfigMap or a Secret: k8s.io/api, core/v1, MaxSecretSize."""
SAFE_VALUE: Final = r"[A-Za-z0-9_./@%+=:,-]*"
"""Values that mean the same in every format of configuration files, in and out of quotes."""


@dataclass(frozen=True)
class FileMount:
    """A file, or a folder of files, as an object that pods mount.

    Attributes:
        object: ConfigMap or Secret.
        items: key of the object, path below the mounted folder, mode.
        single: whether the source is one file, which is mounted by its key.
    """

    object: KubeObject
    items: tuple[tuple[str, str, int], ...]
    single: bool

    def volume(self, name: str) -> Body:
        """Return the volume of a pod."""
        items = [{"key": key, "path": path, "mode": mode} for key, path, mode in self.items]
        if self.object.kind == "Secret":
            return {"name": name, "secret": {"secretName": self.object.name, "items": items}}
        return {"name": name, "configMap": {"name": self.object.name, "items": items}}


class Files:
    """The files of an application as objects, each once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._made: dict[str, FileMount | None] = {}
        self._granted: dict[tuple[str, str], KubeObject] = {}

    def find(self, source: str, workload: Workload, key: str) -> FileMount | None:
        """Return a file or folder below `config/`; None if it is refused."""
        path = posixpath.normpath(source)
        if path not in self._made:
            self._made[path] = self._of_path(path, workload, key)
        return self._made[path]

    def grant(self, kind: str, name: str, workload: Workload, mode: int) -> FileMount | None:
        """Return an entry of `configs` or `secrets` of the document."""
        entry = (self._context.document.get(kind) or {}).get(name) or {}
        items = (("content", "content", mode),)
        if (kind, name) in self._granted:
            return FileMount(self._granted[kind, name], items, single=True)
        data: dict[str, Text | bytes]
        if entry.get("file"):
            path = posixpath.normpath(str(entry["file"]))
            file = self._context.files.get(path)
            if file is None:
                self._context.findings.refuse(
                    workload.subject, f"{kind}.{name}", tr("{path} is not in the bundle", path=path)
                )
                return None
            data = {"content": self._read(file)}
        elif entry.get("environment"):
            data = {"content": parse(f"${{{entry['environment']}}}")}
        elif entry.get("content") is not None:
            data = {"content": parse(str(entry["content"]))}
        else:
            self._context.findings.refuse(
                workload.subject, f"{kind}.{name}", tr("its content is not in the bundle")
            )
            return None
        label = short_name(f"{kind}-{name}")
        made = self._write(
            label, data, secret=kind == "secrets", subject=workload.subject, key=f"{kind}.{name}"
        )
        self._granted[kind, name] = made
        return FileMount(made, items, single=True)

    def _of_path(self, path: str, workload: Workload, key: str) -> FileMount | None:
        files = self._context.files
        single = path in files
        found = [path] if single else sorted(each for each in files if each.startswith(f"{path}/"))
        if not found:
            self._context.findings.refuse(workload.subject, key, tr("{path} is not in the bundle", path=path))
            return None
        data: dict[str, Text | bytes] = {}
        items = []
        for each in found:
            name = _key(each, path, data)
            if not single and posixpath.relpath(each, path).startswith(".."):
                reason = tr("no folder of a pod has a file whose name begins with `..`: {path}", path=each)
                self._context.findings.refuse(workload.subject, key, reason, tr("rename it"))
            data[name] = self._read(files[each])
            items.append((name, each if single else posixpath.relpath(each, path), files[each].mode & 0o777))
        if single:
            items = [(name, name, mode) for name, _, mode in items]
        made = self._write(short_name(f"file-{path}"), data, secret=False, subject=workload.subject, key=path)
        return FileMount(made, tuple(items), single)

    def _read(self, file: ConfigFile) -> Text | bytes:
        raw = file.read()
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return raw
        if file.template is None:
            return text
        found = parse_template(text)
        if file.template != "text":
            for name in names_in(found):
                self._context.in_files.setdefault(name, set()).add(file.template)
        return found

    def _write(
        self, name: str, data: Mapping[str, Text | bytes], *, secret: bool, subject: str, key: str
    ) -> KubeObject:
        total = sum(len(each if isinstance(each, bytes) else _known(each)) for each in data.values())
        if total > LARGEST:
            self._context.findings.refuse(
                subject,
                key,
                tr("{size} bytes are more than a ConfigMap holds, 1 MiB", size=total),
                tr("put large files into the image, or into a volume"),
            )
        secret = secret or any(self._context.is_secret(each) for each in data.values())
        texts: dict[str, Any] = {k: each for k, each in data.items() if not isinstance(each, bytes)}
        binary = {k: base64.b64encode(each).decode() for k, each in data.items() if isinstance(each, bytes)}
        content: Body = {"type": "Opaque"} if secret else {}
        if texts:
            content["stringData" if secret else "data"] = texts
        if binary:
            content["data" if secret else "binaryData"] = binary
        return self._context.add(
            Stage.CONFIGURATION, "Secret" if secret else "ConfigMap", name, content, origin=key
        )


def note_writable(context: Context, workload: Workload, target: str) -> None:
    """Report a file that the service could write with Compose."""
    context.findings.note(
        workload.subject,
        "volumes",
        tr_later("{target} is read-only, as all configuration files are"),
        target=target,
    )


def _key(path: str, folder: str, taken: Mapping[str, object]) -> str:
    """Return a key for a file: its name, or its path in the folder with other characters as `-`."""
    relative = posixpath.basename(path) if path == folder else posixpath.relpath(path, folder)
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "-" for c in relative)
    key, number = f"file{plain}"[:200] if plain == "." or plain.startswith("..") else plain[:200], 2
    while key in taken:
        key, number = f"{object_name(plain)[:190]}-{number}", number + 1
    return key


def _known(text: Text) -> bytes:
    return (text if isinstance(text, str) else text.expression).encode()
