"""Makes a Dify plugin package installable without internet: with its wheels inside, without its lock file.

A `.difypkg` is a zip. Dify's plugin daemon makes a virtual environment when it installs one, and takes what
its files ask for from the internet (issues #14848, #15885, #36620): with `pyproject.toml` and `uv.lock` by
`uv sync --frozen`, from absolute addresses in the lock that no mirror changes. With `requirements.txt` alone
it runs `uv pip install -r requirements.txt`, which honours options at the head of that file. So: all wheels
into `wheels/`, `--no-index --find-links=./wheels/` at the head, and no `pyproject.toml` or `uv.lock`.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, Final

from bundler.errors import BundleError, FetchError
from bundler.image.oci import Platform

OPTIONS: Final = "--no-index --find-links=./wheels/"
PYTHON: Final = "3.12"
"""Of the plugin daemon's virtual environments."""
DROPPED: Final = frozenset({"uv.lock", "pyproject.toml", "requirements.txt", ".verification.dify.json"})
"""Replaced, or true of the package only as it came: the last one and the zip's comment are its signature."""
IGNORES: Final = frozenset({".difyignore", ".gitignore"})
MAX_UNPACKED: Final = 2 * 2**30
_MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
_GLIBC: Final = 39
"""Minor version of glibc in Ubuntu 24.04, which the plugin daemon's image is made from."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that zip knows."""
_PIP_LIMIT: Final = 1800


def repackage(package: bytes, name: str, platform: Platform, index: str | None = None) -> bytes:
    """The package with its wheels.

    Args:
        package: as it came.
        name: what errors call it.
        platform: what the wheels are for.
        index: Python package index; pip's own configuration where it is None.

    Raises:
        BundleError: it is not a plugin package, or needs something that has no wheel for the platform.
        FetchError: wheels cannot be had.
    """
    files = _unpack(package, name)
    requirements, constraints = _requirements(files, name)
    wheels = _download(requirements, constraints, name, platform, index) if requirements else {}
    kept = {path: content for path, content in files.items() if path not in DROPPED}
    for path in IGNORES & kept.keys():
        kept[path] = _without_wheels(kept[path])
    kept["requirements.txt"] = "".join(f"{line}\n" for line in (OPTIONS, *requirements)).encode()
    return _pack(kept | {f"wheels/{wheel}": content for wheel, content in wheels.items()})


def gather_wheels(package: bytes, name: str, platform: Platform) -> dict[str, bytes]:
    """Wheels for a package that is carried as it is: for a folder that its daemon looks into.

    With `requirements.txt`, what that asks for; `uv pip install` takes no more. With a lock file alone, every
    package of the lock: `uv sync` resolves for all platforms at once, also for those it does not run on.

    Returns:
        File name -> wheel; none where the package brings its own.

    Raises:
        BundleError: it is not a plugin package, or cannot be installed this way.
        FetchError: wheels cannot be had.
    """
    files = _unpack(package, name)
    if any(path.startswith("wheels/") for path in files):
        return {}
    requirements, constraints = _requirements(files, name)
    if not requirements:
        return {}
    if "requirements.txt" in files:
        return _download(requirements, constraints, name, platform, None)
    if "uv.lock" not in files:
        raise BundleError(
            f"{name}: has neither requirements.txt nor uv.lock, so its dependencies are unknown",
            hint="`mode: repackage` decides it at the build",
        )
    wheels: dict[str, bytes] = {}
    pins = sorted(set(_locked(files, name)))
    while pins:  # pip takes one version of a package at a time
        batch = list({pin.partition("==")[0]: pin for pin in pins}.values())
        wheels |= _download(batch, [], name, platform, None, alone=True)
        pins = sorted(set(pins) - set(batch))
    return wheels


def _unpack(package: bytes, name: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
                raise BundleError(f"{name}: unpacks to more than {MAX_UNPACKED} bytes")
            for entry in entries:
                path = PurePosixPath(entry.filename)
                if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
                    raise BundleError(f"{name}: a file would be outside the plugin: {entry.filename!r}")
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise BundleError(f"{name}: is not a zip archive: {error}", hint="use a .difypkg file") from error
    if "manifest.yaml" not in files:
        raise BundleError(
            f"{name}: is not a Dify plugin package: it has no manifest.yaml", hint="use a .difypkg file"
        )
    return files


def _requirements(files: dict[str, bytes], name: str) -> tuple[list[str], list[str]]:
    """What the plugin needs, and what its lock file pins of that and of what it brings along."""
    if "requirements.txt" in files:
        lines = _text(files, "requirements.txt", name).splitlines()
    elif "pyproject.toml" in files:
        lines = _toml(files, "pyproject.toml", name).get("project", {}).get("dependencies", [])
    else:
        lines = []
    found = []
    for line in lines:
        text = re.sub(r"(^|\s)#.*", "", str(line)).strip()
        if re.match(r"--?(no-index|find-links|f\b)", text) or not text:
            continue
        if text.startswith(("-", ".", "/")) or "\\" in text:
            raise BundleError(
                f"{name}: requirements.txt: {text!r} is an option or a path, not a package",
                hint="list packages by name and version",
            )
        found.append(text)
    return found, _unambiguous(_locked(files, name))


def _locked(files: dict[str, bytes], name: str) -> list[str]:
    """`name==version` of each package that the lock file takes from an index."""
    locked = _toml(files, "uv.lock", name).get("package", []) if "uv.lock" in files else []
    return [
        f"{package['name']}=={package['version']}"
        for package in locked
        if "registry" in package.get("source", {}) and "version" in package
    ]


def _unambiguous(pins: Iterable[str]) -> list[str]:
    """Without the packages of which a lock has several versions, each for another platform."""
    by_name: dict[str, set[str]] = {}
    for pin in pins:
        by_name.setdefault(pin.partition("==")[0], set()).add(pin)
    return sorted(pin for same in by_name.values() if len(same) == 1 for pin in same)


def _text(files: dict[str, bytes], path: str, name: str) -> str:
    try:
        return files[path].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BundleError(f"{name}: {path}: is not UTF-8") from error


def _toml(files: dict[str, bytes], path: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(files, path, name))
    except tomllib.TOMLDecodeError as error:
        raise BundleError(f"{name}: {path}: {error}") from error


def _download(
    requirements: list[str],
    constraints: list[str],
    name: str,
    platform: Platform,
    index: str | None,
    *,
    alone: bool = False,
) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="dify-plugin-") as scratch:
        folder = Path(scratch)
        (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
        (folder / "constraints.txt").write_text("\n".join(constraints) + "\n", encoding="utf-8")
        options = ["--dest=wheels", "--requirement=requirements.txt", "--constraint=constraints.txt"]
        options += [f"--index-url={index}"] if index else []
        options += ["--no-deps"] if alone else []
        result = pip_download(name, PYTHON, platform, options, folder, limit=_PIP_LIMIT)
        if result.returncode:
            raise FetchError(f"{name}: {why_pip_failed(result.stderr)}", hint=_hint(result.stderr, platform))
        return {path.name: path.read_bytes() for path in sorted((folder / "wheels").iterdir())}


def pip_download(
    name: str, python: str, platform: Platform, options: list[str], folder: Path, *, limit: int
) -> subprocess.CompletedProcess[str]:
    """Run `pip download` in a folder, for wheels of another CPython and platform.

    Args:
        name: what they are for, in errors.
        python: `3.12`, of the CPython.
        platform: of the wheels.
        options: besides those that choose such wheels.
        folder: where it runs; what strangers say is in files there, not among the options.
        limit: seconds that it may take.

    Raises:
        BundleError: the platform has no wheels.
        FetchError: it takes too long.
    """
    command = [sys.executable, "-m", "pip", "download"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    command += [f"--platform={tag}" for tag in _tags(platform, name)]
    try:
        return subprocess.run(  # noqa: S603 a fixed command
            [*command, *options], cwd=folder, capture_output=True, text=True, check=False, timeout=limit
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{name}: pip did not download its wheels within {limit} s") from error


def why_pip_failed(errors: str) -> str:
    """The line of pip's errors that tells most."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith("ERROR")] or lines or ["pip failed"]
    return telling[-1].removeprefix("ERROR: ")


def _hint(errors: str, platform: Platform) -> str:
    if "No module named pip" in errors:
        return "install pip in the Python environment of `bundle`"
    return (
        f"it needs a wheel for CPython {PYTHON} on {platform}; if there is none, build it and point"
        " pip to its "
        "folder with it (PIP_FIND_LINKS)"
    )


def _tags(platform: Platform, name: str) -> list[str]:
    """Platform tags (PEP 600), the newest first: pip takes those that are named, and no older ones."""
    machine = _MACHINES.get(platform.architecture)
    if platform.os != "linux" or machine is None:
        raise BundleError(
            f"{name}: wheels for {platform} are not supported",
            hint="`mode: carry` includes the package unchanged",
        )
    names = [f"manylinux_2_{minor}" for minor in range(_GLIBC, 16, -1)]
    names += ["manylinux2014"]
    if machine == "x86_64":  # the older ones know no other
        names += ["manylinux_2_12", "manylinux2010", "manylinux_2_5", "manylinux1"]
    return [f"{tag}_{machine}" for tag in (*names, "linux")]


def _without_wheels(content: bytes) -> bytes:
    """What is ignored is left out when the daemon unpacks the package."""
    kept = [
        line
        for line in content.splitlines(keepends=True)
        if not re.fullmatch(rb"/?(\*\*/)?(wheels(/.*)?|\*\.whl)", line.strip())
    ]
    return b"".join(kept)


def _pack(files: dict[str, bytes]) -> bytes:
    """The same files in, the same bytes out."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = 3  # Unix: the permissions count
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_STORED if path.endswith(".whl") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[path])
    return target.getvalue()
