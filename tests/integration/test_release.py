"""Releases: built with a temporary key, verified by the documented commands, reproducible."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from bundler import __version__
from tests.support.programs import need_module, run

ROOT = Path(__file__).parents[2]
EPOCH = 1_700_000_000


def release(folder: Path, key: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "tools/release.py", "--output", folder, "--key", key, *options],
        env={
            **os.environ,
            "SOURCE_DATE_EPOCH": str(EPOCH),
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins"))),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("key")
    run(sys.executable, "-m", "bundler", "keygen", "--output", folder, env={**os.environ, **paths()})
    return folder / "bundle.key"


def paths() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins")))}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Path:
    for module in ("cyclonedx", "hatchling", "mkdocs"):
        need_module(module)
    folder = tmp_path_factory.mktemp("release") / "one"
    done = release(folder, key, "--trial")
    assert done.returncode == 0, done.stderr
    return folder


def test_the_files_of_a_release(built: Path) -> None:
    stem = f"bundler_airgap-{__version__}"
    assert {path.name for path in built.iterdir()} == {
        f"{stem}.tar.gz",
        f"{stem}-py3-none-any.whl",
        f"bundle-{__version__}-{EXTENSION_SUFFIXES[0].split('.')[1]}.pyz",
        f"bundler-airgap-{__version__}.cdx.json",
        "SHA256SUMS",
        "SHA256SUMS.sig",
    }
    with zipfile.ZipFile(built / f"{stem}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    assert f"{stem}.dist-info/licenses/LICENSE" in names
    assert "bundler_installer/shell/main.sh" in names
    assert {
        "bundler/site/index.html",
        "bundler/site/zh/how-to/build.html",
        "bundler/pages/how-to/build.md",
    } <= names


def test_the_commands_of_the_page_verify_it(built: Path, key: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to/release.md").read_text()
    (block,) = re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL)
    for path in built.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "release.pub").write_bytes(key.with_suffix(".pub").read_bytes())
    assert "Verified OK" in run("sh", "-ec", block, cwd=tmp_path)
    (tmp_path / "SHA256SUMS").write_text((tmp_path / "SHA256SUMS").read_text().replace("a", "b"))
    assert (
        subprocess.run(["sh", "-ec", block], cwd=tmp_path, capture_output=True, check=False).returncode != 0
    )


def test_a_release_made_again_is_the_same(built: Path, key: Path, tmp_path: Path) -> None:
    assert release(tmp_path / "two", key, "--trial").returncode == 0
    for path in built.iterdir():
        assert (tmp_path / "two" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_sbom_names_the_files_and_all_libraries(built: Path) -> None:
    document = json.loads((built / f"bundler-airgap-{__version__}.cdx.json").read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    components = {one["name"]: one for one in document["components"]}
    for path in (*built.glob("*.whl"), *built.glob("*.tar.gz"), *built.glob("*.pyz")):
        (digest,) = components[path.name]["hashes"]
        assert digest == {"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = {re.split(r"[^a-z0-9-]", one)[0] for one in project["dependencies"]}
    assert direct <= set(components)
    assert {"cffi", "pydantic-core"} <= set(components), "what libraries need is in it too"
    assert "pytest" not in components
    needs = {one["ref"]: set(one.get("dependsOn", ())) for one in document["dependencies"]}
    assert needs[project["name"]] == direct
    assert "cffi" in needs["cryptography"]


def test_what_is_not_ready_is_refused(built: Path, key: Path, tmp_path: Path) -> None:
    again = release(built, key, "--trial")
    assert (again.returncode, "is not empty" in again.stderr) == (2, True)
    unready = release(tmp_path / "release", key)
    assert unready.returncode == 2
    assert re.search(r"working tree has changes|has no date for", unready.stderr)
    assert "--trial" in unready.stderr
    assert not (tmp_path / "release").exists()
