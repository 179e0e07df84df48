"""Variables by which Dify's deployment (its env files) differs from the defaults of its code.

What the code does when nothing is said is meant for who develops it. `tests/oracles/dify` lists every
variable where the two differ, and what was decided.
"""

from __future__ import annotations

from typing import Final

API: Final = {
    # Without a login the API would describe itself to everybody.
    "SWAGGER_UI_ENABLED": "false",
    # Tokens for command line clients, and the interface that takes them.
    "OPENAPI_ENABLED": "false",
    "ENABLE_OAUTH_BEARER": "false",
    "ANNOTATION_IMPORT_MAX_CONCURRENT": "5",
    # A connection that a firewall has forgotten is noticed.
    "REDIS_KEEPALIVE": "true",
}
"""api, api_websocket, worker, worker_beat, migrate."""

WEB: Final = {
    # The pages of agents, whose backend and sandbox run here.
    "NEXT_PUBLIC_ENABLE_AGENT_V2": "true",
}
