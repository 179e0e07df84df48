"""Query a gateway from inside a site. Runs there with the system's Python, and imports nothing of the tests.

Standard input: JSON, `{"host", "port", "ca", "requests": [[method, path, headers, body], ...]}`. Standard
output: a JSON list of `{"status", "headers", "body"}`. Connects to loopback and sends requests for `host`,
over plain HTTP when `ca` is None.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import sys
from typing import Any


class Connection(http.client.HTTPConnection):
    """A connection to this machine under another host's name."""

    def __init__(self, host: str, port: int, ca: str | None) -> None:
        super().__init__(host, port, timeout=40)
        self._context = ssl.create_default_context(cafile=ca) if ca else None

    def connect(self) -> None:
        """Connect, and verify the certificate for the host's name."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=40)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host) if self._context else plain


def ask(wish: dict[str, Any], method: str, path: str, headers: dict[str, str], body: str | None) -> Any:  # noqa: ANN401
    """Send one request and return its answer."""
    connection = Connection(wish["host"], wish["port"], wish["ca"])
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    answer = {
        "status": response.status,
        "headers": {name.lower(): value for name, value in response.getheaders()},
        "body": response.read().decode(),
    }
    connection.close()
    return answer


if __name__ == "__main__":
    given = json.load(sys.stdin)
    json.dump([ask(given, *one) for one in given["requests"]], sys.stdout)
