"""The sandbox's stand-in: runs or refuses snippets as dify-sandbox 0.2.15 does (README.md).

Each snippet runs in a separate root folder and as a separate user: without root, `CAP_SYS_CHROOT` or
`CAP_SETUID`, every snippet fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

CONFIG = Path("/conf/config.yaml")
ROOT = Path("/var/sandbox/sandbox-python")
LIBRARY = ROOT / "python.so"
PYTHON = "/opt/python/bin/python3"
USER = 10000
"""First user ID of the sandbox's pool."""
BOOTSTRAP = """
import base64, json, os, socket, sys, time, urllib.error, urllib.request, encodings.idna
code = sys.stdin.buffer.read().decode()
os.chroot(".")
os.chdir("/")
os.setgroups([])
os.setgid(0)
os.setuid(int(sys.argv[1]))
exec(compile(code, "<fd3>", "exec"))
"""
"""The real sandbox copies Python's library into the folder; here the modules are loaded before the chroot."""

Response = dict[str, Any]


def prepare() -> None:
    """Write the files of each start: the library that confines snippets, and the name resolution files."""
    LIBRARY.unlink(missing_ok=True)
    for folder in ("tmp", "etc"):
        (ROOT / folder).mkdir(parents=True, exist_ok=True)
    LIBRARY.write_bytes(b"a stand-in\n")
    for name in ("hosts", "nsswitch.conf", "resolv.conf"):
        shutil.copy(Path("/etc") / name, ROOT / "etc")


def setting(key: str, variable: str, default: str) -> str:
    """Return a setting: from the variable, else from the file, else the program's default."""
    if value := os.environ.get(variable):
        return value
    found = re.search(rf"^\s*{key}:[ \t]*(\S[^#\n]*)", CONFIG.read_text(), re.MULTILINE)
    return found[1].strip().strip("\"'") if found else default


def network() -> bool:
    """Return whether snippets may use the network."""
    return setting("enable_network", "ENABLE_NETWORK", "false").lower() in {"1", "t", "true"}


def refuse(code: int, message: str) -> Response:
    """Return the answer for a refused snippet."""
    return {"code": code, "message": message, "data": None}


def run(wish: dict[str, Any]) -> tuple[int, Response]:
    """Return status and answer of a request to /v1/sandbox/run."""
    if not wish.get("language") or not wish.get("code"):
        return 200, refuse(-400, "language and code are required")
    if wish["language"] != "python3":
        return 400, refuse(-400, "unsupported language")
    if wish.get("enable_network") and not network():
        return 200, refuse(-400, "network is disabled, please enable it in the configuration")
    return 200, _run(str(wish["code"]))


def _run(code: str) -> Response:
    proxies = {}
    if network():
        proxies = {
            variable: value
            for variable in ("HTTP_PROXY", "HTTPS_PROXY")
            if (value := setting(variable.removesuffix("_PROXY").lower(), variable, ""))
        }
    try:
        done = subprocess.run(
            [setting("python_path", "PYTHON_PATH", PYTHON), "-c", BOOTSTRAP, str(USER)],
            input=code.encode(),
            capture_output=True,
            env=proxies,
            cwd=ROOT,
            timeout=float(setting("worker_timeout", "WORKER_TIMEOUT", "5")),
            check=False,
        )
    except OSError as error:
        return refuse(-500, str(error))
    except subprocess.TimeoutExpired:
        return {"code": 0, "message": "success", "data": {"error": "error: timeout\n", "stdout": ""}}
    said = done.stderr.decode() + (f"error: exit status {done.returncode}\n" if done.returncode else "")
    return {"code": 0, "message": "success", "data": {"error": said, "stdout": done.stdout.decode()}}
