"""Preflight on a server without an engine, for a bundle that carries one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fabricated import ENV, Found, Server, preflight_file, results, run_preflight
from tests.support.installer import SHELLS, need_shell, shells

ROWS = [
    ["docker", "engine", "20.10", "-", "-"],
    ["unpacker", "engine", "-", "-", "-"],
    ["compose", "engine", "2.0", "-", "-"],
    ["disk", "storage", "-", "-", "-"],
]
CARRIED = (
    "#kind\tvalue\tname\nversion\t26.1.4\t-\nroom\t1000000000\t-\ndata-root\t/data/docker\t-\n"
    "archive\tfiles/engine/docker.tgz\t-\ncompose\tfiles/engine/docker-compose\t-\n"
)
COMPACT = "".join(
    f"{key}={value}\n" for key, value in {**ENV, "compression": "compact", "window": "27"}.items()
)


@pytest.fixture(params=shells())
def shell(request: pytest.FixtureRequest) -> str:
    need_shell(request.param)
    return str(request.param)


def measure(
    server: Server, shell: str, *options: str, engine: str = CARRIED
) -> tuple[int, dict[str, list[Found]]]:
    tables = {"engine.tsv": engine, "bundle.env": COMPACT}
    file = preflight_file(server.root.parent, ROWS, tables)
    result = run_preflight(server, file, "--json", *options, shell=SHELLS[shell])
    return result.returncode, results(result.stdout)


def test_without_an_engine(tmp_path: Path, shell: str) -> None:
    server = Server(tmp_path)
    server.remove("bin/docker")
    _, found = measure(server, shell)
    assert found["docker"][0].result == "fail"
    assert found["docker"][0].measured == "missing iptables"
    server.program("iptables", "exit 0")
    code, found = measure(server, shell)
    assert code == 3, "nobody unpacks the images"
    for check in ("docker", "compose"):
        assert found[check][0].result == "warn"
        assert "the bundle includes an engine" in found[check][0].measured
        assert "--install-engine" in found[check][0].remedy
    code, asked = measure(server, shell, "--install-engine")
    assert code == 0
    assert asked["docker"][0].measured == "none yet; Docker 26.1.4 is installed from the bundle"
    assert asked["unpacker"][0].measured == "Docker 26.1.4"
    assert {one.result for check in asked.values() for one in check} == {"pass"}
    old = CARRIED.replace("26.1.4", "20.10.24")
    assert measure(server, shell, "--install-engine", engine=old)[1]["unpacker"][0].result == "fail"
    code, none = measure(server, shell, engine="#kind\tvalue\tname\n")
    assert code == 3
    assert none["docker"][0].result == none["compose"][0].result == "fail"


def test_packages_bring_what_they_need_or_are_of_another_system(tmp_path: Path, shell: str) -> None:
    server = Server(tmp_path)
    server.remove("bin/docker")
    packages = "#kind\tvalue\tname\ndeb\tfiles/engine/packages/docker.deb\tdocker\n"
    _, other = measure(server, shell, "--install-engine", engine=packages)
    assert other["docker"][0].result == "fail"
    assert "a different kind of system" in other["docker"][0].remedy
    server.write("var/lib/dpkg/status", "Package: base-files\n")
    server.write("usr/bin/dpkg", "#!/bin/sh\n")
    (server.root / "usr/bin/dpkg").chmod(0o755)
    _, fit = measure(server, shell, "--install-engine", engine=packages)
    assert fit["docker"][0].result == "pass"


def test_with_an_engine_that_lacks_compose(tmp_path: Path, shell: str) -> None:
    server = Server(tmp_path)
    server.docker('"compose version --short") exit 1 ;;')
    _, found = measure(server, shell)
    assert (found["docker"][0].result, found["compose"][0].result) == ("pass", "warn")
    _, asked = measure(server, shell, "--install-engine")
    assert (asked["docker"][0].result, asked["compose"][0].result) == ("pass", "pass")
    packages = "#kind\tvalue\tname\ndeb\tfiles/engine/packages/docker.deb\tdocker\n"
    _, other = measure(server, shell, "--install-engine", engine=packages)
    assert other["compose"][0].result == "fail"


def test_programs_that_the_bundle_did_not_install_are_not_used(tmp_path: Path, shell: str) -> None:
    server = Server(tmp_path)
    server.remove("bin/docker")
    server.program("containerd", "exit 0")
    code, found = measure(server, shell, "--install-engine")
    assert code == 3
    assert found["docker"][0].result == "fail"
    assert "bin/containerd exists" in found["docker"][0].remedy
    server.remove("bin/containerd")
    server.program("docker", "exit 1")
    assert measure(server, shell, "--install-engine")[1]["docker"][0].result == "fail"


def test_the_room_that_its_programs_take_is_counted(tmp_path: Path, shell: str) -> None:
    server = Server(tmp_path)
    _, plain = measure(server, shell)
    server.remove("bin/docker")
    server.program("iptables", "exit 0")
    _, more = measure(server, shell, "--install-engine")
    assert plain["disk"][0].required != more["disk"][0].required
