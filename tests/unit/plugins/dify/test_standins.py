"""The stand-ins refuse and answer like the real programs were observed to (tests/images/dify/README.md)."""

from __future__ import annotations

import http.client
import importlib
import json
import os
import subprocess
import sys
import threading
from email.message import Message
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.bank import STANDINS
from tests.support.images import RECIPES, variant_config
from tests.support.programs import need_root

FOLDER = RECIPES / "dify"
CONFIG = 'app:\n  key: "k"\nworker_timeout: 5\nenable_network: true # a remark\nproxy:\n  http: http://p:1\n'
NAMED = {"api": "dify", "web": "dify", "agent_backend": "dify", "local_sandbox": "dify"}


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 a function
    """Return a function that imports a module of the stand-ins as their image does."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in [name for name in sys.modules if name.partition(".")[0] == "standin"]:
        monkeypatch.delitem(sys.modules, name)
    return lambda name: importlib.import_module(f"standin.{name}")


@pytest.fixture
def sandbox(standin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:  # noqa: ANN401 as above
    """Return the sandbox, with its files in a folder of the test."""
    module: ModuleType = standin("sandbox")
    monkeypatch.setattr(module, "ROOT", tmp_path / "root")
    monkeypatch.setattr(module, "LIBRARY", tmp_path / "root/python.so")
    monkeypatch.setattr(module, "CONFIG", tmp_path / "config.yaml")
    monkeypatch.setattr(module, "PYTHON", sys.executable)
    (tmp_path / "config.yaml").write_text(CONFIG)
    for variable in ("ENABLE_NETWORK", "PYTHON_PATH", "HTTP_PROXY", "HTTPS_PROXY", "WORKER_TIMEOUT"):
        monkeypatch.delenv(variable, raising=False)
    module.prepare()
    module.prepare()
    return module


SNIPPET = {"language": "python3", "code": "print(1)", "preload": "", "enable_network": True}


def test_the_sandbox_refuses_what_the_real_one_refuses(
    sandbox: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sandbox.run(SNIPPET | {"language": "ruby"})[0] == 400
    assert sandbox.run(SNIPPET | {"code": ""})[1]["code"] == -400
    monkeypatch.setenv("ENABLE_NETWORK", "false")
    status, answer = sandbox.run(SNIPPET)
    assert (status, answer["code"]) == (200, -400)
    assert answer["message"].startswith("network is disabled")
    monkeypatch.setenv("ENABLE_NETWORK", "true")
    sandbox.CONFIG.write_text(CONFIG + "python_path: /usr/local/bin/no-python3\n")
    assert sandbox.run(SNIPPET)[1]["code"] == -500


def test_the_sandbox_runs_a_snippet_elsewhere_and_as_somebody_else(
    sandbox: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_root()
    monkeypatch.setenv("HTTPS_PROXY", "http://p:2")
    code = (
        "print(json.dumps([os.getuid(), os.getgid(), sorted(os.listdir('/')), sorted(os.environ.items())]))"
    )
    answer = sandbox.run(SNIPPET | {"code": code})[1]
    assert answer["data"]["error"] == ""
    user, group, files, environment = json.loads(answer["data"]["stdout"])
    assert (user, group, files) == (10000, 0, ["etc", "python.so", "tmp"])
    assert ["HTTP_PROXY", "http://p:1"] in environment
    assert ["HTTPS_PROXY", "http://p:2"] in environment


def test_a_snippet_fails_where_the_sandbox_may_not_lock_it_in(sandbox: ModuleType) -> None:
    need_root()
    script = f"import json, sys; sys.path.insert(0, {str(FOLDER)!r}); from standin import sandbox as s\n"
    script += f"from pathlib import Path; s.ROOT = Path({str(sandbox.ROOT)!r}); s.PYTHON = sys.executable\n"
    script += f"s.CONFIG = Path({str(sandbox.CONFIG)!r}); print(json.dumps(s.run({SNIPPET!r})[1]))"
    dropped = ("setpriv", "--bounding-set", "-sys_chroot", "--inh-caps", "-sys_chroot")
    done = subprocess.run(
        [*dropped, sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert "Operation not permitted" in json.loads(done.stdout)["data"]["error"]


@pytest.mark.parametrize("value", [None, "true", "false"])
def test_the_api_describes_itself_unless_it_is_told_not_to(
    standin: Any,  # noqa: ANN401 as above
    monkeypatch: pytest.MonkeyPatch,
    value: str | None,
) -> None:
    monkeypatch.delenv("SWAGGER_UI_ENABLED", raising=False)
    if value:
        monkeypatch.setenv("SWAGGER_UI_ENABLED", value)
    for path in ("/v1/swagger-ui.html", "/console/api/swagger.json", "/api/swagger.json"):
        assert standin("api").describes_itself(path) is (value != "false")
    assert not standin("api").describes_itself("/v1/chat-messages")


def test_the_api_believes_the_first_of_the_headers(standin: Any) -> None:  # noqa: ANN401 as above
    headers = Message()
    ask = standin("api").client_address
    assert ask(headers, "10.0.0.9") == "10.0.0.9"
    headers["X-Forwarded-For"] = "1.1.1.1, 10.0.0.8"
    assert ask(headers, "10.0.0.9") == "1.1.1.1, 10.0.0.8"
    headers["CF-Connecting-IP"] = "6.6.6.6"
    assert ask(headers, "10.0.0.9") == "6.6.6.6"


@pytest.mark.parametrize("variant", STANDINS)
def test_images_name_their_user_where_the_real_ones_do(variant: str) -> None:
    assert variant_config("dify", variant).get("User") == NAMED.get(variant)
    assert variant in (FOLDER / "README.md").read_text() or variant == "qdrant"


def test_a_stores_key_is_found_however_its_header_is_written(
    standin: Any,  # noqa: ANN401 as above
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", ModuleType("psycopg2"))
    monkeypatch.setenv("VARIANT", "qdrant")
    monkeypatch.setenv("QDRANT__SERVICE__API_KEY", "key")
    with ThreadingHTTPServer(("127.0.0.1", 0), standin("proving").ProvenAnswer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            for name, key, status in (
                ("api-key", "key", 200),
                ("API-KEY", "key", 200),
                ("api-key", "no", 401),
            ):
                client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
                client.request("GET", "/collections", headers={name: key})
                assert client.getresponse().status == status, (name, key)
                client.close()
        finally:
            server.shutdown()
