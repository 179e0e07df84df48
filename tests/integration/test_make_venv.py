"""`make venv`: what is missing is said with the remedy, and a half-made `.venv` is made again.

The Makefile and its script run in a copy of the checkout, with a package index that is a folder of wheels.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make_wheel(folder: Path, name: str, **files: str) -> None:
    """Write a wheel of version 99 that has only these modules."""
    info = f"{name}-99.dist-info"
    content = {
        **{f"{path}.py": text for path, text in files.items()},
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 99\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{name}-99-py3-none-any.whl", "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"]))


BACKEND = """
import zipfile
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    info, name = "checkout-1.dist-info", "checkout-1-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder, name), "w") as archive:
        archive.writestr("checkout.pth", str(Path.cwd()))
        about = "Metadata-Version: 2.1\\nName: checkout\\nVersion: 1\\nProvides-Extra: dev\\n"
        archive.writestr(f"{info}/METADATA", about)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(f"{info}/RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling"
[project]
name = "checkout"
version = "1"
[project.optional-dependencies]
dev = []
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a small project with our Makefile, and beside it the folder of wheels."""
    folder = tmp_path / "checkout"
    (folder / "tools").mkdir(parents=True)
    (folder / "bundler").mkdir()
    (folder / "bundler/__init__.py").touch()
    (folder / "pyproject.toml").write_text(PROJECT)
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "tools/make_venv.py", folder / "tools")
    (tmp_path / "wheels").mkdir()
    make_wheel(tmp_path / "wheels", "hatchling", hatchling=BACKEND)
    return folder


def make_venv(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE"))}
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(checkout.parent / "wheels")}
    return subprocess.run(
        ["make", "venv", f"PYTHON={environment.pop('PYTHON', sys.executable)}"],
        cwd=checkout, env={**own, **offline, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def imports_the_checkout(checkout: Path) -> bool:
    code = "import bundler; print(bundler.__file__)"
    command = [str(checkout / ".venv/bin/python"), "-P", "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return Path(found.stdout.strip()) == checkout / "bundler/__init__.py"


def test_it_is_made_once_and_repaired(checkout: Path) -> None:
    done = make_venv(checkout)
    assert done.returncode == 0, done.stderr
    assert "setting up .venv" in done.stdout
    assert imports_the_checkout(checkout)
    assert "setting up" not in make_venv(checkout).stdout, "it is whole"

    python = checkout / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/usr/bin/python-of-an-older-system")
    done = make_venv(checkout)
    assert done.returncode == 0, done.stderr
    assert ".venv is not whole, and is made again" in done.stdout
    assert imports_the_checkout(checkout)

    moved = checkout.rename(checkout.with_name("moved"))
    done = make_venv(moved)
    assert "setting up .venv" in done.stdout, "it imported what is no longer there"
    assert done.returncode == 0, done.stderr
    assert imports_the_checkout(moved)


def test_one_without_pip_is_made_again(checkout: Path) -> None:
    """Debian's Python leaves it behind where python3-venv is missing."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    done = make_venv(checkout)
    assert done.returncode == 0, done.stderr
    assert imports_the_checkout(checkout)


def test_a_package_index_that_does_not_answer(checkout: Path) -> None:
    done = make_venv(checkout, PIP_NO_INDEX="", PIP_FIND_LINKS="", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert done.returncode != 0
    assert "pip reaches no package index" in done.stderr
    assert "export HTTPS_PROXY=" in done.stderr
    assert "export PIP_NO_INDEX=1 PIP_FIND_LINKS=" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (checkout / ".venv/.installed").exists()


def test_no_python(checkout: Path) -> None:
    done = make_venv(checkout, PYTHON="python-that-nobody-has")
    assert done.returncode != 0
    assert "python-that-nobody-has is not installed" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def test_a_python_that_is_too_old(checkout: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    script = "import sys; sys.version_info = (3, 9); exec(sys.argv.pop(2))"
    old.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{script}' \"$@\"\n")
    old.chmod(0o755)
    done = make_venv(checkout, PYTHON=str(old))
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed, this is 3.9" in done.stderr


def test_a_python_without_venv(checkout: Path, tmp_path: Path) -> None:
    """As Debian's, without the package python3-venv."""
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    (lacking / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'ensurepip' else find(name, *rest)\n"
    )
    done = make_venv(checkout, PYTHONPATH=str(lacking))
    assert done.returncode != 0
    assert "it lacks ensurepip" in done.stderr
    assert "-venv (or python3-venv)" in done.stderr
    assert not (checkout / ".venv").exists()
