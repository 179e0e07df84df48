"""The rendered proxy configurations in a real squid."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import dify
from tests.support.programs import need_program, need_root, run

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("file", ["squid.conf", "squid-agent.conf"])
@pytest.mark.parametrize("case", [*sorted(dify.MATRIX), *dify.NAMES])
def test_squid_accepts_it(case: str, file: str, tmp_path: Path) -> None:
    squid = need_program("squid")
    application = dify.profile_model(case) if case in dify.NAMES else dify.model(dify.MATRIX[case])
    cluster = application.in_cluster if case in {"hardened", *dify.NAMES} else None
    for each in filter(None, (application, cluster)):
        (tmp_path / "squid.conf").write_text(dify.content(each, f"squid/{file}"))
        result = subprocess.run(
            [squid, "-k", "parse", "-f", tmp_path / "squid.conf"], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        problems = [line for line in result.stderr.splitlines() if re.search(r"WARNING|ERROR|FATAL", line)]
        assert problems == []


# ---------------------------------------------------------------- the running proxies

ASK = """
import http.client, sys
out = []
for line in sys.stdin.read().split():
    method, host, port, path = line.split(",")
    connection = http.client.HTTPConnection("10.20.0.1", 3128, timeout=20)
    if method == "CONNECT":
        connection.request("CONNECT", f"{host}:{port}")
    else:
        connection.request(method, f"http://{host}:{port}{path}", headers={"Host": f"{host}:{port}"})
    response = connection.getresponse()
    denied = "ERR_ACCESS_DENIED" in (response.headers.get("X-Squid-Error") or "")
    print(f"{line} {'denied' if denied else 'passed'}")
    connection.close()
"""
"""Client that sends requests through the proxy, in a network namespace where 10.20.0.1 is this machine."""

WAIT = """
import socket, sys, time
for _ in range(1200):
    try:
        socket.create_connection(("10.20.0.1", 3128)).close()
        sys.exit()
    except OSError:
        time.sleep(0.05)
sys.exit("squid does not answer")
"""

ASKED = {
    # request: (allowed by the workflow proxy, allowed by the agent proxy)
    "GET,10.20.0.1,8000,/": (True, True),
    "GET,10.30.0.1,8000,/": (False, False),
    "GET,llm.bank.example,8000,/": (True, True),
    "GET,a.tools.bank.example,8000,/": (True, True),
    "GET,other.bank.example,8000,/": (False, False),
    "CONNECT,llm.bank.example,443,": (True, True),
    "CONNECT,llm.bank.example,8443,": (True, True),
    "CONNECT,llm.bank.example,9999,": (False, False),
    "GET,llm.bank.example,22,/": (False, False),
    "GET,169.254.169.254,80,/latest/meta-data": (False, False),
    "GET,127.0.0.1,8000,/": (False, False),
    "GET,[::1],8000,/": (False, False),
    "GET,[::ffff:127.0.0.1],8000,/": (False, False),
    "GET,[::ffff:10.30.0.1],8000,/": (False, False),
    "GET,2130706433,8000,/": (False, False),
    "GET,172.30.240.5,6379,/": (False, False),
    "GET,203.0.113.9,80,/": (False, False),
    "GET,redis,6379,/": (False, False),
    "GET,api,5001,/console/api/setup": (False, False),
    "GET,api,5001,/files/tools/1": (False, True),
    "POST,api,5001,/files/upload": (False, True),
    "GET,agent_backend,5050,/agent-stub/x": (False, True),
    "GET,agent_backend,5050,/runs": (False, False),
    "GET,agent_backend,5051,/agent-stub/x": (False, False),
    "CONNECT,agent_backend,443,": (False, False),
}


@pytest.fixture
def island() -> Iterator[str]:
    """Yield the name of a network namespace with 10.20.0.1 and a default route that leads nowhere."""
    need_root()
    need_program("ip", "iproute2")
    name = f"site{os.getpid()}squid"
    run("ip", "netns", "add", name)
    try:
        for command in (
            "link set lo up",
            "addr add 10.20.0.1/32 dev lo",
            "route add default dev lo",
        ):
            run("ip", "-n", name, *command.split())
        yield name
    finally:
        run("ip", "netns", "del", name)


@pytest.fixture
def proxy_folder() -> Iterator[Path]:
    """Yield a folder that the user `proxy` can access."""
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 13, 13)
        yield Path(folder)


@pytest.mark.root
@pytest.mark.parametrize("file", ["squid.conf", "squid-agent.conf"])
def test_the_proxies_let_pass_what_is_allowed_and_nothing_else(
    file: str, island: str, proxy_folder: Path
) -> None:
    squid = need_program("squid")
    text = dify.content(
        dify.model(
            {
                "network": {"pool": "172.30.240.0/20"},
                "ssrf": {
                    "domains": ["llm.bank.example", ".tools.bank.example"],
                    # Deliberately wide: the containers' own address range must stay blocked all the same.
                    "cidrs": ["10.20.0.0/16", "172.16.0.0/12"],
                    "connect_ports": [8443],
                },
            }
        ),
        f"squid/{file}",
    )
    names = [
        "llm.bank.example",
        "a.tools.bank.example",
        "other.bank.example",
        "api",
        "agent_backend",
        "redis",
    ]
    addresses = {"other.bank.example": "10.30.0.1"}
    (proxy_folder / "hosts").write_text("".join(f"{addresses.get(n, '10.20.0.1')} {n}\n" for n in names))
    (proxy_folder / "squid.conf").write_text(
        text.replace("/tmp/squid.pid", f"{proxy_folder}/squid.pid")  # noqa: S108 a path in the container
        .replace("/dev/stderr", f"{proxy_folder}/cache.log")
        .replace("stdio:/dev/stdout", f"stdio:{proxy_folder}/access.log")
        + f"hosts_file {proxy_folder}/hosts\ndns_nameservers 127.0.0.1\nconnect_timeout 1 seconds\n"
        + "dns_timeout 1 seconds\nforward_timeout 1 seconds\nforward_max_tries 1\n"
    )
    inside = ["nsenter", f"--net=/var/run/netns/{island}", "--"]
    drop = ["setpriv", "--reuid=13", "--regid=13", "--clear-groups", "--"]  # as the container does
    process = subprocess.Popen(
        [*inside, *drop, squid, "-n", island, "-N", "-Y", "-C", "-f", str(proxy_folder / "squid.conf")]
    )
    try:
        run(*inside, "python3", "-c", WAIT)
        printed = subprocess.run(
            [*inside, "python3", "-c", ASK],
            input="\n".join(ASKED),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        process.terminate()
        process.wait()
    assert printed.returncode == 0, printed.stderr
    found = dict(line.rsplit(" ", 1) for line in printed.stdout.splitlines())
    column = 1 if "agent" in file else 0
    expected = {request: "passed" if answers[column] else "denied" for request, answers in ASKED.items()}
    assert found == expected
    for line in (proxy_folder / "access.log").read_text().splitlines():
        assert {"time", "client", "target", "status"} <= json.loads(line).keys()
