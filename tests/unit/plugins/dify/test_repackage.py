"""Repackage plugins for offline sites; these tests need no package index."""

from __future__ import annotations

import pytest

from bundler.errors import BundleError
from bundler.image.platform import Platform
from bundler_dify.repackage import OPTIONS, gather_wheels, repackage
from tests.support import dify
from tests.support.dify_plugins import MANIFEST, PROJECT, pack, unpack


def test_a_plugin_without_dependencies_downloads_nothing() -> None:
    files = unpack(repackage(pack({"manifest.yaml": MANIFEST}), "x", dify.AMD64))
    assert files["requirements.txt"].decode() == OPTIONS + "\n"
    files = unpack(
        repackage(
            pack(
                {
                    "manifest.yaml": MANIFEST,
                    "requirements.txt": b"# none\n--no-index --find-links=./wheels/\n",
                }
            ),
            "x",
            dify.AMD64,
        )
    )
    assert files["requirements.txt"].decode() == OPTIONS + "\n"


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (b"no zip", "is not a zip archive"),
        (pack({"main.py": b""}), r"no manifest\.yaml"),
        (pack({"manifest.yaml": b"", "../evil": b""}), "outside the plugin"),
        (pack({"manifest.yaml": b"", "/evil": b""}), "outside the plugin"),
        (
            pack({"manifest.yaml": b"", "requirements.txt": b"-i http://evil.example\nx\n"}),
            "an option or a path",
        ),
        (pack({"manifest.yaml": b"", "requirements.txt": b"./local\n"}), "an option or a path"),
        (pack({"manifest.yaml": b"", "requirements.txt": b"\xff"}), "not UTF-8"),
        (pack({"manifest.yaml": b"", "pyproject.toml": b"["}), r"pyproject\.toml"),
    ],
)
def test_an_invalid_plugin_is_refused(package: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        repackage(package, "x", dify.AMD64)


def test_wheels_for_an_unknown_platform_are_refused() -> None:
    files = {"manifest.yaml": MANIFEST, "requirements.txt": b"x\n"}
    with pytest.raises(BundleError, match="linux/riscv64 are not supported"):
        repackage(pack(files), "x", Platform.parse("linux/riscv64"))


def test_a_carried_plugin_must_list_its_dependencies() -> None:
    files = {"manifest.yaml": MANIFEST, "pyproject.toml": PROJECT}
    with pytest.raises(BundleError, match=r"neither requirements\.txt nor uv\.lock"):
        gather_wheels(pack(files), "x", dify.AMD64)
