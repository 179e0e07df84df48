"""Installing the Docker that a bundle carries on simulated servers; tests/e2e uses a real one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bundler_installer.engine import NEEDED
from bundler_installer.packages import read_package
from tests.support.bare_server import INSTALL, BareServer, link_tools
from tests.support.engine_files import put, real_package
from tests.support.installer import shells
from tests.support.programs import need_root
from tests.support.server import TOOLS

pytestmark = pytest.mark.root

DONE = ["begin engine", "end engine"]


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return link_tools(tmp_path_factory.mktemp("tools") / "bin")


@pytest.fixture(params=shells())
def server(request: pytest.FixtureRequest, tmp_path: Path, tools: Path) -> Iterator[BareServer]:
    """Yield a server with systemd, one per shell."""
    yield from make_server(tmp_path, request.param, tools)


@pytest.fixture
def one(tmp_path: Path, tools: Path) -> Iterator[BareServer]:
    """Yield a server with systemd, for dash only."""
    yield from make_server(tmp_path, "dash", tools)


@pytest.fixture
def plain(tmp_path: Path, tools: Path) -> Iterator[BareServer]:
    """Yield a server without systemd, for dash only."""
    yield from make_server(tmp_path, "dash", tools, systemd=False)


def make_server(folder: Path, shell: str, tools: Path, *, systemd: bool = True) -> Iterator[BareServer]:
    need_root()
    found = BareServer(folder, shell, tools)
    found.prepare(systemd=systemd)
    yield found
    found.end()


def journal(server: BareServer) -> list[str]:
    path = server.folder / "root/state/journal"
    return [" ".join(line.split("\t")[2:]) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_archive_with_systemd(server: BareServer) -> None:
    done = server.run()
    assert done.returncode == 0, done.stdout + done.stderr
    for name in NEEDED:
        path = server.programs / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o755
        assert (path.stat().st_uid, path.stat().st_gid) == (0, 0), "the archive's belong to 1000"
    assert sorted(path.name for path in server.programs.iterdir()) == sorted(NEEDED)
    assert (server.site / "usr/local/lib/docker/cli-plugins/docker-compose").read_bytes() == b"compose"
    assert json.loads(server.settings.read_text()) == {
        "log-driver": "json-file",
        "log-opts": {"max-size": "50m", "max-file": "5"},
    }
    unit = server.unit.read_text().splitlines()
    assert {
        "Type=notify",
        "ExecStart=/usr/local/bin/dockerd",
        "Delegate=yes",
        "KillMode=process",
        "Restart=always",
        "LimitNOFILE=1048576",
        "TasksMax=infinity",
        "RequiresMountsFor=/var/lib/docker",
        "WantedBy=multi-user.target",
    } <= set(unit)
    assert server.told() == [
        "groupadd -r docker",
        "systemctl daemon-reload",
        "systemctl enable --now docker.service",
    ]
    assert journal(server) == DONE
    assert "Docker 26.1.0 is running, and starts at boot." in done.stdout

    again = server.run()
    assert again.returncode == 0, again.stderr
    assert "Docker 26.1.0 is already installed and is kept" in again.stdout
    assert journal(server) == DONE


def test_where_data_lie_elsewhere(one: BareServer) -> None:
    table = one.folder / "here/engine.tsv"
    table.write_text(table.read_text() + "data-root\t/data/docker\t-\nversion\t26.1\t-\n")
    done = one.run()
    assert "Installing Docker 26.1 from the bundle" in done.stdout
    assert json.loads(one.settings.read_text())["data-root"] == "/data/docker"
    assert "RequiresMountsFor=/data/docker" in one.unit.read_text()


def test_without_systemd_it_is_started_and_the_command_for_boot_is_shown(plain: BareServer) -> None:
    done = plain.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "setsid dockerd >>/var/log/dockerd.log" in done.stderr
    environment = (plain.site / "state/environment").read_text()
    assert "HTTP_PROXY" not in environment, "the operator's own variables are none of the engine's"
    assert not plain.unit.exists()
    # after a reboot
    (plain.site / "state/running").unlink()
    plain.end()
    refused = plain.run("require_engine")
    assert refused.returncode == 1
    assert "Docker is installed but not running" in refused.stderr
    assert "请以 root 启动" in plain.run("require_engine", language="zh").stderr
    again = plain.run()
    assert again.returncode == 0, again.stderr
    assert (plain.site / "state/running").exists()


def test_nothing_is_installed_without_consent(server: BareServer) -> None:
    before = server.tree()
    silent = server.run('settle_engine; echo "plan: $ENGINE_PLAN"')
    assert silent.stdout == "plan: \n"
    refused = server.run("require_engine")
    assert refused.returncode == 1
    assert "Add --install-engine" in refused.stderr
    assert "--install-engine 即可安装" in server.run("require_engine", language="zh").stderr
    yes = server.run('YES=yes TERMINAL=yes; settle_engine; echo "plan: $ENGINE_PLAN"')
    assert yes.stdout == "plan: \n", "--yes agrees to the installation, not to an engine"
    assert server.tree() == before
    assert server.told() == []


def test_on_a_terminal_it_is_offered(server: BareServer) -> None:
    command = 'settle_engine; echo "plan: $ENGINE_PLAN."'
    asked = "the bundle includes Docker. Install it? [y/N]"
    assert "plan: ." in server.answer(command, asked, "n")
    assert "plan: whole." in server.answer(command, asked, "y")
    assert "plan: whole." in server.answer(command, "安装包自带 Docker。是否安装", "是", language="zh")


def test_the_plan_lists_the_engine(one: BareServer) -> None:
    tell = 'name_engine_change; [ "$ENGINE_CHANGE" = none ] || show_line "plan.engine_$ENGINE_CHANGE"'
    assert "--install-engine installs it" in one.run(tell).stdout
    assert one.run(f"INSTALL_ENGINE=yes; {tell}").stdout == "Engine: Docker is installed from the bundle\n"
    one.add_engine(running=True, compose=False)
    assert "the Compose plugin is added" in one.run(f"INSTALL_ENGINE=yes; {tell}").stdout
    assert one.run(INSTALL).returncode == 0
    assert one.run(f"INSTALL_ENGINE=yes; {tell}").stdout == ""


def test_a_bundle_that_carries_none(one: BareServer) -> None:
    one.carry({})
    refused = one.run()
    assert refused.returncode == 2
    assert "this bundle does not include Docker" in refused.stderr
    assert "The Docker engine does not respond" in one.run("require_engine").stderr


EXISTING: dict[str, tuple[Callable[[BareServer], object], str]] = {
    "an engine that stands still": (lambda server: server.add_engine(running=False), "bin/docker"),
    "a containerd": (
        lambda server: shutil.copy(server.site / "state/docker", server.site / "bin/containerd"),
        "bin/containerd",
    ),
}


@pytest.mark.parametrize(("add", "sign"), EXISTING.values(), ids=EXISTING)
def test_an_existing_engine_is_left_alone(
    one: BareServer, add: Callable[[BareServer], object], sign: str
) -> None:
    add(one)
    before = one.tree()
    refused = one.run()
    assert refused.returncode == 1
    assert f"{one.site}/{sign}" in refused.stderr
    assert one.tree() == before
    assert one.told() == []
    assert "The Docker engine does not respond" in one.run("require_engine").stderr


def test_an_engine_reached_by_address_or_socket_is_left_alone(plain: BareServer) -> None:
    refused = plain.run(f"DOCKER_HOST=tcp://10.0.0.1:2375; {INSTALL}")
    assert refused.returncode == 1
    assert "tcp://10.0.0.1:2375" in refused.stderr
    with socket.socket(socket.AF_UNIX) as listener:
        short = Path("/tmp") / f"bt-{plain.folder.name[-20:]}"  # noqa: S108 Unix socket paths must be short
        short.symlink_to(plain.site / "run")
        try:
            listener.bind(str(short / "docker.sock"))
        finally:
            short.unlink()
    refused = plain.run()
    assert refused.returncode == 1
    assert "run/docker.sock" in refused.stderr
    assert not plain.programs.exists()


def test_an_engine_that_answers_is_used(one: BareServer) -> None:
    one.add_engine(running=True)
    before = one.tree()
    done = one.run()
    assert done.returncode == 0
    assert "Docker 26.1.0 is already installed and is kept" in done.stdout
    assert one.tree() == before


def test_an_engine_without_compose_gets_only_the_plugin(server: BareServer) -> None:
    server.add_engine(running=True, compose=False)
    done = server.run()
    assert done.returncode == 0, done.stderr
    assert (server.site / "usr/local/lib/docker/cli-plugins/docker-compose").read_bytes() == b"compose"
    assert not server.programs.exists()
    assert not server.settings.exists()
    assert server.told() == []
    # nothing else is removed
    assert server.run('RELEASE=-; PURGE=" engine "; remove_engine').returncode == 0
    assert not (server.site / "usr/local/lib/docker").exists()
    assert (server.site / "bin/docker").exists()
    assert (server.site / "state/running").exists()


def test_files_of_others_stay(one: BareServer) -> None:
    one.programs.mkdir(parents=True)
    (one.programs / "runc").write_text("theirs")
    one.settings.parent.mkdir(parents=True)
    one.settings.write_text('{"data-root": "/big"}')
    before = one.tree()
    refused = one.run()
    assert refused.returncode == 1
    assert f"{one.programs}/runc already exists and was not installed by this installer" in refused.stderr
    assert one.tree() == before
    assert one.told() == []
    (one.programs / "runc").unlink()
    done = one.run()
    assert done.returncode == 0, done.stderr
    assert f"{one.settings} already exists and is kept" in done.stdout
    assert one.settings.read_text() == '{"data-root": "/big"}'


def test_bytes_that_changed_since_they_were_verified(one: BareServer) -> None:
    for name in ("archive", "compose"):
        path = one.folder / "here/files/engine" / name
        good = path.read_bytes()
        path.write_bytes(good[:-1] + b"x")
        refused = one.run()
        assert refused.returncode == 4, refused.stderr
        assert f"files/engine/{name}" in refused.stderr
        path.write_bytes(good)
    assert not any(line.startswith("systemctl") for line in one.told()), "nothing of it ran"
    assert one.run().returncode == 0


def test_an_engine_that_does_not_start(one: BareServer) -> None:
    (one.site / "state/broken").touch()
    failed = one.run()
    assert failed.returncode == 1
    assert "Job failed." in failed.stderr
    assert "journalctl -u docker" in failed.stderr
    (one.site / "state/broken").unlink()
    done = one.run()
    assert done.returncode == 0, done.stderr
    assert "already exists and was not installed by this installer" not in done.stderr


def test_what_the_operator_changed_stays(one: BareServer) -> None:
    assert one.run().returncode == 0
    settings, unit = '{"debug": true}', one.unit.read_text().replace("RestartSec=2", "RestartSec=9")
    one.settings.write_text(settings)
    one.unit.write_text(unit)
    (one.site / "state/running").unlink()
    again = one.run()
    assert again.returncode == 0, again.stderr
    assert f"{one.settings} already exists and is kept" in again.stdout
    assert f"{one.unit} already exists and is kept" in again.stdout
    gone = one.run("RELEASE=-; remove_engine")
    assert f"{one.unit} was modified after it was installed" in gone.stdout
    assert (one.settings.read_text(), one.unit.read_text()) == (settings, unit)


# ---------------------------------------------------------------- packages


@pytest.mark.parametrize("kind", ["deb", "rpm"])
def test_packages_where_the_server_knows_them(server: BareServer, kind: str) -> None:
    names = ("docker", "containerd", "libseccomp2")
    server.carry(
        {f"{name}.{each}": name.encode() for each in ("deb", "rpm") for name in names} | {"compose": b"c"}
    )
    server.add_manager(kind)
    (server.site / "state/packages").write_text("libseccomp2\n")
    (server.site / "state/broken").touch()
    failed = server.run()
    assert failed.returncode == 1
    assert "libx is missing" in failed.stderr
    (server.site / "state/broken").unlink()
    done = server.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Package libseccomp2 is already installed" in done.stdout
    folder = server.folder / "root/state/engine-packages"
    files = f"{folder}/docker.{kind} {folder}/containerd.{kind}"
    command = f"dpkg --force-confold -i {files}" if kind == "deb" else f"rpm -Uvh --replacepkgs {files}"
    assert server.told()[-3:] == [command, "systemctl daemon-reload", "systemctl enable --now docker.service"]
    assert not folder.exists()
    assert not server.programs.exists(), "the archive is for servers without"
    assert not server.unit.exists(), "the packages bring their own"
    assert (server.site / "usr/local/lib/docker/cli-plugins/docker-compose").exists()
    gone = server.run("RELEASE=-; remove_engine")
    assert gone.returncode == 0, gone.stderr
    assert f"{'dpkg -r' if kind == 'deb' else 'rpm -e'} docker containerd" in server.told()


@pytest.mark.parametrize("kind", ["deb", "rpm"])
def test_the_real_package_managers(one: BareServer, kind: str) -> None:
    """A run with a missing package fails; the next run, with the package present, succeeds."""
    state = one.site / "state"
    present = "libseccomp2, " if kind == "deb" else ""
    made = {
        f"docker.{kind}": real_package(kind, one.folder, "docker", state / "docker", f"{present}containerd"),
        f"containerd.{kind}": real_package(kind, one.folder, "containerd", state / "dockerd"),
    }
    if kind == "deb":
        made["libseccomp2.deb"] = real_package(kind, one.folder, "libseccomp2", state / "docker")
    for name, content in made.items():
        put(one.folder / name, content)
        found = read_package(one.folder / name, "deb" if kind == "deb" else "rpm")
        assert (found.name, found.architecture) == (name.partition(".")[0], None)
    one.add_real_manager(kind)
    one.carry({name: made[name] for name in (f"docker.{kind}",)} | {"compose": b"compose"})
    failed = one.run()
    assert failed.returncode == 1
    assert "containerd" in failed.stderr
    one.carry(made | {"compose": b"compose"})
    done = one.run()
    assert done.returncode == 0, done.stdout + done.stderr
    if kind == "deb":
        assert "Package libseccomp2 is already installed" in done.stdout
        assert "Version: 9" in (one.site / "var/lib/dpkg/status").read_text()
    assert (one.site / "bin/docker").read_bytes() == (state / "docker").read_bytes()
    assert (one.site / "bin/dockerd").exists()
    gone = one.run("RELEASE=-; remove_engine")
    assert gone.returncode == 0, gone.stderr
    assert not (one.site / "bin/docker").exists()
    assert not (one.site / "bin/dockerd").exists()


def test_packages_of_another_kind(one: BareServer) -> None:
    one.carry({"docker.rpm": b"x"})
    one.add_manager("deb")
    refused = one.run()
    assert refused.returncode == 1
    assert "for a different kind of system" in refused.stderr
    assert one.told() == []


# ---------------------------------------------------------------- removal


def test_uninstall_removes_the_engine_only_when_named_and_keeps_its_data(server: BareServer) -> None:
    assert server.run().returncode == 0
    kept = server.site / "var/lib/docker/volumes"
    kept.mkdir(parents=True)
    answers = server.run(
        'for PURGE in " all " " data  secrets " " engine " " all  engine "; do purges engine; echo $?; done'
    )
    assert answers.stdout.split() == ["1", "1", "0", "0"]
    (server.site / "state/containers").write_text("abc\n")
    busy = server.run("RELEASE=-; remove_engine")
    assert busy.returncode == 0
    assert "The engine still has containers" in busy.stderr
    assert server.note.exists()
    (server.site / "state/containers").unlink()
    server.settings.write_text(server.settings.read_text().replace("50m", "500m"))
    gone = server.run("RELEASE=-; remove_engine")
    assert gone.returncode == 0, gone.stderr
    assert "remains in /var/lib/docker" in gone.stdout
    assert f"{server.settings} was modified after it was installed" in gone.stdout
    assert "systemctl disable --now docker.service" in server.told()
    assert [path.name for path in server.programs.iterdir()] == []
    assert not server.unit.exists()
    assert not server.note.exists()
    assert kept.is_dir()


def test_without_systemd_the_uninstall_stops_the_engine(plain: BareServer) -> None:
    assert plain.run().returncode == 0
    gone = plain.run("RELEASE=-; remove_engine")
    assert gone.returncode == 0, gone.stderr
    assert not (plain.site / "state/running").exists()
    assert not plain.settings.exists()


# ---------------------------------------------------------------- interruption


def test_killed_anywhere_the_next_run_completes(tmp_path: Path, tools: Path) -> None:
    """BUNDLE_TEST_KILL_EVERY=1 kills the run at every call of a program."""
    need_root()
    killed_in = ("mv", "cp", "rm", "mkdir", "tar", "sync", "chmod", "chown", "date", "groupadd", "systemctl")

    def make() -> tuple[BareServer, Path]:
        shutil.rmtree(tmp_path / "server", ignore_errors=True)
        server = BareServer(tmp_path / "server", "dash", tools)
        server.prepare()
        killer = server.folder / "killer"
        for folder in ("bin", "real"):
            (killer / folder).mkdir(parents=True)
        for program in killed_in:
            (killer / "bin" / program).symlink_to(TOOLS / "killer")
            own = server.site / "bin" / program
            (killer / "real" / program).symlink_to(own if own.exists() else tools / program)
        return server, killer

    server, killer = make()
    assert server.run(before=f"{killer}/bin:").returncode == 0
    wanted = server.tree()
    calls = (killer / "calls").stat().st_size
    every = int(os.environ.get("BUNDLE_TEST_KILL_EVERY", "0")) or calls // 10
    for call in range(1, calls, every):
        server, killer = make()
        (killer / "point").write_text(f"call {call} KILL\n")
        killed = server.run(before=f"{killer}/bin:")
        assert killed.returncode == -signal.SIGKILL, (call, killed.stdout, killed.stderr)
        again = server.run()
        assert again.returncode == 0, (call, again.stdout, again.stderr)
        assert server.tree() == wanted, call
