"""`bundle rehearse`: a right project, projects with one defect each, and a machine that stays as it was."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry
from tests.support.builder import ROOT
from tests.support.rehearsed import PUT_TOGETHER, Machine, Rehearsed, right

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    with SampleRegistry() as registry:
        yield Rehearsed(tmp_path_factory.mktemp("rehearsed"), registry)


@pytest.fixture
def unchanged(rehearsed: Rehearsed) -> Iterator[None]:
    """Compare the machine before and after the test."""
    before = Machine.look(rehearsed.folder)
    yield
    after = Machine.look(rehearsed.folder)
    for part, was in before.parts.items():
        assert after.parts[part] == was, part
    assert not [path for path in _left(rehearsed) if path.suffix != ".log"]


def _left(rehearsed: Rehearsed) -> list[Path]:
    return sorted((rehearsed.folder / "cache/rehearsals").glob("*"))


@pytest.mark.usefixtures("unchanged")
def test_a_right_project(rehearsed: Rehearsed) -> None:
    document = right()
    document["services"]["web"]["networks"] = ["default", "office"]
    document["networks"] = {"default": {}, "office": {"external": True}}
    done = rehearsed.builder.bundle(
        "build", "--json", "--rehearse", "--profile", rehearsed.profile("pair", document),
        *rehearsed.mirror(), "--output", "dist", environment=rehearsed.environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)["rehearsal"]
    assert report["ok"]
    assert [step["result"] for step in report["steps"]] == ["passed"] * len(report["steps"])
    names = [step["step"] for step in report["steps"]]
    assert names[-2:] == ["uninstall", "uninstall --purge all"]
    assert {"install", "restart each service", "backup", "restore", "install again"} <= {*names}
    assert all(service["restart_seconds"] for service in report["services"])
    assert report["backup"]["bytes"] > 0
    assert {each["name"]: (each["compared"], each["unlike"]) for each in report["data"]}["volume files"] == (
        1,
        [],
    )
    assert report["answers"]["GREETING"].isalpha()
    assert [each["what"] for each in report["not_rehearsed"]] == ["cpu"]
    assert report["purged"]["volumes"] == []
    assert report["outside"] == {"packets": 0, "names": []}
    assert not _left(rehearsed), "also no log"


@pytest.mark.usefixtures("unchanged")
def test_a_service_that_does_not_start_a_second_time_and_its_site_is_kept(rehearsed: Rehearsed) -> None:
    document = right()
    broken = "[ ! -f /bin/started ] || { echo the second start is broken; exit 3; }"
    web = document["services"]["web"]
    web["command"] = [f"{PUT_TOGETHER}\n{broken}\ntouch /bin/started\n{web['command'][0]}"]
    report = rehearsed.report("--keep", rehearsed.build("second", document))
    assert not report["ok"]
    failure = report["failure"]
    assert (failure["step"], failure["service"]) == ("restart each service", "web")
    assert "after the restart of web" in failure["reason"]
    assert "the second start is broken" in failure["service_log"]
    assert "Daemon has completed initialization" in Path(failure["log"]).read_text()
    containers = subprocess.run(
        [*shlex.split(report["shell"]), "-c", "docker ps -q"], capture_output=True, text=True, check=True
    )
    assert containers.stdout.split(), "the site stays after the command has ended"
    assert "removed bundle-rehearsal-" in rehearsed.rehearse("--clean").stdout
    assert not _left(rehearsed), "also no log"


@pytest.mark.usefixtures("unchanged")
def test_a_backup_that_does_not_restore(rehearsed: Rehearsed) -> None:
    dump = {
        "id": "turns",
        "service": "web",
        "backup": "echo turns",
        "restore": "echo no such table >&2; exit 1",
    }
    report = rehearsed.report(
        rehearsed.build("lost", right(), lifecycle={"dumps": [dump], "dumped": ["volume:files"]})
    )
    assert (report["failure"]["step"], report["ok"]) == ("restore", False)
    assert "no such table" in Path(report["failure"]["log"]).read_text()
    assert report["backup"]["bytes"] > 0


@pytest.mark.usefixtures("unchanged")
def test_a_service_that_wants_the_internet(rehearsed: Rehearsed) -> None:
    document = right()
    fetch = "nslookup updates.example.org\nnc -w 3 198.51.100.7 80 </dev/null || exit 5\nsleep 1000"
    document["services"]["worker"].update(command=[f"{PUT_TOGETHER}\n{fetch}"], restart="no")
    done = rehearsed.rehearse(rehearsed.build("online", document))
    assert done.returncode == 1
    assert "updates.example.org" in done.stdout, done.stdout + done.stderr
    assert "tried to reach the outside" in done.stdout
    assert "online-1.0" in done.stderr
    assert "install: " in done.stderr


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_rehearsal_leaves_nothing(rehearsed: Rehearsed, number: int, status: int) -> None:
    bundle = next(rehearsed.folder.glob("dist*/*.tar"), None) or rehearsed.build("any", right())
    before = _left(rehearsed)
    with subprocess.Popen(
        [sys.executable, "-m", "bundler", "rehearse", str(bundle)],
        cwd=rehearsed.folder, env=_environment(rehearsed),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        for line in process.stdout:
            if "preflight ..." in line:
                break
        assert Machine.look(rehearsed.folder).parts["processes"], "the site is there"
        process.send_signal(number)
        said = process.stdout.read()
        assert process.wait(timeout=60) == status, said
    if number == signal.SIGKILL:  # what it left is removed by record
        deadline = time.monotonic() + 30
        while Machine.look(rehearsed.folder).parts["processes"]:
            assert time.monotonic() < deadline, "the kernel ends the site with its maker"
            time.sleep(0.1)
        assert "removed bundle-rehearsal-" in rehearsed.rehearse("--clean").stdout
    assert {*_left(rehearsed)} <= {*before}


def _environment(rehearsed: Rehearsed) -> dict[str, str]:
    return {
        **os.environ,
        **rehearsed.environment,
        "PYTHONPATH": ROOT,
        "BUNDLE_CACHE": str(rehearsed.builder.cache),
    }
