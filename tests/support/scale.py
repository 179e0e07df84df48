"""Quickly made images that are large or numerous, and builds of them with costs counted by the kernel."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from examples.demo.sample_registry import Document, Image, encode, make_layer, pack_image

COUNT = """
import atexit, json, sys
from pathlib import Path

numbers_file = Path(sys.argv.pop(1))

def count():
    io = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024  # ru_maxrss begins at the parent's
    numbers = {"read": int(io["rchar"]), "written": int(io["wchar"]), "peak": peak}
    numbers_file.write_text(json.dumps({**numbers, "modules": sorted(sys.modules)}))

from bundler.cli.main import main
atexit.register(count)
main()
"""


@dataclass(frozen=True)
class Costs:
    """What a run of `bundle` cost.

    Attributes:
        read: bytes of files, read or copied inside the kernel; bytes from sockets do not count.
        written: bytes of files, counted in the same way.
        peak: peak memory in bytes.
        modules: imported modules.
        out: its standard output.
    """

    read: int
    written: int
    peak: int
    modules: frozenset[str]
    out: str


def run_counted(folder: Path, *arguments: str | Path) -> Costs:
    """Run `bundle` in `folder`, which must succeed; return its costs."""
    numbers = folder / "costs.json"
    result = subprocess.run(
        [sys.executable, "-c", COUNT, numbers, *arguments],
        cwd=folder,
        env={**os.environ, "BUNDLE_CACHE": str(folder / "cache")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    found = json.loads(numbers.read_text())
    return Costs(found["read"], found["written"], found["peak"], frozenset(found["modules"]), result.stdout)


def write_profile(folder: Path, images: Mapping[str, str]) -> Path:
    """Write a profile `scale` for a project that runs `images`: service -> reference."""
    project = folder / "project"
    project.mkdir(parents=True)
    services = {name: {"image": reference} for name, reference in images.items()}
    (project / "compose.yaml").write_text(yaml.safe_dump({"name": "scale", "services": services}))
    profile = folder / "scale.yaml"
    settings = {"project": "project", "title": "Scale"}
    profile.write_text(yaml.safe_dump({"application": "compose", "version": "1", "settings": settings}))
    return profile


def huge_image(folder: Path, size: int) -> Image:
    """Return an image with one layer of `size` zero bytes, a sparse file that takes no disk space."""
    layer = folder / f"sparse-{size}"
    with layer.open("wb") as file:
        file.truncate(size)
    with layer.open("rb") as file:
        diff_id = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    image = pack_image(_config([diff_id], "huge"), [layer])
    manifest = Document(image.manifest.media_type, image.manifest.raw.replace(b".tar+gzip", b".tar"))
    return dataclasses.replace(image, manifest=manifest)


def many_images(count: int, *, shared: int, own: int = 1) -> list[Image]:
    """Return images with `shared` common layers, and `own` small layers each."""
    common = [make_layer({f"usr/share/{n}": os.urandom(20_000)}) for n in range(shared)]
    images = []
    for number in range(count):
        layers = [*common, *(make_layer({f"opt/{number}-{n}": os.urandom(2_000)}) for n in range(own))]
        config = _config([diff_id for _, diff_id in layers], str(number))
        images.append(pack_image(config, [layer for layer, _ in layers]))
    return images


def _config(diff_ids: list[str], name: str) -> bytes:
    return encode(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": {"Cmd": ["/bin/sh"], "Labels": {"name": name}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    )
