"""Backups by an independent implementation of their format, for the installer's functions to check."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

SITE_KEY = "0123456789abcdef" * 4
"""The site's key, as in its secrets.env."""
NAMED = (
    "NAME=shop VERSION=1 PROFILE=dev PROJECT=shop TITLE=Shop RELEASE=1-abc CURRENT=$ROOT/current COMMAND=\n"
)
"""The installer's variables that describe the application whose backups these are."""


def make_backup(folder: Path, day: int = 1, reason: str = "manual", /, **facts: str) -> Path:
    """Make a complete, unencrypted backup of `<folder>/root`, authenticated with the site's key."""
    root = folder / "root"
    backup = root / "backups" / f"202601{day:02}T020304Z-1-abc-{reason}"
    backup.mkdir(parents=True)
    if not (root / "secrets.env").exists():
        (root / "secrets.env").write_text(f"TOKEN=a-secret-of-the-shop\nBUNDLE_BACKUP_KEY={SITE_KEY}\n")
    values = {
        "format": "1", "name": "shop", "project": "shop", "release": "1-abc", "reason": reason,
        "created": f"2026-01-{day:02}T02:03:04Z", "root": str(root), "tar": "plain", "encrypted": "no",
        **facts,
    }  # fmt: skip
    (backup / "backup.env").write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    (backup / "data.tar").write_bytes(b"data" * 100)
    (backup / "dumps").mkdir()
    (backup / "dumps" / "shop").write_text("select 1;\n")
    seal(backup)
    return backup


def seal(backup: Path, key: str = SITE_KEY) -> None:
    """List the files of a backup and authenticate the list; without a key, only list them."""
    code = backup / "SHA256SUMS.hmac"
    for listing in (code, backup / "SHA256SUMS"):
        listing.unlink(missing_ok=True)
    files = sorted(path.relative_to(backup).as_posix() for path in backup.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256((backup / name).read_bytes()).hexdigest()}  {name}\n" for name in files]
    (backup / "SHA256SUMS").write_text("".join(lines))
    if key:
        code.write_text(authentication_code(bytes.fromhex(key), (backup / "SHA256SUMS").read_bytes()) + "\n")


def authentication_code(key: bytes, content: bytes) -> str:
    """Return the code that authenticates a list, under a key derived from the site's key for this purpose."""
    derived = hmac.digest(key, b"bundle backup SHA256SUMS", "sha256")
    return hmac.new(derived, content, "sha256").hexdigest()
