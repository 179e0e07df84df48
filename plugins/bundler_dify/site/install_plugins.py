"""Installs plugin packages through the plugin daemon. Runs inside the API's container, on what it has.

Endpoints of Dify's plugin daemon, as the API itself calls them: upload a package, install what was uploaded,
ask how far it is.
"""

# ruff: noqa: INP001 a program of its own, not part of the package

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any

LIMIT = 1200
"""Seconds for each plugin's Python environment."""


def call(path: str, content: bytes | None = None, kind: str = "application/json") -> Any:  # noqa: ANN401 JSON
    """Ask the daemon, and return the `data` of its answer."""
    request = urllib.request.Request(  # noqa: S310 the daemon's address is http
        os.environ["PLUGIN_DAEMON_URL"].rstrip("/") + path,
        data=content,
        headers={"X-Api-Key": os.environ["PLUGIN_DAEMON_KEY"], "Content-Type": kind},
    )
    try:
        with urllib.request.urlopen(request, timeout=300) as response:  # noqa: S310 as above
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit(f"{path}: HTTP {error.code}: {error.read(500).decode(errors='replace')}")
    if answer.get("code") != 0:
        sys.exit(f"{path}: {answer.get('message')}")
    return answer.get("data")


def workspaces() -> list[str]:
    """Identifiers of all workspaces, from Dify's database."""
    import psycopg2  # type: ignore[import-untyped]  # noqa: PLC0415 the API's image has it

    connection = psycopg2.connect(
        host=os.environ["DB_HOST"],
        port=os.environ["DB_PORT"],
        user=os.environ["DB_USERNAME"],
        password=os.environ["DB_PASSWORD"],
        dbname=os.environ["DB_DATABASE"],
        sslmode=os.environ.get("DB_SSL_MODE", "prefer"),
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenants ORDER BY created_at")
        return [str(row[0]) for row in cursor.fetchall()]


def upload(workspace: str, package: Path) -> str:
    """Hand a package over, and return the identifier that the daemon gives it."""
    boundary = uuid.uuid4().hex
    verify = os.environ.get("FORCE_VERIFYING_SIGNATURE", "true")
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="verify_signature"\r\n\r\n{verify}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="dify_pkg"; filename="{package.name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    content = parts.encode() + package.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    answer = call(f"/plugin/{workspace}/management/install/upload/package", content, kind)
    return str(answer["unique_identifier"])


def install(workspace: str, identifier: str) -> None:
    """Install what was uploaded, and wait until it is done."""
    wish = {"plugin_unique_identifiers": [identifier], "source": "package", "metas": [{}]}
    answer = call(f"/plugin/{workspace}/management/install/identifiers", json.dumps(wish).encode())
    if answer.get("all_installed"):
        return
    task = urllib.parse.quote(str(answer["task_id"]))
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        state = call(f"/plugin/{workspace}/management/install/tasks/{task}")
        if state.get("status") == "success":
            return
        if state.get("status") == "failed":
            reasons = [plugin.get("message", "") for plugin in state.get("plugins", [])]
            sys.exit(f"{identifier}: {'; '.join(filter(None, reasons)) or 'failed'}")
        time.sleep(2)
    sys.exit(f"{identifier}: not installed after {LIMIT} seconds")


def main(folder: Path, wanted: list[str]) -> None:
    """Install every package of the folder into each workspace."""
    found = wanted or workspaces()
    if not found:
        sys.exit(
            "Dify has no workspace yet: make the first administrator first. / 尚无工作区, 请先创建首位管理员"
        )
    for workspace in found:
        for package in sorted(folder.glob("*.difypkg")):
            identifier = upload(workspace, package)
            install(workspace, identifier)
            sys.stdout.write(f"{workspace}: {identifier}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
