"""Repackages a Dify plugin for installation without internet access: with its wheels, without its lock file.

A `.difypkg` is a zip. When Dify's plugin daemon installs one, it creates a virtual environment and downloads
the dependencies from the internet (issues #14848, #15885, #36620). With `pyproject.toml` and `uv.lock` it
runs `uv sync --frozen`, which uses absolute addresses in the lock that no mirror can change. With only
`requirements.txt` it runs `uv pip install -r requirements.txt`, which honours options in that file.
Therefore the repackaged plugin has all wheels in `wheels/`, `--no-index --find-links=./wheels/` as the first
line of its requirements, and neither `pyproject.toml` nor `uv.lock`.
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
from bundler.image.platform import Platform
from bundler.language import tr

OPTIONS: Final = "--no-index --find-links=./wheels/"
PYTHON: Final = "3.12"
"""Python version of the plugin daemon's virtual environments."""
DROPPED: Final = frozenset({"uv.lock", "pyproject.toml", "requirements.txt", ".verification.dify.json"})
"""Files that are replaced, or no longer valid: the last one and the zip's comment are the signature."""
IGNORES: Final = frozenset({".difyignore", ".gitignore"})
MAX_UNPACKED: Final = 2 * 2**30
_MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
_GLIBC: Final = 39
"""Minor version of glibc in Ubuntu 24.04, the base of the plugin daemon's image."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can store."""
_PIP_LIMIT: Final = 1800


def repackage(package: bytes, name: str, platform: Platform, index: str | None = None) -> bytes:
    """Return the package with its wheels.

    Args:
        package: the original package.
        name: name of the package in errors.
        platform: platform of the wheels.
        index: Python package index; with None, pip's own configuration applies.

    Raises:
        BundleError: it is not a plugin package, or wheels for the platform are not supported.
        FetchError: wheels cannot be downloaded.
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
    """Return the wheels for a package that is carried unchanged, for a folder that the plugin daemon reads.

    With `requirements.txt`, these are its requirements, because `uv pip install` installs no others. With
    only a lock file, these are all packages of the lock: `uv sync` resolves for all platforms at once,
    including those on which it does not run.

    Returns:
        Wheels by file name; empty if the package contains its own.

    Raises:
        BundleError: it is not a plugin package, or cannot be installed this way.
        FetchError: wheels cannot be downloaded.
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
            tr(
                "{name}: has neither requirements.txt nor uv.lock, so its dependencies are unknown", name=name
            ),
            hint=tr("`mode: repackage` decides it at the build"),
        )
    wheels: dict[str, bytes] = {}
    pins = sorted(set(_locked(files, name)))
    while pins:  # one call of pip accepts only one version of a package
        batch = list({pin.partition("==")[0]: pin for pin in pins}.values())
        wheels |= _download(batch, [], name, platform, None, alone=True)
        pins = sorted(set(pins) - set(batch))
    return wheels


def _unpack(package: bytes, name: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
                raise BundleError(
                    tr(
                        "{name}: unpacks to more than {max_unpacked} bytes",
                        name=name,
                        max_unpacked=MAX_UNPACKED,
                    )
                )
            for entry in entries:
                path = PurePosixPath(entry.filename)
                if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
                    raise BundleError(
                        tr(
                            "{name}: a file would be outside the plugin: {filename!r}",
                            name=name,
                            filename=entry.filename,
                        )
                    )
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise BundleError(
            tr("{name}: is not a zip archive: {error}", name=name, error=error),
            hint=tr("use a .difypkg file"),
        ) from error
    if "manifest.yaml" not in files:
        raise BundleError(
            tr("{name}: is not a Dify plugin package: it has no manifest.yaml", name=name),
            hint=tr("use a .difypkg file"),
        )
    return files


def _requirements(files: dict[str, bytes], name: str) -> tuple[list[str], list[str]]:
    """Return the plugin's requirements, and the versions that its lock file pins, as constraints."""
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
                tr(
                    "{name}: requirements.txt: {text!r} is an option or a path, not a package",
                    name=name,
                    text=text,
                ),
                hint=tr("list packages by name and version"),
            )
        found.append(text)
    return found, _unambiguous(_locked(files, name))


def _locked(files: dict[str, bytes], name: str) -> list[str]:
    """Return `name==version` of each package that the lock file takes from an index."""
    locked = _toml(files, "uv.lock", name).get("package", []) if "uv.lock" in files else []
    return [
        f"{package['name']}=={package['version']}"
        for package in locked
        if "registry" in package.get("source", {}) and "version" in package
    ]


def _unambiguous(pins: Iterable[str]) -> list[str]:
    """Leave out packages with several versions in the lock, which are for different platforms."""
    by_name: dict[str, set[str]] = {}
    for pin in pins:
        by_name.setdefault(pin.partition("==")[0], set()).add(pin)
    return sorted(pin for same in by_name.values() if len(same) == 1 for pin in same)


def _text(files: dict[str, bytes], path: str, name: str) -> str:
    try:
        return files[path].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BundleError(tr("{name}: {path}: is not UTF-8", name=name, path=path)) from error


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
        name: name of the package in errors.
        python: version of CPython, like `3.12`.
        platform: platform of the wheels.
        options: options in addition to those that select the wheels.
        folder: working folder; untrusted input is in files there, not in the options.
        limit: time limit in seconds.

    Raises:
        BundleError: wheels for the platform are not supported.
        FetchError: it exceeds the time limit.
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
        raise FetchError(
            tr("{name}: pip did not download its wheels within {limit} s", name=name, limit=limit)
        ) from error


def why_pip_failed(errors: str) -> str:
    """Return the most informative line of pip's errors."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith("ERROR")] or lines or [tr("pip failed")]
    return telling[-1].removeprefix("ERROR: ")


def _hint(errors: str, platform: Platform) -> str:
    if "No module named pip" in errors:
        return tr("install pip in the Python environment of `bundle`")
    return tr(
        "it needs a wheel for CPython {python} on {platform}; if there is none, build it and point pip to "
        "its folder with it (PIP_FIND_LINKS)",
        python=PYTHON,
        platform=platform,
    )


def _tags(platform: Platform, name: str) -> list[str]:
    """Return platform tags (PEP 600), newest first, including older ones: pip accepts only the given tags."""
    machine = _MACHINES.get(platform.architecture)
    if platform.os != "linux" or machine is None:
        raise BundleError(
            tr("{name}: wheels for {platform} are not supported", name=name, platform=platform),
            hint=tr("`mode: carry` includes the package unchanged"),
        )
    names = [f"manylinux_2_{minor}" for minor in range(_GLIBC, 16, -1)]
    names += ["manylinux2014"]
    if machine == "x86_64":  # the older tags exist only for x86-64 among these machines
        names += ["manylinux_2_12", "manylinux2010", "manylinux_2_5", "manylinux1"]
    return [f"{tag}_{machine}" for tag in (*names, "linux")]


def _without_wheels(content: bytes) -> bytes:
    """Remove lines that ignore wheels: the daemon does not unpack ignored files."""
    kept = [
        line
        for line in content.splitlines(keepends=True)
        if not re.fullmatch(rb"/?(\*\*/)?(wheels(/.*)?|\*\.whl)", line.strip())
    ]
    return b"".join(kept)


def _pack(files: dict[str, bytes]) -> bytes:
    """Create a reproducible zip: the same files give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = 3  # Unix, so that the permissions are used
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_STORED if path.endswith(".whl") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[path])
    return target.getvalue()
