"""Wheels for Dify's Code nodes."""

from __future__ import annotations

import zipfile
from pathlib import Path

from bundler.api.application import ApplicationModel
from tests.support import dify


def write_wheel(folder: Path, name: str, version: str, *needs: str, tags: str = "py3-none-any") -> str:
    """Write a wheel with one module that pip accepts (PyPA binary distribution format)."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
    purelib = "true" if tags.endswith("-any") else "false"
    about = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {purelib}\nTag: {tags}\n"
    files = {f"{name}.py": f"VERSION = '{version}'\n", f"{info}/METADATA": metadata, f"{info}/WHEEL": about}
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    target = f"{name}-{version}-{tags}.whl"
    with zipfile.ZipFile(folder / target, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return target


def packed(folder: Path, *wheels: str, **more: object) -> ApplicationModel:
    """Return the model of Dify with these wheels for its Code nodes."""
    packages = {"python": "3.13", "wheels": list(wheels), **more}
    return dify.model({"code_packages": packages}, folder)


def carried(application: ApplicationModel) -> set[str]:
    """Return the wheel files that the bundle carries."""
    return {file.path for file in application.files if file.path.startswith("code-packages/")}
