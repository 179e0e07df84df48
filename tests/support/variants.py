"""Later versions of the sample project, as a publisher would make them: a copy with changed files."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

Edit = Callable[[str], str]


def replace(old: str, new: str) -> Edit:
    """Return an edit that replaces text, which must occur."""

    def edit(text: str) -> str:
        assert old in text, old
        return text.replace(old, new)

    return edit


def append(more: str) -> Edit:
    """Return an edit that appends text."""
    return lambda text: text + more


def make_variant(source: Path, folder: Path, version: str, edits: dict[str, list[Edit]]) -> Path:
    """Copy a profile and the project beside it, with another version and edited files.

    Args:
        source: the profile; the project is in the folder beside it that has the profile's stem as name.
        folder: the target folder.
        version: of the copy.
        edits: path relative to `folder` -> edits.

    Returns:
        The copy of the profile.
    """
    folder.mkdir(parents=True)
    shutil.copytree(source.with_suffix(""), folder / source.stem)
    profile = folder / source.name
    profile.write_text(replace('version: "1.0"', f'version: "{version}"')(source.read_text()))
    for name, changes in edits.items():
        path = folder / name
        text = path.read_text()
        for change in changes:
            text = change(text)
        path.write_text(text)
    return profile


def add_layer(layout: Path, target: Path, files: dict[str, bytes]) -> Path:
    """Copy an OCI layout's only image with one more layer, so that a site already has all other layers."""
    shutil.copytree(layout, target)
    index = json.loads((target / "index.json").read_text())
    (entry,) = index["manifests"]

    def blob(digest: str) -> Path:
        return target / "blobs/sha256" / digest.removeprefix("sha256:")

    def put(content: bytes) -> tuple[str, int]:
        digest = hashlib.sha256(content).hexdigest()
        blob(digest).write_bytes(content)
        return f"sha256:{digest}", len(content)

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    digest, size = put(layer.getvalue())
    manifest = json.loads(blob(entry["digest"]).read_bytes())
    config = json.loads(blob(manifest["config"]["digest"]).read_bytes())
    config["rootfs"]["diff_ids"].append(digest)
    config.pop("history", None)
    manifest["config"]["digest"], manifest["config"]["size"] = put(json.dumps(config).encode())
    media_type = "application/vnd.oci.image.layer.v1.tar"
    manifest["layers"].append({"mediaType": media_type, "digest": digest, "size": size})
    entry["digest"], entry["size"] = put(json.dumps(manifest).encode())
    (target / "index.json").write_text(json.dumps(index))
    return target
