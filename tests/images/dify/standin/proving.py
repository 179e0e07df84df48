"""The server of `server.py`, and what probes ask besides: vectors, and the list of plugins."""

from __future__ import annotations

import urllib.parse
from http.server import ThreadingHTTPServer
from typing import Any

from standin import peers, programs, stores
from standin.peers import need
from standin.server import Answer


class ProvenAnswer(Answer):
    """One request."""

    def do_GET(self) -> None:  # noqa: N802 http.server's name
        """As before, or what a probe asks."""
        if not self.prove("GET"):
            super().do_GET()

    def do_POST(self) -> None:  # noqa: N802 http.server's name
        """Likewise. Only a store's collections are looked at here: the body can be read once."""
        if not (programs.program() in {"weaviate", "qdrant"} and self.prove("POST")):
            super().do_POST()

    def do_PUT(self) -> None:  # noqa: N802 http.server's name
        """Only stores know it."""
        if not self.prove("PUT"):
            self.say(405, {"message": "not here"})

    def do_DELETE(self) -> None:  # noqa: N802 http.server's name
        """Only stores know it."""
        if not self.prove("DELETE"):
            self.say(405, {"message": "not here"})

    def prove(self, method: str) -> bool:
        """Whether this was a probe's affair; then it is answered."""
        program, path = programs.program(), urllib.parse.urlsplit(self.path).path.rstrip("/")
        content = self.rfile.read(int(self.headers.get("Content-Length", 0))) if method != "GET" else b""
        headers = {name.lower(): value for name, value in self.headers.items()}  # RFC 9110 section 5.1
        reply: tuple[int, Any] | None = stores.answer(program, method, path, content, headers)
        if program == "plugin_daemon" and method == "GET" and path.endswith("/management/list"):
            reply = list_plugins() if self.has_key(path) else (401, {"message": "wrong key"})
        if reply is None:
            return False
        self.say(*reply)
        return True


def list_plugins() -> tuple[int, dict[str, Any]]:
    """Of a workspace; here all that the daemon's database has.

    langgenius/dify-plugin-daemon, internal/server/controllers/plugins.go, bdb5642a.
    """
    rows = peers.query(need("DB_DATABASE"), "SELECT identifier FROM plugins")
    return 200, {"code": 0, "message": "success", "data": {"list": [], "total": len(rows)}}


def serve(name: str) -> None:
    """Answer until the end."""
    ProvenAnswer.name = name
    address = ("0.0.0.0", programs.PORTS[programs.program()])  # noqa: S104 a container
    ThreadingHTTPServer(address, ProvenAnswer).serve_forever()
