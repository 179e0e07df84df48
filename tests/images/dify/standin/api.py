"""Behaviour of the API's stand-in beyond identifying itself."""

from __future__ import annotations

import json
import os
import urllib.request
from email.message import Message
from typing import Any

TRUE = {"1", "true", "yes", "on", "t", "y"}
"""Values that Dify's settings (pydantic) read as true."""


def describes_itself(path: str) -> bool:
    """Return whether a path belongs to the API description, which is public unless disabled."""
    if os.environ.get("SWAGGER_UI_ENABLED", "true").lower() not in TRUE:
        return False
    return path.endswith(("/swagger-ui.html", "/swagger.json")) or path.startswith("/fastopenapi/")


def client_address(headers: Message, peer: str) -> str:
    """Return the address that the API records as the client of a request."""
    return headers.get("CF-Connecting-IP") or headers.get("X-Forwarded-For") or peer


def run_code(code: str) -> dict[str, Any]:
    """Run a snippet in the sandbox with the request that a Code node sends, and return the answer."""
    wish = {"language": "python3", "code": code, "preload": "", "enable_network": True}
    request = urllib.request.Request(  # noqa: S310 plain HTTP
        f"{os.environ['CODE_EXECUTION_ENDPOINT']}/v1/sandbox/run",
        json.dumps(wish).encode(),
        {"X-Api-Key": os.environ["CODE_EXECUTION_API_KEY"], "Content-Type": "application/json"},
    )
    timeout = float(os.environ.get("CODE_EXECUTION_READ_TIMEOUT", "60"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=timeout) as response:
        answer: dict[str, Any] = json.loads(response.read())
    return answer
