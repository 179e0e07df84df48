"""The server of `server.py`, extended for probes: vectors, and the list of plugins."""

from __future__ import annotations

import urllib.parse
from http.server import ThreadingHTTPServer
from typing import Any

from standin import peers, programs, stores
from standin.peers import need
from standin.server import Answer


class ProvenAnswer(Answer):
    """Handler for requests, including those of probes."""

    def do_GET(self) -> None:  # noqa: N802 name set by http.server
        """Answer a probe, or any other request as the base class does."""
        if not self.prove("GET"):
            super().do_GET()

    def do_POST(self) -> None:  # noqa: N802 name set by http.server
        """Like `do_GET`, but only for a store's collections: the body can be read only once."""
        if not (programs.program() in {"weaviate", "qdrant"} and self.prove("POST")):
            super().do_POST()

    def do_PUT(self) -> None:  # noqa: N802 name set by http.server
        """Answer if this is a vector store."""
        if not self.prove("PUT"):
            self.say(405, {"message": "not here"})

    def do_DELETE(self) -> None:  # noqa: N802 name set by http.server
        """Answer if this is a vector store."""
        if not self.prove("DELETE"):
            self.say(405, {"message": "not here"})

    def prove(self, method: str) -> bool:
        """Answer the request if it is a probe's; return whether it was."""
        program, path = programs.program(), urllib.parse.urlsplit(self.path).path.rstrip("/")
        content = self.rfile.read(int(self.headers.get("Content-Length", 0))) if method != "GET" else b""
        headers = {name.lower(): value for name, value in self.headers.items()}  # RFC 9110, section 5.1
        reply: tuple[int, Any] | None = stores.answer(program, method, path, content, headers)
        if program == "plugin_daemon" and method == "GET" and path.endswith("/management/list"):
            reply = list_plugins() if self.has_key(path) else (401, {"message": "wrong key"})
        if reply is None:
            return False
        self.say(*reply)
        return True


def list_plugins() -> tuple[int, dict[str, Any]]:
    """Return the plugins of a workspace: here all those in the daemon's database.

    langgenius/dify-plugin-daemon, internal/server/controllers/plugins.go, bdb5642a.
    """
    rows = peers.query(need("DB_DATABASE"), "SELECT identifier FROM plugins")
    return 200, {"code": 0, "message": "success", "data": {"list": [], "total": len(rows)}}


def serve(name: str) -> None:
    """Serve requests until the process ends."""
    ProvenAnswer.name = name
    address = ("0.0.0.0", programs.PORTS[programs.program()])  # noqa: S104 inside a container
    ThreadingHTTPServer(address, ProvenAnswer).serve_forever()
