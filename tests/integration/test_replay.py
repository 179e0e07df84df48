"""Bundles older than the installed one, or expired: what a site refuses and remembers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.builder import Builder
from tests.support.installer import SHELLS, call, shells
from tests.support.programs import need_forwarding
from tests.support.server import COMPOSE, CONFIG, PROFILE, Server

DATED = 1_500_000_000
"""SOURCE_DATE_EPOCH of all bundles, in seconds."""
BUNDLES = {
    "41": ("release.counter=41",),
    "42": ("release.counter=42",),
    "43": ("release.counter=43", "settings.name=app"),
    "dated": (),
    "late": ("release.counter=44", "release.expires=2020-01-31", "release.grace=36500d"),
    "expired": ("release.counter=45", "release.expires=2020-01-31T12:00Z", "release.grace=30d"),
    "in time": ("release.counter=46", "release.expires=2999-12-30", "release.grace=30d"),
}
"""Name -> settings; all bundles are of version 1.0."""


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the unpacked bundles by name."""
    need_forwarding()
    folder = tmp_path_factory.mktemp("dated")
    builder = Builder(folder, folder / "cache")
    builder.check("keygen")
    (folder / "app.yaml").write_text(PROFILE.format(version="1.0", migrations="", variables=""))
    (folder / "project1.0").mkdir()
    (folder / "project1.0/compose.yaml").write_text(COMPOSE.format(tag="1.0"))
    (folder / "project1.0/app.conf").write_text(CONFIG.format(version="1.0"))
    unpacked = {}
    with SampleRegistry() as registry:
        registry.add_image("app", "1.0", make_image({"version": b"1.0"}))
        for name, values in BUNDLES.items():
            target = folder / name
            builder.check(
                "build", "--profile", "./app.yaml", "--output", str(target),
                "--registry-mirror", f"registry.example={registry.host}",
                *(word for value in values for word in ("--set", value)),
                environment={"SOURCE_DATE_EPOCH": str(DATED)},
            )  # fmt: skip
            (tar,) = target.glob("*.tar")
            subprocess.run(["tar", "-xf", tar], cwd=target, check=True)
            shutil.copy(folder / "bundle.pub", target)
            unpacked[name] = target / tar.stem
    return unpacked


@pytest.fixture(params=[" ".join(words) for words in SHELLS.values()])
def server(request: pytest.FixtureRequest, tmp_path: Path, dated: dict[str, Path]) -> Iterator[Server]:
    """Yield a server on which nothing is installed."""
    folder = tmp_path / "server"
    folder.mkdir()
    yield Server(folder, dated, shell=request.param)
    shutil.rmtree(folder)


def install(server: Server, name: str, *arguments: str) -> None:
    """Install a bundle; fail the test if it is refused."""
    done = server.install(name, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def kept(server: Server) -> str:
    """Return the highest release counter that the site has recorded."""
    return (server.root / "state/counter").read_text()


def test_an_older_build_of_the_same_version_is_refused_unless_accepted(server: Server) -> None:
    install(server, "42")
    assert kept(server) == "42\n"
    current = (server.root / "current").readlink()
    plan = json.loads(server.install("41", "plan", "--json").stdout)
    assert (plan["kind"], plan["counter"], plan["highest"]) == ("downgrade", 41, 42)
    assert "requires --allow-downgrade" in server.install("41", "plan").stdout
    refused = server.install("41")
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "--allow-downgrade" in refused.stderr
    assert (server.root / "current").readlink() == current
    install(server, "41", "--allow-downgrade")
    assert kept(server) == "42\n"
    install(server, "41")  # the current release
    back = server.control("rollback")
    assert back.returncode == 0, back.stderr
    assert (server.root / "current").readlink() == current
    assert server.install("41").returncode == 2


def test_a_rollback_does_not_lower_the_counter(server: Server) -> None:
    install(server, "42")
    install(server, "43")
    assert kept(server) == "43\n"
    back = server.control("rollback")
    assert back.returncode == 0, back.stderr
    assert kept(server) == "43\n"
    install(server, "42")  # the current release
    assert server.install("41").returncode == 2
    install(server, "43")


def test_the_time_of_the_bundle_is_its_counter_where_none_is_given(server: Server) -> None:
    install(server, "42")
    install(server, "dated")
    assert kept(server) == f"{DATED}\n"
    assert server.install("43").returncode == 2


@pytest.mark.parametrize("content", ["", "x\n", "42 43\n", "-1\n", "042\n", "1" * 16, "folder", "link"])
def test_a_damaged_counter_stops_an_installation(content: str, server: Server) -> None:
    install(server, "42")
    path = server.root / "state/counter"
    path.unlink()
    if content == "folder":
        path.mkdir()
    elif content == "link":
        (server.folder / "elsewhere").write_text("1\n")
        path.symlink_to(server.folder / "elsewhere")
    else:
        path.write_text(content)
    refused = server.install("43", "--allow-downgrade")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    said = "is a link" if content == "link" else "does not contain a release counter"
    assert f"state/counter {said}" in refused.stderr
    if content != "link":  # no command accepts a link
        started = server.control("restart")
        assert started.returncode == 0, started.stderr


def test_a_site_without_a_counter_takes_that_of_the_running_release(server: Server) -> None:
    install(server, "42")
    (server.root / "state/counter").unlink()
    assert server.install("41").returncode == 2
    facts = server.root / "current/bundle.env"
    facts.write_text("".join(f"{line}\n" for line in facts.read_text().splitlines() if "counter" not in line))
    install(server, "41")
    assert kept(server) == "41\n"


def test_a_folder_whose_release_was_removed_remembers(server: Server) -> None:
    install(server, "42")
    backed = server.control("backup")
    assert backed.returncode == 0, backed.stderr
    removed = server.control("uninstall")
    assert removed.returncode == 0, removed.stderr
    refused = server.install("41")
    assert refused.returncode == 2
    assert "--allow-downgrade" in refused.stderr
    restored = server.run(
        server.bundles["41"] / "install", "restore", server.backup(), "--root", server.root, "--yes",
        "--key", server.bundles["41"].parent / "bundle.pub", "--accept", "release",
    )  # fmt: skip
    assert restored.returncode == 2, restored.stdout + restored.stderr
    assert "--allow-downgrade" in restored.stderr
    restored = server.run(
        server.bundles["43"] / "install", "restore", server.backup(), "--root", server.root, "--yes",
        "--key", server.bundles["43"].parent / "bundle.pub", "--accept", "release",
    )  # fmt: skip
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert kept(server) == "43\n"


def test_a_failed_upgrade_does_not_raise_the_counter(server: Server) -> None:
    install(server, "42")
    (server.folder / "engine/slow").touch()
    failed = server.install("43", "--timeout", "1")
    assert failed.returncode == 5, failed.stdout + failed.stderr
    assert kept(server) == "42\n"
    (server.folder / "engine/slow").unlink()
    install(server, "43")
    assert kept(server) == "43\n"


def test_a_bundle_past_its_last_day_is_refused_unless_accepted(server: Server) -> None:
    install(server, "42")
    plan = json.loads(server.install("expired", "plan", "--json").stdout)
    assert (plan["expires"], plan["grace"]) == (1580472000, 30 * 86400)
    assert "2020-01-31 12:00" in server.install("expired", "plan").stdout
    refused = server.install("expired")
    assert refused.returncode == 3, refused.stdout + refused.stderr
    assert "2020-01-31 12:00" in refused.stdout
    assert "--accept expiry" in refused.stdout
    assert (kept(server), (server.root / "state/accepted").exists()) == ("42\n", False)
    install(server, "expired", "--accept", "expiry")
    assert "\texpiry\t" in (server.root / "state/accepted").read_text()
    for command in (["restart"], ["backup"], ["rollback"], ["rollback", "--forward"], ["status"]):
        done = server.control(*command)
        assert "expiry" not in done.stdout + done.stderr
        assert done.returncode == 0, done.stdout + done.stderr


def test_within_the_grace_period_there_is_a_warning(server: Server) -> None:
    done = server.install("late")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "until 2020-02-01 00:00 (UTC)" in done.stdout
    assert "After 2120-01-08" in done.stdout
    assert "this one is refused" in done.stdout


def test_before_its_last_day_there_is_no_warning(server: Server) -> None:
    done = server.install("in time")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2999" not in done.stdout + done.stderr
    assert "Can be installed until 2999-12-31 00:00" in server.install("in time", "plan").stdout


@pytest.mark.parametrize("shell", shells())
@pytest.mark.parametrize(
    ("counter", "highest", "older"),
    [
        ("41", "42", True),
        ("42", "42", False),
        ("100", "99", False),
        ("99", "100", True),
        ("4294967296", "4294967297", True),
        ("4294967297", "4294967296", False),
        ("999999999999998", "999999999999999", True),
        ("999999999999999", "999999999999998", False),
        ("2027063001", "1500000000", False),
        ("0", "1", True),
    ],
)
def test_counters_are_compared_as_numbers(
    counter: str, highest: str, older: bool, shell: str, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/bundle.env").write_text(f"counter={counter}\n")
    script = f"""
RELEASE=1.0-abc CURRENT=$ROOT/current
printf '{highest}\\n' >"$ROOT/state/counter"
read_counters
if is_older; then echo older; fi
raise_counter
cat "$ROOT/state/counter"
"""
    done = call(shell, script, tmp_path)
    top = max(int(counter), int(highest))
    assert done.stdout == ("older\n" if older else "") + f"{top}\n", done.stderr
