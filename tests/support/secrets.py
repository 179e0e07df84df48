"""Secrets as other programs write them."""

from __future__ import annotations

import base64
import json
import urllib.parse


def forms(secret: str) -> list[str]:
    """Return the forms in which other programs write a secret."""
    raw = secret.encode()
    found = [
        secret,
        urllib.parse.quote(secret, safe=""),
        json.dumps(secret, ensure_ascii=False)[1:-1],
        raw.hex(),
        raw.hex().upper(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    ]
    return [form for form in found if len(form) >= 4]
