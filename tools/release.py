"""Builds a reproducible release: wheel, sdist, zipapp, SBOM, checksums and their signature.

Run by `make release KEY=release.key`; docs/how-to/release.md describes the steps before and after.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from bundler import __version__
from bundler.cli.options import make_plugins
from bundler.cli.signing import open_keys
from bundler.errors import BundleError, UsageError
from bundler.trust.signatures import sign_text
from tools.make_zipapp import file_name, find_libraries, make_zipapp, requirements
from tools.wheel_hook import SITE_VARIABLE
from tools.wheel_links import REPOSITORY_VARIABLE

ROOT: Final = Path(__file__).resolve().parents[1]
NAMESPACE: Final = uuid.UUID("0b8f0c2e-6a4e-5d0b-8a57-3f2f6c1c9d11")


# ---------------------------------------------------------------- what is released


def check_tree() -> None:
    """Refuse a release with uncommitted changes, or of a version without a date in the changelog.

    Raises:
        UsageError: one of them applies.
    """
    if _git("status", "--porcelain"):
        raise UsageError("the working tree has changes", hint="commit them, or try it out with --trial")
    heading = re.search(
        rf"^## \[{re.escape(__version__)}\] - (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    if heading is None or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", heading[1]):
        raise UsageError(
            f"CHANGELOG.md has no date for {__version__}",
            hint=f"write `## [{__version__}] - YYYY-MM-DD`, or try it out with --trial",
        )


def release_time() -> int:
    """Return the timestamp for archives and SBOM: `SOURCE_DATE_EPOCH`, else the time of the last commit."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct"))


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


# ---------------------------------------------------------------- archives


def build_twice(folder: Path, time: int) -> list[Path]:
    """Build the sdist and the wheel from it twice, and compare the results.

    Raises:
        UsageError: the second build differs.
    """
    first = build_archives(folder, time)
    with tempfile.TemporaryDirectory() as other:
        for one, two in zip(first, build_archives(Path(other), time), strict=True):
            if one.read_bytes() != two.read_bytes():
                raise UsageError(f"{one.name} differs between two builds")
    return first


def build_archives(folder: Path, time: int) -> list[Path]:
    """Build the sdist, and the wheel from the unpacked sdist, which proves that the sdist is complete."""
    _hatch(ROOT, folder, "sdist", time)
    (sdist,) = folder.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as unpacked, tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
        (source,) = Path(unpacked).iterdir()
        site = Path(unpacked) / "site"
        _build_site(source, site, time)
        _hatch(source, folder, "wheel", time, **{SITE_VARIABLE: str(site)})
    (wheel,) = folder.glob("*.whl")
    return [sdist, wheel]


def _build_site(source: Path, site: Path, time: int) -> None:
    """Build the documentation, which `bundle docs` opens, with the time of the release."""
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--site-dir", site],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(time), "NO_MKDOCS_2_WARNING": "1"},
        check=True,
        stderr=subprocess.DEVNULL,
    )


def _hatch(source: Path, folder: Path, target: str, time: int, **variables: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(time), **variables},
        check=True,
        stdout=subprocess.DEVNULL,
    )


# ---------------------------------------------------------------- zipapp


def check_libraries() -> None:
    """Refuse a zipapp of other libraries than those of the lock file, which the tests use.

    Raises:
        UsageError: a library has another version.
    """
    versions, _ = read_lock((ROOT / "requirements-dev.txt").read_text())
    for library in find_libraries(requirements()):
        name = canonicalize_name(library.name)
        if versions.get(name) != library.version:
            raise UsageError(
                f"{name} {library.version} is installed, and requirements-dev.txt has {versions.get(name)}",
                hint="make clean, then make release LOCKED=1, or try it out with --trial",
            )


# ---------------------------------------------------------------- SBOM


def sbom(files: Sequence[Path], time: int) -> str:
    """Return a CycloneDX document with the digests of the files, and the libraries that they depend on.

    Versions of libraries are those of the lock file, which the tests use; `pip` may install newer ones.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    root = Component(
        name=project["name"],
        version=__version__,
        type=ComponentType.APPLICATION,
        purl=PackageURL("pypi", name=project["name"], version=__version__),
        bom_ref=project["name"],
        licenses=[DisjunctiveLicense(id=project["license"])],
    )
    versions, parents = read_lock((ROOT / "requirements-dev.txt").read_text())
    libraries = {
        name: Component(
            name=name,
            version=versions[name],
            type=ComponentType.LIBRARY,
            purl=PackageURL("pypi", name=name, version=versions[name]),
            bom_ref=name,
        )
        for name in needed(_names(project["dependencies"]), parents)
    }
    archives = [
        Component(
            name=path.name,
            version=__version__,
            type=ComponentType.FILE,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=_sha256(path))],
            bom_ref=path.name,
        )
        for path in files
    ]
    bom = Bom(components=[*archives, *libraries.values()])
    bom.serial_number = uuid.uuid5(NAMESPACE, "".join(map(_sha256, files)))
    bom.metadata.timestamp = datetime.fromtimestamp(time, UTC)
    bom.metadata.component = root
    bom.register_dependency(root, [libraries[name] for name in _names(project["dependencies"])])
    for name, library in libraries.items():
        bom.register_dependency(library, [libraries[one] for one in libraries if name in parents[one]])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def read_lock(text: str) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Return the version of each package in a requirements file of uv, and the packages that depend on it."""
    versions: dict[str, str] = {}
    parents: dict[str, set[str]] = {}
    for name, version, reasons in re.findall(
        r"^([a-z0-9-]+)==(\S+).*\n(?:    --hash.*\n)+((?:    #.*\n)+)", text, flags=re.MULTILINE
    ):
        versions[name] = version
        parents[name] = set(re.findall(r"(?:via|#  )\s+([a-z0-9-]+)", reasons))
    return versions, parents


def needed(direct: Iterable[str], parents: Mapping[str, set[str]]) -> list[str]:
    """Return the packages and all their dependencies, sorted."""
    found = set(direct)
    while more := {name for name, reasons in parents.items() if reasons & found} - found:
        found |= more
    return sorted(found)


def _names(requirements: Iterable[str]) -> list[str]:
    return [re.split(r"[^a-z0-9-]", one)[0] for one in requirements]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---------------------------------------------------------------- the release


def make_release(folder: Path, keys: Sequence[str], passphrase_files: Sequence[Path], time: int) -> None:
    """Write all files of the release into an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", hint="choose another folder with --output")
    with open_keys(make_plugins(()), "ecdsa", keys, passphrase_files, None) as opened:
        files = build_twice(folder, time)
        files.append(folder / file_name())
        make_zipapp(files[1], files[2], find_libraries(requirements()))
        document = folder / f"bundler-airgap-{__version__}.cdx.json"
        document.write_text(sbom(files, time))
        sums = "".join(f"{_sha256(path)}  {path.name}\n" for path in sorted([*files, document])).encode()
        (folder / "SHA256SUMS").write_bytes(sums)
        (folder / "SHA256SUMS.sig").write_bytes(sign_text(sums, [each.key for each in opened]))


def main() -> int:
    """Run the command, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / f"release-{__version__}")
    parser.add_argument("--key", action="append", required=True, help="private key, a file or a URI")
    parser.add_argument("--passphrase-file", action="append", type=Path, default=[])
    parser.add_argument("--repository", default="", help="address of the project, for links in the wheel")
    parser.add_argument("--trial", action="store_true", help="take changes that are not committed or dated")
    arguments = parser.parse_args()
    try:
        if not arguments.trial:
            check_tree()
            check_libraries()
        if arguments.repository:
            os.environ[REPOSITORY_VARIABLE] = arguments.repository
        make_release(arguments.output, arguments.key, arguments.passphrase_file, release_time())
    except BundleError as error:
        sys.stderr.write(f"{error}\n" + (f"{error.hint}\n" if error.hint else ""))
        return error.exit_code
    for path in sorted(arguments.output.iterdir()):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
