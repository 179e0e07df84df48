"""The plugin daemon's stand-in for packages: checks that they install without internet access."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any

from standin import peers
from standin.peers import need

PACKAGES = Path("/app/storage/plugin_packages")


def upload(content: bytes) -> dict[str, Any]:
    """Store the uploaded package under the identifier that `install` takes."""
    package = content[content.index(b"PK\x03\x04") : content.rindex(b"\r\n--")]
    identifier = hashlib.sha256(package).hexdigest()
    PACKAGES.mkdir(parents=True, exist_ok=True)
    (PACKAGES / identifier).write_bytes(package)
    return {"code": 0, "data": {"unique_identifier": identifier}}


def install(wish: dict[str, Any]) -> dict[str, Any]:
    """Refuse packages that a real daemon could only install from the internet, or that lack a signature."""
    for identifier in wish["plugin_unique_identifiers"]:
        with zipfile.ZipFile(PACKAGES / identifier) as archive:
            names = archive.namelist()
            head = archive.read("requirements.txt").decode().splitlines()[0]
            signed = bool(archive.comment)
        if not signed and os.environ.get("FORCE_VERIFYING_SIGNATURE") != "false":
            return {"code": 1, "message": "no signature"}
        if "uv.lock" in names or not head.startswith("--no-index --find-links=./wheels/"):
            return {"code": 1, "message": "its dependencies would come from the internet"}
        peers.query(need("DB_DATABASE"), "INSERT INTO plugins VALUES (%s) ON CONFLICT DO NOTHING", identifier)
    return {"code": 0, "data": {"all_installed": True}}
