"""The operator's environment and Docker configuration affect neither a run nor a service."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.installer import SHELLS
from tests.support.kiosk import Host

KEPT = {
    "PATH", "HOME", "TERM", "TMPDIR", "NO_COLOR", "LANG", "LC_ALL", "LC_MESSAGES", "SSH_CONNECTION",
    "DOCKER_HOST", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "BUNDLE_TRUSTED_KEYS",
    "IFS", "PWD", "OLDPWD", "SHLVL", "_", "SHELLOPTS", "BASHOPTS",
}  # fmt: skip
"""All variables that the installer's programs may see. dash and busybox export IFS, which shells ignore."""
HOSTILE = {
    "variables": {
        "TAR_OPTIONS": "--exclude=blobs", "TAPE": "/dev/null", "GREP_OPTIONS": "-v", "GREP_COLORS": "mt=1",
        "OPENSSL_CONF": "/nowhere", "OPENSSL_MODULES": "/nowhere", "OPENSSL_ENGINES": "/nowhere",
        "POSIXLY_CORRECT": "1", "BLOCK_SIZE": "1G", "DF_BLOCK_SIZE": "1G", "LS_BLOCK_SIZE": "1G",
        "IFS": "/", "ENV": "/nowhere", "BASH_ENV": "/nowhere", "TAB": "x", "NEWLINE": "x", "EXIT_USAGE": "0",
        "GZIP": "-9", "XZ_OPT": "--bad", "ZSTD_CLEVEL": "x", "ZSTD_NBTHREADS": "x", "AWKPATH": "/nowhere",
        "COMPOSE_FILE": "/nowhere", "COMPOSE_PROFILES": "x",
        "COMPOSE_ENV_FILES": "/nowhere",
        "SEVERAL": "x\nexport PATH=/nowhere\nexport b='", "QUIET": "yes", "YES": "", "CHANGING": "yes",
    },
    "paths": {"CDPATH": ".:/tmp", "TMPDIR": ".", "PATH": ".::"},
    "bash": {
        "SHELLOPTS": "noglob:noclobber:errexit", "BASHOPTS": "failglob:nocasematch",
        **{
            f"BASH_FUNC_{name}%%": f"() {{ echo {name} of the operator >&2; exit 9; }}"
            for name in ("tar", "awk", "sed", "printf", "umask", "command", "declare", "docker", "pwd")
        },
    },
}  # fmt: skip
"""Test case -> hostile variables."""


def run(
    host: Host, *arguments: str | Path, environment: Mapping[str, str], program: str | Path = ""
) -> subprocess.CompletedProcess[str]:
    """Run the installer by a relative path, as operators do."""
    return subprocess.run(
        [*SHELLS[host.shell], program or f"{host.unpacked.name}/install", *arguments],
        cwd=host.folder, env={**host.variables(), **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def install(host: Host, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Install with the required options."""
    common = ("--root", host.root, "--key", host.key, "--yes", "--set", "GREETING=hello")
    return run(host, "install", *common, environment=environment)


def seen(host: Host) -> list[dict[str, str]]:
    """Return the environment of each call of `docker`, except queries for a context."""
    calls = Path(f"{host.docker}.environment").read_text().split("\0\n")
    return [dict(line.split("=", 1) for line in call.splitlines() if "=" in line) for call in calls if call]


@pytest.mark.parametrize("environment", HOSTILE.values(), ids=HOSTILE)
def test_a_run_is_the_same_in_any_environment(environment: dict[str, str], host: Host) -> None:
    given = {**environment, "PATH": environment.get("PATH", "") + host.variables()["PATH"]}
    if "PATH" in environment:  # programs in the working folder
        for name in ("awk", "tar", "docker", "stat"):
            (host.folder / name).write_text("#!/bin/sh\nexit 9\n")
            (host.folder / name).chmod(0o755)
    done = install(host, given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    with tarfile.open(f"{host.docker}.loaded") as loaded:
        assert any(name.startswith("blobs/") for name in loaded.getnames())
    status = run(host, "status", program=f"{host.root.name}/kioskctl", environment=given)
    assert status.returncode == 0, status.stdout + status.stderr


def test_programs_see_little_and_an_empty_docker_configuration(host: Host) -> None:
    """With an operator's proxies in the Docker configuration, Compose would pass them to the services."""
    configuration = host.folder / ".docker"
    (configuration / "cli-plugins").mkdir(parents=True)
    (configuration / "config.json").write_text(
        json.dumps({"proxies": {"default": {"httpProxy": "http://proxy.example:3128"}}})
    )
    host.steer("watch")
    hostile = {
        name: value
        for group in HOSTILE.values()
        for name, value in group.items()
        if name not in {"TMPDIR", "PATH"}
    }
    hostile |= {
        "HTTP_PROXY": "http://proxy.example:3128", "https_proxy": "x",
        "DOCKER_DEFAULT_PLATFORM": "linux/s390x", "DOCKER_API_VERSION": "1.12",
        "DOCKER_TLS_VERIFY": "1", "DOCKER_CONTENT_TRUST": "1",
        "COMPOSE_HTTP_TIMEOUT": "1", "COMPOSE_PARALLEL_LIMIT": "1", "GREETING": "of the operator",
    }  # fmt: skip
    done = install(host, hostile)
    assert done.returncode == 0, done.stdout + done.stderr
    calls = seen(host)
    assert len(calls) > 5
    for call in calls:
        names = {name for name in call if not name.startswith("BASH_FUNC_")} - {"config", "plugins"}
        assert names <= KEPT, names - KEPT
        assert call["DOCKER_CONFIG"] != str(configuration)
        assert call["config"] == "{}"
        assert call["plugins"] == str(configuration / "cli-plugins")
        assert "DOCKER_HOST" not in call
    if host.shell == "bash":  # other shells do not treat such a name as a variable
        assert not [name for call in calls for name in call if name.startswith("BASH_FUNC_")]
    assert not [path for path in host.folder.glob("bundle.*") if path.is_dir()]


REMOTE = {
    "tcp": ({"DOCKER_HOST": "tcp://10.1.1.1:2376"}, "", "", "DOCKER_HOST", "unset DOCKER_HOST"),
    "ssh": ({"DOCKER_HOST": "ssh://root@far"}, "", "", "DOCKER_HOST", "unset DOCKER_HOST"),
    "loopback": ({"DOCKER_HOST": "tcp://127.0.0.1:2375"}, "", "", "DOCKER_HOST", "unset DOCKER_HOST"),
    "context": (
        {"DOCKER_CONTEXT": "far"}, "", "ssh://root@far", "DOCKER_CONTEXT=far", "unset DOCKER_CONTEXT",
    ),
    "current context": (
        {}, "far", "tcp://10.1.1.1:2376", ".docker/config.json", "docker context use default",
    ),
    "lost context": ({}, "lost", "", ".docker/config.json", "docker context use default"),
}  # fmt: skip
"""Variables, current context of the configuration, its address, the reported source, and the remedy."""


def add_context(host: Host, current: str, endpoint: str) -> None:
    """Make the operator's configuration name a context, and the fake `docker` report its address."""
    (host.folder / ".docker").mkdir(exist_ok=True)
    (host.folder / ".docker/config.json").write_text(
        json.dumps({"currentContext": current} if current else {}, indent=4)
    )
    if endpoint:
        host.steer("endpoint", f"{endpoint}\n")


@pytest.mark.parametrize(
    ("environment", "current", "endpoint", "where", "remedy"), REMOTE.values(), ids=REMOTE
)
def test_an_engine_on_another_machine_is_refused(
    environment: dict[str, str], current: str, endpoint: str, where: str, remedy: str, host: Host
) -> None:
    add_context(host, current, endpoint)
    for command in ("install", "plan"):
        refused = run(
            host, command, "--root", host.root, "--key", host.key, "--yes", "--set", "GREETING=x",
            environment=environment,
        )  # fmt: skip
        assert refused.returncode == 1, refused.stdout + refused.stderr
        for part in (where, remedy, endpoint):
            assert part in refused.stderr
    assert not host.root.exists()
    preflight = run(host, "preflight", "--root", host.root, "--json", "--lang", "en", environment=environment)
    assert preflight.returncode == 3
    checks = {check["id"]: check for check in json.loads(preflight.stdout)["checks"]}
    assert checks["engine-mode"]["result"] == "fail"
    assert where in checks["engine-mode"]["measured"]
    assert remedy in checks["engine-mode"]["remedy"]
    assert {" ".join(call.split()[:2]) for call in host.calls().splitlines()} <= {
        "context inspect", "compose version",
    }  # fmt: skip


def test_the_control_command_refuses_it_too(host: Host) -> None:
    assert install(host, {}).returncode == 0
    calls = host.calls()
    for command in ("status", "restart", "backup", "uninstall"):
        refused = run(
            host, command, "--yes", program=host.root / "kioskctl",
            environment={"DOCKER_HOST": "tcp://10.1.1.1:2376"},
        )  # fmt: skip
        assert refused.returncode == 1, refused.stdout + refused.stderr
        assert "DOCKER_HOST" in refused.stderr
    assert host.calls() == calls


@pytest.mark.parametrize(
    ("environment", "current"),
    [
        ({"DOCKER_CONTEXT": "rootless"}, ""),
        ({}, "rootless"),
        ({"DOCKER_HOST": "unix:///run/own.sock"}, "far"),
    ],
)
def test_a_socket_of_this_machine_is_asked_for_everything(
    environment: dict[str, str], current: str, host: Host
) -> None:
    add_context(host, current, "unix:///run/own.sock")
    host.steer("watch")
    done = install(host, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {call["DOCKER_HOST"] for call in seen(host)} == {"unix:///run/own.sock"}
    assert not [call for call in seen(host) if "DOCKER_CONTEXT" in call]


def test_a_relative_path_finds_the_bundle_whatever_cdpath_says(host: Host) -> None:
    (host.folder / "elsewhere" / host.unpacked.name).mkdir(parents=True)
    done = run(host, "version", environment={"CDPATH": f"{os.curdir}:{host.folder}/elsewhere"})
    assert done.stdout.startswith("kiosk 1.0"), done.stderr
