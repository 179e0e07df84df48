"""Dify's plugins: repackaged by the real pip from a package index, installed by uv without a network."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bundler.errors import FetchError
from bundler.image.platform import Platform
from bundler_dify import offline
from bundler_dify.repackage import OPTIONS, repackage
from tests.support import dify
from tests.support.dify_plugins import FILES, MANIFEST, pack, unpack
from tests.support.programs import need_root

NOWHERE = offline.NOWHERE + "/simple"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUNDLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def uv(folder: Path, *arguments: str | Path, network: bool = False) -> None:
    """Run uv as the plugin daemon does, in a clean environment and, by default, without a network."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "UV_CACHE_DIR": str(folder.parent / "uv")}
    environment = {**os.environ, "UV_SYSTEM_CERTS": "true"} if network else environment
    away = [] if network else ["unshare", "--net"]
    found = subprocess.run(
        [*away, sys.executable, "-m", "uv", *map(str, arguments)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


def extract(package: bytes, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(folder)


@pytest.mark.network
@pytest.mark.root
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_a_repackaged_plugin_installs_with_the_network_taken_away(architecture: str, tmp_path: Path) -> None:
    need_root()
    package = repackage(pack(FILES), "hello.difypkg", Platform.parse(f"linux/{architecture}"))
    files = unpack(package)
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
    wheels = sorted((name for name in files if name.startswith("wheels/")), key=str.lower)
    # The versions pinned in the lock are packaged, not the newest ones.
    assert wheels[0] == "wheels/jinja2-3.1.4-py3-none-any.whl"
    assert wheels[1].startswith("wheels/MarkupSafe-2.1.5-cp312-cp312-manylinux")
    assert wheels[1].endswith(f"{machine}.whl")
    assert len(wheels) == 2
    assert not {"uv.lock", "pyproject.toml", ".verification.dify.json"} & files.keys()
    assert files["requirements.txt"].decode() == f"{OPTIONS}\njinja2>=3.1,<4\n"
    assert files[".difyignore"] == b".venv/\n__pycache__/\n"
    assert files["main.py"] == FILES["main.py"]

    extract(package, tmp_path / "plugin")
    uv(
        tmp_path / "plugin", "pip", "install", "--prerelease=allow", "-i", NOWHERE, "-r", "requirements.txt",
        "--target", tmp_path / "site", "--python-version=3.12", f"--python-platform={machine}-manylinux_2_39",
    )  # fmt: skip
    assert (tmp_path / "site" / "jinja2").is_dir()
    assert (tmp_path / "site" / "markupsafe").is_dir()


@pytest.mark.network
@pytest.mark.root
@pytest.mark.parametrize("how", ["requirements.txt", "uv.lock"])
def test_a_carried_plugin_installs_from_the_wheels_beside_it(how: str, tmp_path: Path) -> None:
    need_root()
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    project = b'[project]\nname = "hello"\nversion = "0.0.1"\nrequires-python = ">=3.11"\n'
    files = {"manifest.yaml": MANIFEST, "pyproject.toml": project + b'dependencies = ["click==8.1.8"]\n'}
    if how == "uv.lock":
        (plugin / "pyproject.toml").write_bytes(files["pyproject.toml"])
        uv(plugin, "lock", "--cache-dir", tmp_path / "other", network=True)
        files[how] = (plugin / how).read_bytes()
    else:
        files[how] = b"click==8.1.8\n"
    (tmp_path / "hello.difypkg").write_bytes(pack(files))
    application = dify.model({"plugins": [{"path": "hello.difypkg", "mode": "carry"}]}, tmp_path)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for file in application.files:
        if file.path.startswith("plugin-wheels/") and isinstance(file.content, Path):
            shutil.copy(file.content, wheels)
    # uv resolves a lock for all platforms at once, so packages that only Windows needs must be included.
    assert len(list(wheels.iterdir())) == (2 if how == "uv.lock" else 1)
    extract((tmp_path / "hello.difypkg").read_bytes(), plugin)
    told = dify.environment(application, "plugin_daemon")
    options = told["PIP_EXTRA_ARGS"].replace("/etc/dify/plugin-wheels", str(wheels)).split()
    if how == "uv.lock":  # PLUGIN_IGNORE_UV_LOCK omits --frozen
        uv(plugin, "sync", "--no-dev", "--prerelease=allow", "-i", told["PIP_MIRROR_URL"], *options)
        assert list(plugin.glob(".venv/lib/python*/site-packages/click"))
    else:
        target = ("--target", tmp_path / "site")
        asked = ("-i", told["PIP_MIRROR_URL"], "-r", "requirements.txt")
        uv(plugin, "pip", "install", "--prerelease=allow", *asked, *options, *target)
        assert (tmp_path / "site/click").is_dir()


@pytest.mark.network
def test_the_same_package_is_repackaged_to_the_same_bytes() -> None:
    wanted = {name: FILES[name] for name in ("manifest.yaml", "pyproject.toml", "uv.lock")}
    first = repackage(pack(wanted), "x", dify.AMD64)
    assert first == repackage(pack(dict(reversed(wanted.items()))), "x", dify.AMD64)


@pytest.mark.network
def test_a_package_without_a_wheel_fails_the_build() -> None:
    files = {"manifest.yaml": MANIFEST, "requirements.txt": b"docopt==0.6.2\n"}
    with pytest.raises(FetchError, match=r"hello\.difypkg: .*docopt") as error:
        repackage(pack(files), "hello.difypkg", dify.AMD64)
    assert "wheel" in str(error.value.hint)
