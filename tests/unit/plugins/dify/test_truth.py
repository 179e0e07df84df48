"""Findings from the real programs: restarts, health checks that prove use, addresses clients cannot forge."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from tests.support import dify
from tests.support.programs import need_program

API = ("api", "api_websocket", "worker", "worker_beat", "migrate")
CASES = [*sorted(dify.MATRIX), *dify.NAMES]


def rendered(case: str) -> dict[str, Any]:
    """Return the services of a case of the matrix, or of a profile."""
    application = dify.profile_model(case) if case in dify.NAMES else dify.model(dify.MATRIX[case])
    return dict(application.compose["services"])


# ---------------------------------------------------------------- the second start of the same container


@pytest.mark.parametrize("case", CASES)
def test_tmpfs_folders_belong_to_their_writers(case: str) -> None:
    """runc 1.1.5 forgets `mode=` at the second start, but not `uid=` and `gid=`."""
    for name, service in rendered(case).items():
        user = service.get("user")
        for mount in service.get("tmpfs", []):
            folder, _, words = mount.partition(":")
            options = dict(word.split("=") for word in words.split(","))
            assert options["mode"] == ("1777" if folder == "/tmp" else "0755"), (name, mount)  # noqa: S108
            owner = f"{options['uid']}:{options['gid']}" if "uid" in options else None
            assert owner == user, (name, mount)


@pytest.mark.parametrize("service", ["worker", "worker_beat"])
def test_a_workers_note_lies_where_each_start_is_a_new_one_and_any_user_writes(service: str) -> None:
    whole = rendered("finance")[service]
    assert "tmpfs" not in whole
    notes = set(re.findall(r"(?:find|touch) (\S+?)[ ;]", whole["healthcheck"]["test"][1]))
    assert notes == {"/dev/shm/dify-alive"}  # noqa: S108 the container's own


# ---------------------------------------------------------------- the sandbox


class Sandbox(BaseHTTPRequestHandler):
    """The answers of dify-sandbox 0.2.15; records the requests."""

    answer: ClassVar[dict[str, Any] | str] = {}
    seen: ClassVar[list[tuple[str, dict[str, str], Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.path, dict(self.headers), body))
        text = self.answer
        content = (text if isinstance(text, str) else json.dumps(text, separators=(",", ":"))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def sandbox(answer: dict[str, Any] | str) -> Iterator[int]:
    Sandbox.answer = answer
    Sandbox.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sandbox)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


ANSWERS: dict[str, tuple[dict[str, Any] | str, bool]] = {
    # answer of the sandbox, and whether it counts as healthy
    "ran": ({"code": 0, "message": "success", "data": {"error": "", "stdout": "1\n"}}, True),
    "no network": (
        {"code": -400, "message": "network is disabled, please enable it in the configuration", "data": None},
        False,
    ),
    "no Python": ({"code": -500, "message": "fork/exec: no such file or directory", "data": None}, False),
    "ran, written with a blank": (
        '{"code": 0, "message": "success", "data": {"error": "", "stdout": "1\\n"}}',
        True,
    ),
    "failed": (
        {"code": 0, "message": "success", "data": {"error": "operation not permitted\n", "stdout": ""}},
        False,
    ),
}


@pytest.mark.parametrize("case", sorted(ANSWERS))
def test_the_sandboxes_health_is_a_snippet_that_ran(case: str) -> None:
    need_program("curl")
    kind, command = rendered("finance")["sandbox"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    answer, healthy = ANSWERS[case]
    with sandbox(answer) as port:
        text = command.replace("$$", "$").replace("localhost:8194", f"127.0.0.1:{port}")
        environment = {"PATH": os.environ["PATH"], "API_KEY": "key-1", "HTTP_PROXY": "http://127.0.0.1:9"}
        found = subprocess.run(
            ["sh", "-c", text], env=environment, capture_output=True, text=True, check=False
        )
    assert (found.returncode == 0) is healthy, found.stderr
    ((path, headers, body),) = Sandbox.seen
    assert (path, headers["X-Api-Key"]) == ("/v1/sandbox/run", "key-1")
    # What the API sends with every snippet (langgenius/dify, api/core/helper/code_executor/code_executor.py).
    assert body == {"language": "python3", "code": "print(1)", "preload": "", "enable_network": True}
    assert "key-1" not in command


def test_a_snippets_request_is_not_refused() -> None:
    """Networking is enabled in the variable, and in the file that the variable overrides."""
    application = dify.model({})
    assert dify.environment(application, "sandbox")["ENABLE_NETWORK"] == "true"
    found = yaml.safe_load(dify.content(application, "sandbox/config.yaml"))
    assert found["enable_network"] is True
    # The program's default is correct in its image: /opt/python/bin/python3.
    assert "python_path" not in found


# ---------------------------------------------------------------- client addresses


@pytest.mark.parametrize("service", API)
def test_values_of_difys_own_deployment_are_set(service: str) -> None:
    found = dify.environment(dify.model({}), service)
    assert {name: found[name] for name in DEPLOYED} == DEPLOYED


DEPLOYED = {
    "SWAGGER_UI_ENABLED": "false",
    "OPENAPI_ENABLED": "false",
    "ENABLE_OAUTH_BEARER": "false",
    "ANNOTATION_IMPORT_MAX_CONCURRENT": "5",
    "REDIS_KEEPALIVE": "true",
}


@pytest.mark.parametrize("case", CASES)
def test_a_client_cannot_choose_its_address(case: str) -> None:
    application = dify.profile_model(case) if case in dify.NAMES else dify.model(dify.MATRIX[case])
    text = dify.content(application, "nginx/nginx.conf")
    sent = re.findall(r"proxy_set_header (CF-Connecting-IP|X-Forwarded-For|X-Real-IP) (.*);", text)
    assert sent == [
        ("X-Real-IP", "$remote_addr"),
        ("CF-Connecting-IP", '""'),
        ("X-Forwarded-For", "$remote_addr"),
    ]
    # A location with its own proxy_set_header would lose all that are set above it (nginx documentation).
    assert len(re.findall(r"^    proxy_set_header ", text, re.MULTILINE)) == text.count("proxy_set_header")


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("case", CASES)
def test_services_without_a_way_out_do_not_wait_for_dns(case: str) -> None:
    for name, service in rendered(case).items():
        if "networks" not in service:
            assert "dns_opt" not in service, name
        elif "egress" in service["networks"]:
            # The site's name server is queried, and may not answer.
            assert service["dns_opt"] == ["timeout:2", "attempts:2"]
            assert not {"dns", "dns_search"} & service.keys()
        else:
            assert service["dns"] == ["127.0.0.1"]
            assert service["dns_search"] == ["."]
            assert service["dns_opt"] == ["ndots:1", "timeout:1", "attempts:2"]


@pytest.mark.parametrize("file", ["squid.conf", "squid-agent.conf"])
def test_proxies_look_up_no_name_that_they_refuse_anyway(file: str) -> None:
    """Checks the rules before the first one that needs an address, which every `dst` rule of squid does."""

    def before(values: dict[str, Any]) -> list[str]:
        text = dify.content(dify.model(values), f"squid/{file}")
        rules = re.findall(r"^http_access (.*)$", text, re.MULTILINE)
        return rules[: rules.index("deny never")]

    assert before({})[-1] == "deny all"
    assert before({"ssrf": {"domains": ["llm.bank.example"]}})[-1] == "deny !allowed_domains"
    assert before({"ssrf": {"cidrs": ["10.20.0.0/16"]}})[-1] == "deny services"
    assert before({"ssrf": {"allow_public": True}})[-1] == "deny services"
    text = dify.content(dify.model({"ssrf": {"domains": ["llm.bank.example"]}}), f"squid/{file}")
    assert [line for line in text.splitlines() if " dstdomain " in line and " -n " not in line] == []


def test_the_pages_name_the_error_that_users_see() -> None:
    for page in ("dify.md", "dify.zh.md"):
        text = (Path(__file__).parents[4] / "docs" / "how-to" / page).read_text(encoding="utf-8")
        assert "SSRF_PROXY_ALLOW_PRIVATE_IPS" in text
        assert "169.254.169.254" in text
