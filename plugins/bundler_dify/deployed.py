"""Variables whose values in Dify's deployment (its env files) differ from the defaults in its code.

The defaults in the code are meant for development. `tests/oracles/dify` lists all variables that differ, and
the decision on each.
"""

from __future__ import annotations

from typing import Final

API: Final = {
    # The API would publish its description without a login.
    "SWAGGER_UI_ENABLED": "false",
    # Tokens for command-line clients, and the interface that accepts them.
    "OPENAPI_ENABLED": "false",
    "ENABLE_OAUTH_BEARER": "false",
    "ANNOTATION_IMPORT_MAX_CONCURRENT": "5",
    # Detects connections that a firewall has dropped.
    "REDIS_KEEPALIVE": "true",
}
"""For api, api_websocket, worker, worker_beat and migrate."""

WEB: Final = {
    # The pages for agents, whose backend and sandbox are included.
    "NEXT_PUBLIC_ENABLE_AGENT_V2": "true",
}
