"""The benchmark's images, built from Debian packages, in a real registry on loopback, in three sizes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.support.engines import DistributionRegistry
from tests.support.images import build_images

RECIPES = Path(__file__).parent / "images"
"""Recipes that keep apt's indexes and archives, so that the images are larger than those of the tests."""
SERVICES = ("redis", "nginx", "postgres")
PROGRAMS = ("java", "browser", "compilers", "office")
DATA = ("fonts", "symbols")
SIZES = {"small": SERVICES, "medium": SERVICES + PROGRAMS, "large": SERVICES + PROGRAMS + DATA}
"""Images of each size: about 0.4, 2 and 6 GB of gzip layers. All images share one base layer."""


@dataclass(frozen=True)
class Workload:
    """Images in a registry, and a profile that bundles them.

    Attributes:
        size: `small`, `medium` or `large`.
        host: address of the registry, `127.0.0.1:<port>`.
        images: repository and tag of each image in the registry.
        layers: bytes of all distinct blobs.
        profile: a profile whose Compose project runs every image.
    """

    size: str
    host: str
    images: tuple[str, ...]
    layers: int
    profile: Path


def prepare(size: str, registry: DistributionRegistry, folder: Path) -> Workload:
    """Build the images that are not cached, push them, and write the profile."""
    names = SIZES[size]
    layouts = build_images(list(names), RECIPES)
    images = []
    for name in names:
        images.append(f"library/{name}:1")
        registry.push(layouts[name], images[-1])
    project = folder / size
    project.mkdir(parents=True)
    services = {name: {"image": f"docker.io/library/{name}:1"} for name in names}
    (project / "compose.yaml").write_text(yaml.safe_dump({"name": size, "services": services}))
    profile = folder / f"{size}.yaml"
    profile.write_text(
        yaml.safe_dump(
            {"application": "compose", "version": "1.0", "settings": {"project": size, "title": size}}
        )
    )
    return Workload(size, registry.host, tuple(images), _distinct(list(layouts.values())), profile)


def _distinct(layouts: Sequence[Path]) -> int:
    sizes: dict[str, int] = {}
    for layout in layouts:
        index = json.loads((layout / "index.json").read_text())
        for entry in index["manifests"]:
            manifest = json.loads(_blob(layout, entry["digest"]).read_text())
            sizes |= {b["digest"]: b["size"] for b in (manifest["config"], *manifest["layers"])}
    return sum(sizes.values())


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / "sha256" / digest.partition(":")[2]
