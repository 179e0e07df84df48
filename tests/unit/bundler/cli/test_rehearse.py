"""`bundle rehearse` and `build --rehearse`, with a real bundle and a rehearsal that is told the result."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bundler.api.rehearsal import Rehearsal, RehearsalOptions, RehearsalStep
from bundler.bundle.manifest import BundleManifest
from bundler.errors import BundleError, ExitCode
from bundler_installer.packer import InstallerPacker
from examples.demo.sample_registry import make_image
from tests.support.console import Console, make_console
from tests.support.faults import FaultRegistry

PUSHED = {"library/web:1": make_image({"web": b"web" * 300})}
BUNDLE = Path("dist/shop-1.0-shop-linux-amd64.tar")


class Told:
    """What the rehearsal was asked, and what it answers."""

    def __init__(self) -> None:
        self.options: RehearsalOptions | None = None
        self.steps = [RehearsalStep("install", "passed", 61.5, "1 running")]

    def rehearse(self, bundle: Path, manifest: BundleManifest, options: RehearsalOptions) -> Rehearsal:
        assert bundle.is_file()
        self.options = options
        return Rehearsal(tuple(self.steps), data={"services": [each.name for each in manifest.services]})


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return make_console(capsys)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console, registry: FaultRegistry) -> Told:
    """Build a signed bundle in the working folder."""
    monkeypatch.setenv("BUNDLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("BUNDLE_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("compose.yaml").write_text("services: {web: {image: 'web:1'}}\n")
    Path("profiles").mkdir()
    profile = {
        "application": "compose", "version": "1.0", "sources": ["registry"],
        "registries": {"mirrors": {"docker.io": registry.host}},
        "settings": {"project": "..", "name": "shop"},
    }  # fmt: skip
    Path("profiles/shop.yaml").write_text(json.dumps(profile))
    assert console("keygen").code == 0
    done = console("build", "--profile", "shop")
    assert done.code == 0, done.err
    found = Told()
    monkeypatch.setattr(InstallerPacker, "check_machine", lambda _: None)
    monkeypatch.setattr(InstallerPacker, "rehearse", lambda _, *given: found.rehearse(*given))
    return found


def test_a_verified_bundle_is_rehearsed_with_its_key_and_answers(told: Told, console: Console) -> None:
    Path("site.env").write_text("# a remark\nA=1\nB=two words\n")
    done = console("rehearse", BUNDLE, "--answers", "site.env", "--set", "A=x=y", "--scratch", ".")
    assert done.code == 0, done.err
    assert done.out.splitlines()[1].split() == ["install", "passed", "1", "min", "01", "s", "1", "running"]
    assert told.options
    assert told.options.answers == {"A": "x=y", "B": "two words"}
    assert told.options.keys == (Path("bundle.pub").read_bytes(),)
    assert told.options.scratch == Path()
    assert told.options.records == Path(os.environ["BUNDLE_CACHE"]) / "rehearsals"


def test_a_failed_step_ends_with_1(told: Told, console: Console) -> None:
    told.steps.append(RehearsalStep("restore", "failed", 2, "data are gone"))
    done = console("rehearse", BUNDLE)
    assert done.code == ExitCode.FAILED
    assert "the rehearsal failed at restore: data are gone" in done.err
    report = console("rehearse", BUNDLE, "--json").json
    assert (report["ok"], report["services"]) == (False, ["web"])
    assert report["steps"][1] == {
        "step": "restore", "result": "failed", "seconds": 2, "said": "data are gone"
    }  # fmt: skip


def test_a_build_fails_with_its_rehearsal_and_the_bundle_stays(told: Told, console: Console) -> None:
    BUNDLE.unlink()
    told.steps.append(RehearsalStep("install", "failed", 2, "no"))
    done = console("build", "--profile", "shop", "--rehearse")
    assert done.code == ExitCode.FAILED
    assert "the rehearsal failed at install: no" in done.err
    assert BUNDLE.is_file()
    told.steps.pop()
    whole = console("build", "--profile", "shop", "--rehearse", "--json").json
    assert whole["rehearsal"]["ok"]
    assert told.options
    assert told.options.keys == (Path("bundle.pub").read_bytes(),)


def test_a_machine_that_cannot_is_said_before_the_build(
    told: Told, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(packer: InstallerPacker) -> None:
        raise BundleError(f"{packer.name}: not here")

    monkeypatch.setattr(InstallerPacker, "check_machine", refuse)
    BUNDLE.unlink()
    assert "not here" in console("build", "--profile", "shop", "--rehearse").err
    assert not BUNDLE.exists()


def test_nothing_of_a_bundle_runs_that_is_not_trusted(told: Told, console: Console) -> None:
    assert console("keygen", "--output", "foreign").code == 0
    assert console("rehearse", BUNDLE, "--key", "foreign/bundle.pub").code == ExitCode.VERIFICATION
    Path("bundle.pub").unlink()
    assert console("rehearse", BUNDLE).code != 0
    assert told.options is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "missing argument 'FILE'"),
        ((BUNDLE, "--set", "A"), "--set A: not NAME=VALUE"),
        ((BUNDLE, "--answers", "wrong.env"), "wrong.env:2: not NAME=VALUE"),
    ],
)
def test_wrong_usage(told: Told, console: Console, arguments: tuple[str, ...], message: str) -> None:
    Path("wrong.env").write_text("A=1\nnothing\n")
    done = console("rehearse", *arguments)
    assert done.code == ExitCode.USAGE
    assert message in done.err


def test_clean_without_any_rehearsal(told: Told, console: Console) -> None:
    assert console("rehearse", "--clean").out == "nothing to remove\n"
    assert console("rehearse", "--clean", "--json").json == {"removed": []}
