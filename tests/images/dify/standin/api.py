"""The API's stand-in, where it does more than to answer who it is."""

from __future__ import annotations

import json
import os
import urllib.request
from email.message import Message
from typing import Any

TRUE = {"1", "true", "yes", "on", "t", "y"}
"""What Dify's settings (pydantic) take for yes."""


def describes_itself(path: str) -> bool:
    """Whether a path is one of its own description, which all may read unless it is switched off."""
    if os.environ.get("SWAGGER_UI_ENABLED", "true").lower() not in TRUE:
        return False
    return path.endswith(("/swagger-ui.html", "/swagger.json")) or path.startswith("/fastopenapi/")


def client_address(headers: Message, peer: str) -> str:
    """Whom it takes a request to be from, for its audit."""
    return headers.get("CF-Connecting-IP") or headers.get("X-Forwarded-For") or peer


def run_code(code: str) -> dict[str, Any]:
    """A Code node: the answer of the sandbox to the request that every snippet is sent with."""
    wish = {"language": "python3", "code": code, "preload": "", "enable_network": True}
    request = urllib.request.Request(  # noqa: S310 http
        f"{os.environ['CODE_EXECUTION_ENDPOINT']}/v1/sandbox/run",
        json.dumps(wish).encode(),
        {"X-Api-Key": os.environ["CODE_EXECUTION_API_KEY"], "Content-Type": "application/json"},
    )
    timeout = float(os.environ.get("CODE_EXECUTION_READ_TIMEOUT", "60"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=timeout) as response:
        answer: dict[str, Any] = json.loads(response.read())
    return answer
