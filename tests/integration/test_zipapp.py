"""bundle.pyz: one file, run by a Python without any library; unpacked once, refused where it cannot run."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from bundler.errors import UsageError
from tests.support.programs import need_module, run
from tools.make_zipapp import find_libraries, library_files, make_zipapp, needed_glibc, requirements

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_module("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def made(wheel: Path) -> Path:
    target = wheel.with_name("bundle.pyz")
    make_zipapp(wheel, target, find_libraries(requirements()))
    return target


@pytest.fixture(scope="module")
def warm(made: Path) -> Path:
    """Return a cache in which it is unpacked."""
    cache = made.with_name("cache")
    assert start(made, cache, "--version").returncode == 0
    return cache


def start(
    file: Path, cache: Path, *words: str, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Start the file with a Python that has only the standard library."""
    return subprocess.run(
        [sys.executable, "-I", "-S", file, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(cache.parent), "BUNDLE_ZIPAPP_CACHE": str(cache)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def changed(made: Path, target: Path, **about: object) -> Path:
    """Write a copy of the file that says something else about itself."""
    with zipfile.ZipFile(made) as archive, zipfile.ZipFile(target, "w") as copy:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "about.json":
                content = json.dumps({**json.loads(content), **about}).encode()
            copy.writestr(name, content)
    return target


def test_it_works_without_any_library(made: Path, warm: Path, tmp_path: Path) -> None:
    assert start(made, warm, "keygen", folder=tmp_path).returncode == 0
    assert (tmp_path / "bundle.pub").exists()
    plugins = start(made, warm, "plugins", "--json")
    assert {"registry", "compose", "installer"} <= {one["name"] for one in json.loads(plugins.stdout)}
    assert os.access(made, os.X_OK)
    assert made.read_bytes().startswith(b"#!/usr/bin/env python3\n")


def test_a_template_is_rendered_by_a_process_of_its_own(made: Path, warm: Path, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml.j2").write_text("services: {a: {image: 'x:{{ version }}'}}\n")
    (tmp_path / "a.yaml").write_text("application: compose\nversion: '7'\nsettings: {project: .}\n")
    done = start(made, warm, "plan", "--profile", "./a.yaml", "--offline", folder=tmp_path)
    assert "x:7" in done.stderr, "the image is asked for by the rendered name"


def test_it_is_unpacked_once_for_this_user_alone(made: Path, warm: Path) -> None:
    (place,) = warm.iterdir()
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE(warm.stat().st_mode) == 0o700
    before = place.stat().st_ctime_ns
    assert start(made, warm, "--version").returncode == 0
    assert [each.stat().st_ctime_ns for each in warm.iterdir()] == [before]


def test_two_first_starts_at_once(made: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "BUNDLE_ZIPAPP_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-I", "-S", str(made), "--version"]
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    for process in running:
        process.communicate()
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"suffix": ".cpython-39-sparc-linux-gnu.so", "python": "3.9"}, "run it with that Python (python3.9"),
        ({"glibc": [99, 1]}, "this file needs glibc 99.1 or newer"),
        ({"sha256": "0" * 64}, "is damaged"),
    ],
)
def test_where_it_cannot_run_it_says_so(
    made: Path, tmp_path: Path, about: dict[str, object], says: str
) -> None:
    done = start(changed(made, tmp_path / "other.pyz", **about), tmp_path / "cache", "--version")
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "  hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("cache/*"))


def test_a_folder_in_which_others_can_write_is_refused(made: Path, warm: Path, tmp_path: Path) -> None:
    (place,) = warm.iterdir()
    shared = tmp_path / "shared"
    (shared / place.name).mkdir(parents=True)
    shared.chmod(0o777)
    refused = start(made, shared, "--version")
    assert refused.returncode == 2
    assert f"{shared} is not a folder that only this user can write to" in refused.stderr
    linked = tmp_path / "linked"
    linked.mkdir(mode=0o700)
    (linked / place.name).symlink_to(place)
    refused = start(made, linked, "--version")
    assert refused.returncode == 2
    assert f"{linked / place.name} is not a folder" in refused.stderr


def test_a_cache_that_cannot_be_made(made: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = start(made, tmp_path / "file/cache", "--version")
    assert done.returncode == 2
    assert "cannot unpack into" in done.stderr
    assert "BUNDLE_ZIPAPP_CACHE=/folder" in done.stderr


def test_the_same_wheel_and_libraries_give_the_same_bytes(wheel: Path, made: Path, tmp_path: Path) -> None:
    make_zipapp(wheel, tmp_path / "again.pyz", find_libraries(requirements()))
    assert (tmp_path / "again.pyz").read_bytes() == made.read_bytes()


def test_its_content_is_the_wheel_and_what_it_needs(wheel: Path, made: Path) -> None:
    with zipfile.ZipFile(made) as outer, zipfile.ZipFile(io.BytesIO(outer.read("content.zip"))) as content:
        names = set(content.namelist())
    with zipfile.ZipFile(wheel) as own:
        assert {name for name in own.namelist() if not name.endswith("/RECORD")} <= names
    assert {"click", "cryptography", "pydantic_core", "yaml", "zstandard"} <= {n.split("/")[0] for n in names}
    assert [name for name in names if name.startswith(("pytest", "pip/")) or ".." in name] == []
    assert [name for name in names if name.endswith((".pyc", "direct_url.json"))] == []


def make_library(folder: Path, record: str) -> PathDistribution:
    info = folder / "lib-1.dist-info"
    info.mkdir(parents=True)
    (folder / "lib.py").write_text("x = 1\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lib\nVersion: 1\n")
    (info / "WHEEL").write_text(
        "Tag: cp311-cp311-manylinux_2_28_x86_64\nTag: cp311-cp311-manylinux2014_x86_64\n"
    )
    (info / "RECORD").write_text(f"{record}\nlib-1.dist-info/RECORD,,\n../../bin/lib,sha256=x,1\n")
    return PathDistribution(info)


def test_a_library_that_was_changed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"lib: lib\.py was changed"):
        list(library_files(make_library(tmp_path / "a", "lib.py,sha256=AAAA,6")))
    with pytest.raises(UsageError, match=r"lib: lib\.py has no digest"):
        list(library_files(make_library(tmp_path / "b", "lib.py,,")))


def test_the_oldest_glibc_of_a_wheel_and_the_newest_of_all(tmp_path: Path) -> None:
    library = make_library(tmp_path / "a", "")
    assert needed_glibc([library]) == [2, 17]
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b/lib-1.dist-info/WHEEL").write_text("Tag: cp311-abi3-manylinux_2_34_x86_64\n")
    assert needed_glibc([library, PathDistribution(tmp_path / "b/lib-1.dist-info")]) == [2, 34]
    (tmp_path / "b/lib-1.dist-info/WHEEL").write_text("Tag: py3-none-any\n")
    assert needed_glibc([PathDistribution(tmp_path / "b/lib-1.dist-info")]) == []


def test_a_library_that_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match="no-such-library is not installed"):
        find_libraries(["no-such-library>=1; python_version > '3'"])
    assert find_libraries(["no-such-library; python_version < '3'"]) == []
