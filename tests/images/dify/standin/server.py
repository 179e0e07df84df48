"""HTTP server of the stand-ins: health, checks of keys, and otherwise an echo that names the service."""

from __future__ import annotations

import hmac
import json
import os
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from standin import api, peers, plugins, programs, sandbox
from standin.peers import need

HEALTH = {
    "api": "/health",
    "web": "/apps",
    "plugin_daemon": "/health/check",
    "agent_backend": "/openapi.json",
    "local_sandbox": "/healthz",
    "sandbox": "/standin",  # the real sandbox's /health always reports ok
    "weaviate": "/v1/.well-known/ready",
    "qdrant": "/readyz",
}
KEYS = {
    # program: prefix of the path, header, required value with variables
    "api": ("/inner/api/", "X-Inner-Api-Key", "{INNER_API_KEY_FOR_PLUGIN}"),
    "plugin_daemon": ("/plugin/", "X-Api-Key", "{SERVER_KEY}"),
    "agent_backend": ("/runs/", "Authorization", "Bearer {DIFY_AGENT_API_TOKEN}"),
    "local_sandbox": ("/sessions", "Authorization", "Bearer {SHELLCTL_AUTH_TOKEN}"),
    "sandbox": ("/v1/", "X-Api-Key", "{API_KEY}"),
    "weaviate": ("/v1/meta", "Authorization", "Bearer {AUTHENTICATION_APIKEY_ALLOWED_KEYS}"),
    "qdrant": ("/collections", "api-key", "{QDRANT__SERVICE__API_KEY}"),
}
FRESH = 3
"""Time for which the results of the checks are reused, in seconds."""


class Health:
    """Failing checks of this program; concurrent requests share one run of the checks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at = 0.0
        self._failing: dict[str, str] = {}

    def failing(self) -> dict[str, str]:
        """Return the failing checks: name -> reason."""
        with self._lock:
            if time.monotonic() - self._at > FRESH:
                found = self._find()
                if found != self._failing:
                    print("failing:", json.dumps(found), flush=True)  # noqa: T201 a container's log
                self._failing, self._at = found, time.monotonic()
            return self._failing

    def _find(self) -> dict[str, str]:
        found = {}
        try:
            checks = programs.checks()
        except peers.Refused as error:
            return {"variables": str(error)}
        for name, check in checks.items():
            try:
                check()
            except Exception as error:  # noqa: BLE001 any exception means unhealthy
                found[name] = f"{type(error).__name__}: {str(error)[:200]}"
        return found


class Answer(BaseHTTPRequestHandler):
    """Handler for requests."""

    protocol_version = "HTTP/1.1"
    health: ClassVar[Health] = Health()
    name: ClassVar[str] = ""

    def do_GET(self) -> None:
        """Answer with health, the result of a key check, or an echo."""
        program, path = programs.program(), urllib.parse.urlsplit(self.path).path
        if (program, path) == ("sandbox", "/health"):
            self.say(200, "ok")
        elif path == HEALTH[program]:
            failing = self.health.failing()
            self.say(503 if failing else 200, {"failing": failing, "service": self.name})
        elif not self.has_key(path):
            self.say(401, {"message": "wrong key"})
        elif path.startswith("/runs/"):
            self.say(404, {"message": "no such run"})
        elif program == "api" and path.endswith(("/swagger-ui.html", "/swagger.json")):
            described = api.describes_itself(path)
            self.say(200 if described else 404, {"paths": {}} if described else {"message": "Not Found"})
        elif (program, path) == ("api", "/console/api/setup"):
            rows = peers.query(programs.database(), "SELECT count(*) FROM tenants")
            self.say(200, {"step": "finished" if rows[0][0] else "not_started", "service": self.name})
        else:
            client = api.client_address(self.headers, self.client_address[0])
            echo = {"path": self.path, "headers": dict(self.headers), "client": client}
            self.say(200, {"service": self.name, "host": os.uname().nodename, **echo})

    def do_POST(self) -> None:
        """Answer the requests that tests send by POST."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        program, path = programs.program(), urllib.parse.urlsplit(self.path).path
        if not self.has_key(path):
            self.say(401, {"message": "wrong key"})
        elif program == "plugin_daemon" and path.endswith("/install/upload/package"):
            self.say(200, plugins.upload(content))
        elif program == "plugin_daemon" and path.endswith("/install/identifiers"):
            self.say(200, plugins.install(json.loads(content)))
        elif (program, path) == ("api", "/console/api/init"):
            good = hmac.compare_digest(str(json.loads(content).get("password")), need("INIT_PASSWORD"))
            self.say(201 if good else 401, {"result": "success" if good else "failed"})
        elif (program, path) == ("api", "/console/api/setup"):
            name = str(json.loads(content)["name"])
            statement = "INSERT INTO tenants VALUES (%s, %s, now())"
            peers.query(programs.database(), statement, str(uuid.uuid4()), name)
            self.say(201, {"result": "success"})
        elif (program, path) == ("api", "/v1/work"):
            self.say(200, work())
        elif (program, path) == ("api", "/v1/code"):
            self.say(200, api.run_code(str(json.loads(content)["code"])))
        elif (program, path) == ("sandbox", "/v1/sandbox/run"):
            self.say(*sandbox.run(json.loads(content)))
        else:
            self.say(404, {"message": "nothing here"})

    def has_key(self, path: str) -> bool:
        """Return whether the headers contain the key that the path requires."""
        prefix, header, wanted = KEYS.get(programs.program(), ("-", "", ""))
        if not path.startswith(prefix):
            return True
        return hmac.compare_digest(self.headers.get(header, ""), wanted.format_map(os.environ))

    def say(self, status: int, answer: object) -> None:
        """Send an answer in JSON."""
        body = json.dumps(answer, separators=(",", ":")).encode()  # same form as Go's and Flask's
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Discard messages: health checks would fill the log."""


def work() -> dict[str, str]:
    """Have a worker do a task, through the broker."""
    task = uuid.uuid4().hex
    broker = peers.by_url("CELERY_BROKER_URL")
    broker.rpush("standin:tasks", task)
    answer: Any = broker.blpop([f"standin:done:{task}"], timeout=20)
    if not answer:
        raise peers.Refused("no worker answers")
    return {"task": task, "worker": answer[1].decode()}


def serve(name: str) -> None:
    """Serve requests until the process ends."""
    Answer.name = name
    address = ("0.0.0.0", programs.PORTS[programs.program()])  # noqa: S104 inside a container
    ThreadingHTTPServer(address, Answer).serve_forever()
