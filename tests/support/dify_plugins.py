"""Packages of Dify plugins."""

from __future__ import annotations

import io
import zipfile

MANIFEST = b"version: 0.0.1\ntype: plugin\nauthor: bank\nname: hello\nmeta:\n  runner: {language: python}\n"
LOCK = b"""
version = 1
[[package]]
name = "markupsafe"
version = "2.1.5"
source = { registry = "https://index.example/simple" }
[[package]]
name = "jinja2"
version = "3.1.4"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://files.example/jinja2-3.1.4-py3-none-any.whl" }]
[[package]]
name = "hello"
version = "0.0.1"
source = { virtual = "." }
"""
PROJECT = b'[project]\nname = "hello"\nversion = "0.0.1"\ndependencies = ["jinja2>=3.1,<4"]\n'
FILES = {
    "manifest.yaml": MANIFEST,
    "main.py": b"import jinja2\n",
    "provider/hello.yaml": b"identity: {}\n",
    ".difyignore": b".venv/\nwheels/\n*.whl\n__pycache__/\n",
    "pyproject.toml": PROJECT,
    "uv.lock": LOCK,
    ".verification.dify.json": b"{}",
}


def pack(files: dict[str, bytes], comment: bytes = b"signature") -> bytes:
    """Return a package as Dify's marketplace distributes it: a zip with its signature in the comment."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.comment = comment
    return target.getvalue()


def unpack(package: bytes) -> dict[str, bytes]:
    """Map paths to contents of a package that has no comment."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.comment == b""
        return {name: archive.read(name) for name in archive.namelist()}
