"""Docker engines that are older than what the layout of a bundle needs.

A profile without `requirements.docker` requires 20.10 too: see tests/unit/bundler/build.
"""

from __future__ import annotations

import json

import pytest

from tests.support.kiosk import Host

NO_COMMAND = """case "$1" in
    context | compose) echo "docker: '$1' is not a docker command." >&2; exit 1 ;;
esac
"""
"""Docker before 19.03 has neither contexts nor plugins of that name."""


@pytest.mark.parametrize(
    ("version", "result"),
    [("1.13.1", "fail"), ("18.09.0", "fail"), ("20.10.0", "pass"), ("20.10.24", "pass")],
)
def test_the_preflight_refuses_an_engine_that_cannot_load_the_images(
    host: Host, version: str, result: str
) -> None:
    script = host.docker.read_text().replace("version*) echo 26.1.0", f"version*) echo {version}")
    old = result == "fail"
    host.docker.write_text(script.replace("self=$0\n", f"self=$0\n{NO_COMMAND if old else ''}"))
    done = host.run("preflight", "--root", host.root, "--json", "--lang", "en")
    assert done.returncode == (3 if old else 0), done.stdout + done.stderr
    checks = {check["id"]: check for check in json.loads(done.stdout)["checks"]}
    found = checks["docker"]
    assert (found["result"], found["measured"], found["required"]) == (result, version, "20.10")
    assert bool(found["remedy"]) == old
    refused = host.install()
    assert refused.returncode == (3 if old else 0), refused.stdout + refused.stderr
    assert ("load" in host.calls()) != old
    assert host.root.exists() != old
