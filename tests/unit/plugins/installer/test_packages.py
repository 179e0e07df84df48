"""Read name and architecture from the header of a distribution's package; damaged packages are refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bundler.errors import BundleError
from bundler_installer.packages import read_package
from tests.support.engine_files import deb, rpm


def read(folder: Path, content: bytes, kind: str) -> tuple[str, str | None]:
    path = folder / f"package.{kind}"
    path.write_bytes(content)
    found = read_package(path, "deb" if kind == "deb" else "rpm")
    return found.name, found.architecture


@pytest.mark.parametrize("packed", ["gz", "xz", "zst"])
@pytest.mark.parametrize(
    ("said", "architecture"), [("amd64", "amd64"), ("armhf", "arm"), ("all", None), ("riscv64", "riscv64")]
)
def test_packages_of_debian(packed: str, said: str, architecture: str | None, tmp_path: Path) -> None:
    assert read(tmp_path, deb("docker.io", said, packed), "deb") == ("docker.io", architecture)


@pytest.mark.parametrize(
    ("said", "architecture"),
    [("x86_64", "amd64"), ("aarch64", "arm64"), ("noarch", None)],
)
def test_packages_of_rpm(said: str, architecture: str | None, tmp_path: Path) -> None:
    assert read(tmp_path, rpm("docker-ce", said), "rpm") == ("docker-ce", architecture)


DEB, RPM = deb("docker.io", "amd64"), rpm("docker-ce", "x86_64")


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (RPM, "deb", "it has the wrong file header"),
        (DEB, "rpm", "it has the wrong file header"),
        (DEB[:68], "deb", "it has no control.tar"),
        (DEB.replace(b"control.tar.gz", b"control.tar.br"), "deb", "unknown compression"),
        (DEB.replace(gzip.compress(b"")[:4], b"none"), "deb", "is not a deb package"),
        (deb("a", "b", "xz").replace(b"7zXZ", b"none"), "deb", "is not a deb package"),
        (RPM[:150], "rpm", "is not a rpm package"),
        (RPM[:96] + b"none" + RPM[100:], "rpm", "its header is damaged"),
        (RPM[:104] + b"\xff\xff\xff\xff" + RPM[108:], "rpm", "its header is damaged"),
        (b"", "rpm", "it has the wrong file header"),
    ],
)
def test_a_file_that_is_not_such_a_package_is_refused(
    content: bytes, kind: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=message):
        read(tmp_path, content, kind)
