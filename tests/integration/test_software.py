"""The packages of a real image in its SBOM, compared with what dpkg-query and pip say of its files."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from tests.support.builder import Builder
from tests.support.images import build_images
from tests.support.programs import run

pytestmark = pytest.mark.engine
NAME = "docker.io/library/python:1"
PYTHON = "usr/lib/python3/dist-packages"


def named(layout: Path, target: Path) -> Path:
    """Return a copy of an OCI layout whose image has the name NAME."""
    shutil.copytree(layout, target, copy_function=os.link)
    index = json.loads((target / "index.json").read_text())
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": NAME}
    (target / "index.json").unlink()
    (target / "index.json").write_text(json.dumps(index))
    return target


def unpack(layout: Path, folder: Path) -> Path:
    """Unpack the metadata of packages from the image's layers, lowest first; there are no whiteouts."""
    blobs = layout / "blobs/sha256"
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    for layer in manifest["layers"]:
        with tarfile.open(blobs / layer["digest"][7:]) as tar:
            for member in tar:
                path = member.name.removeprefix("./")
                if path == "var/lib/dpkg/status" or path.startswith(f"{PYTHON}/"):
                    assert not Path(path).name.startswith(".wh.")
                    tar.extract(member, folder, filter="data")
    return folder


def test_dpkg_and_pip_list_the_same_packages(tmp_path: Path) -> None:
    layout = build_images(["python"])["python"]
    builder = Builder(tmp_path / "work", tmp_path / "cache")
    (builder.folder / "project").mkdir(parents=True)
    (builder.folder / "project/compose.yaml").write_text("services: {web: {image: 'python:1'}}\n")
    (builder.folder / "p.yaml").write_text(
        "application: compose\nversion: '1'\nsources: [archive]\n"
        f"archives: [{named(layout, tmp_path / 'layout')}]\nsettings: {{project: project, name: t}}\n"
    )
    builder.check("build", "-p", "./p.yaml", "--unsigned")
    (bundle,) = (builder.folder / "dist").glob("*.tar")
    with tarfile.open(bundle) as archive:
        file = archive.extractfile(f"{bundle.stem}/attestations/sbom.cdx.json")
        assert file
        document = json.loads(file.read())
    (image,) = document["components"]
    assert "properties" not in image, "nothing was left out"
    listed: dict[str, list[tuple[str, str]]] = {}
    for each in image["components"]:
        kind = each["purl"].removeprefix("pkg:").partition("/")[0]
        listed.setdefault(kind, []).append((each["name"], each["version"]))
    root = unpack(layout, tmp_path / "root")
    (root / "var/lib/dpkg/updates").mkdir()
    query = ("dpkg-query", "--admindir", root / "var/lib/dpkg", "-W", "-f", r"${Package}\t${Version}\n")
    said = [tuple(line.split("\t")) for line in run(*query).splitlines()]
    assert len(said) > 80
    assert sorted(listed["deb"]) == sorted(said)
    pip = run(sys.executable, "-m", "pip", "list", "--path", root / PYTHON, "--format", "json")
    assert sorted(listed["pypi"]) == sorted((each["name"], each["version"]) for each in json.loads(pip))
    assert document["metadata"]["component"]["name"] == "t"
