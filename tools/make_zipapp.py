"""Makes bundle.pyz, the program with its libraries in one file, for machines without pip: `make zipapp`.

The file is for the Python version and the platform that make it, because some libraries are compiled. It
takes the libraries of this environment, file by file as their wheels brought them, and compares each with its
RECORD. At the first start, `zipapp_main.py` unpacks them.

shiv and pex make such files too, with a start-up of their own, and install the libraries again from an index.
What is needed here is less: to unpack, to compare a digest, and to refuse another Python.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.machinery
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bundler import __version__
from bundler.errors import BundleError, UsageError

ROOT: Final = Path(__file__).resolve().parents[1]
LEFT_OUT: Final = frozenset({"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"})
"""Files that pip writes beside those of a wheel, into its .dist-info."""
MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""Time of every member, the earliest of the format."""
_GLIBC = re.compile(r"manylinux_(\d+)_(\d+)_")


def find_libraries(requirements: Iterable[str]) -> list[Distribution]:
    """Return the installed distributions that the requirements need, with all that those need, by name.

    Raises:
        UsageError: one is not installed.
    """
    found: dict[str, Distribution] = {}
    queue = [Requirement(text) for text in requirements]
    for requirement in queue:  # grows during the iteration
        name = canonicalize_name(requirement.name)
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError as error:
            raise UsageError(f"{name} is not installed", hint="run `make venv` again") from error
        queue += [Requirement(text) for text in found[name].requires or ()]
    return [found[name] for name in sorted(found)]


def library_files(library: Distribution) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file of a distribution's wheel, without programs and bytecode.

    Raises:
        UsageError: a file is not as its RECORD says.
    """
    for file in library.files or ():
        if file.parts[0] == ".." or file.suffix == ".pyc" or file.name in LEFT_OUT:
            continue
        content = Path(str(file.locate())).read_bytes()
        if file.hash is None:
            raise UsageError(f"{library.name}: {file} has no digest in RECORD")
        digest = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, content).digest()).rstrip(b"=").decode()
        if digest != file.hash.value:
            raise UsageError(
                f"{library.name}: {file} was changed", hint="make clean, then make venv LOCKED=1"
            )
        yield file.as_posix(), content


def needed_glibc(libraries: Iterable[Distribution]) -> list[int]:
    """Return the lowest version of glibc that all wheels run on; empty if none asks for one."""
    lowest: list[int] = []
    for library in libraries:
        tags = (library.read_text("WHEEL") or "").replace("manylinux2014_", "manylinux_2_17_")
        versions = [[int(part) for part in found.groups()] for found in _GLIBC.finditer(tags)]
        if versions:
            lowest = max(lowest, min(versions))
    return lowest


def make_zipapp(wheel: Path, target: Path, libraries: Iterable[Distribution]) -> None:
    """Write the file, with the same bytes for the same wheel and libraries.

    Args:
        wheel: the wheel of this project.
        target: the file; it replaces one that exists.
        libraries: what the wheel needs.
    """
    libraries = list(libraries)
    with zipfile.ZipFile(wheel) as own:
        files = {name: own.read(name) for name in own.namelist() if not name.endswith("/RECORD")}
    for library in libraries:
        files.update(library_files(library))
    content = _zip(files, zipfile.ZIP_DEFLATED)
    about = {
        "version": __version__,
        "python": "{}.{}".format(*sys.version_info),
        "suffix": importlib.machinery.EXTENSION_SUFFIXES[0],
        "glibc": needed_glibc(libraries),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    outer = {
        "__main__.py": (ROOT / "tools/zipapp_main.py").read_bytes(),
        "about.json": json.dumps(about, sort_keys=True).encode(),
        "content.zip": content,
    }
    partial = target.with_name(f".{target.name}.partial")
    partial.write_bytes(b"#!/usr/bin/env python3\n" + _zip(outer, zipfile.ZIP_STORED))
    partial.chmod(0o755)
    partial.replace(target)


def _zip(files: Mapping[str, bytes], compression: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, MOMENT)
            member.compress_type = compression
            member.external_attr = 0o644 << 16
            archive.writestr(member, files[name])
    return stream.getvalue()


def platform_tag() -> str:
    """Return Python and platform that the file is for, like `cpython-311-x86_64-linux-gnu` (PEP 3149)."""
    return importlib.machinery.EXTENSION_SUFFIXES[0].split(".")[1]


def file_name() -> str:
    """Return the name of the file in a release."""
    return f"bundle-{__version__}-{platform_tag()}.pyz"


def requirements() -> list[str]:
    """Return what pyproject.toml says that the program needs."""
    needed: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return needed


def main() -> int:
    """Run the command, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist/bundle.pyz")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
            environment = {"SOURCE_DATE_EPOCH": "0", **os.environ}
            subprocess.run(build, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
            (wheel,) = Path(folder).glob("*.whl")
            arguments.output.parent.mkdir(parents=True, exist_ok=True)
            make_zipapp(wheel, arguments.output, find_libraries(requirements()))
    except BundleError as error:
        sys.stderr.write(f"{error}\n" + (f"{error.hint}\n" if error.hint else ""))
        return error.exit_code
    size = arguments.output.stat().st_size
    sys.stdout.write(f"{arguments.output}  {size / 1e6:.1f} MB, for {platform_tag()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
