"""Run the program that installs Dify's plugins at the site against a stand-in for the plugin daemon."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bundler_dify import offline_plugins
from tests.support.dify_plugins import MANIFEST, pack

WORKSPACE = "11111111-2222-3333-4444-555555555555"


class Daemon(BaseHTTPRequestHandler):
    """The endpoints of the plugin daemon that the program uses."""

    installed: list[str] = []  # noqa: RUF012 one for all requests
    polls = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["X-Api-Key"] != "key":
            self.answer(401, {})
        elif self.path == f"/plugin/{WORKSPACE}/management/install/upload/package":
            assert b'name="verify_signature"\r\n\r\ntrue\r\n' in body
            start = body.index(b"PK\x03\x04")
            package = zipfile.ZipFile(io.BytesIO(body[start : body.rindex(b"\r\n--")]))
            assert package.read("manifest.yaml") == MANIFEST
            self.answer(200, {"unique_identifier": "bank/hello:0.0.1@abc"})
        else:
            assert self.path == f"/plugin/{WORKSPACE}/management/install/identifiers"
            self.installed.extend(json.loads(body)["plugin_unique_identifiers"])
            self.answer(200, {"all_installed": False, "task_id": "7"})

    def do_GET(self) -> None:
        assert self.path == f"/plugin/{WORKSPACE}/management/install/tasks/7"
        type(self).polls += 1
        self.answer(200, {"status": "success" if self.polls > 1 else "running"})

    def answer(self, status: int, data: dict[str, Any]) -> None:
        text = json.dumps({"code": 0, "message": "", "data": data}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def daemon() -> Iterator[str]:
    Daemon.installed.clear()
    Daemon.polls = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Daemon) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def install(folder: Path, url: str, key: str = "key") -> subprocess.CompletedProcess[str]:
    program = Path(offline_plugins.__file__).parent / "site" / "install_plugins.py"
    environment = {"PLUGIN_DAEMON_URL": url, "PLUGIN_DAEMON_KEY": key, "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, program, folder, WORKSPACE],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_command_uploads_installs_and_waits(daemon: str, tmp_path: Path) -> None:
    (tmp_path / "hello.difypkg").write_bytes(pack({"manifest.yaml": MANIFEST}, b""))
    result = install(tmp_path, daemon)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{WORKSPACE}: bank/hello:0.0.1@abc\n"
    assert Daemon.installed == ["bank/hello:0.0.1@abc"]
    assert Daemon.polls == 2


def test_the_command_says_why_it_failed(daemon: str, tmp_path: Path) -> None:
    (tmp_path / "hello.difypkg").write_bytes(pack({"manifest.yaml": MANIFEST}, b""))
    result = install(tmp_path, daemon, "wrong")
    assert result.returncode == 1
    assert "HTTP 401" in result.stderr
