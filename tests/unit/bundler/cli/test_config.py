"""What a user's and a project's configuration do, and `bundle config`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bundler.cli.options import JobOptions, make_jobs
from bundler.errors import BundleError, ExitCode
from bundler.image.platform import Platform
from tests.support.console import Console, make_console

USER = """
platform = "linux/arm64"
keys = ["keys/own.key", "pkcs11:token=own"]
trusted_keys = ["~/own.pub"]
min_speed = 7
cache = "cache"

[registries]
insecure = ["plain.example:5000"]
[registries.mirrors]
"docker.io" = "user.example"
"quay.io" = "user.example/quay"
"""
PROJECT = """
[project]
name = "shop"
[tool.bundle]
keys = ["project.key"]
[tool.bundle.registries.mirrors]
"docker.io" = "project.example"
"""


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return make_console(capsys)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a project with the profile `shop`; the user's configuration is in ../home/.config."""
    for name in ("BUNDLE_KEY", "BUNDLE_CACHE", "BUNDLE_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/.config/bundle").mkdir(parents=True)
    folder = tmp_path / "work"
    (folder / "profiles").mkdir(parents=True)
    (folder / "profiles/shop.yaml").write_text("application: compose\nversion: '1'\n")
    monkeypatch.chdir(folder)
    return folder


def user_file(work: Path) -> Path:
    return work.parent / "home/.config/bundle/config.toml"


def shown(console: Console, *words: str) -> dict[str, tuple[str, str]]:
    """Return what `bundle config` shows: key -> value and origin; of a key with several values, the first."""
    done = console("config", "--json", *words)
    assert done.code == 0, done.err
    rows = done.json["values"]
    return {row["key"]: (row["value"], row["from"]) for row in reversed(rows)}


def job(profile: str = "shop", **options: Any) -> Any:  # noqa: ANN401 Job
    empty: dict[str, Any] = {
        "ca_file": None,
        "min_speed": None,
        "lock_file": None,
        "cache_dir": None,
    }
    lists: dict[str, Any] = {
        "platforms": (),
        "overrides": (),
        "mirrors": (),
        "insecure": (),
        "plugins_dir": (),
    }
    flags = {"offline": False, "as_json": False, "verbose": False}
    chosen = JobOptions(**{"profile": profile, **empty, **lists, **flags, **options})
    return make_jobs(chosen, locked=False)[0]


def test_without_files_the_defaults_hold(work: Path, console: Console) -> None:
    found = shown(console)
    assert found["platform"] == ("linux/amd64", "default")
    assert found["keys"] == ("bundle.key", "default")
    assert found["min_speed"] == ("1000", "default")
    assert found["cache"] == (str(work.parent / "home/.cache/bundle"), "default")
    assert "trusted_keys" not in found
    (work / "bundle.pub").touch()
    assert shown(console)["trusted_keys"] == ("bundle.pub", "default")
    text = console("config").out
    assert "pyproject.toml: does not exist" in text
    assert f"{user_file(work)}: does not exist" in text


def test_the_users_file(work: Path, console: Console) -> None:
    user_file(work).write_text(USER)
    found = shown(console, "--profile", "shop")
    where = str(user_file(work))
    home = work.parent / "home"
    assert found["platform"] == ("linux/arm64", f"{where}:2")
    assert found["keys"] == (str(home / ".config/bundle/keys/own.key"), f"{where}:3")
    assert found["trusted_keys"] == (str(home / "own.pub"), f"{where}:4")
    assert found["min_speed"] == ("7", f"{where}:5")
    assert found["cache"] == (str(home / ".config/bundle/cache"), f"{where}:6")
    assert found["registries.insecure"] == ("plain.example:5000", f"{where}:9")
    assert found['registries.mirrors."docker.io"'] == ("user.example", f"{where}:11")
    keys = [row["value"] for row in console("config", "--json").json["values"] if row["key"] == "keys"]
    assert keys[1] == "pkcs11:token=own"
    assert f"{where}: read" in console("config").out
    made = job()
    assert made.platform == Platform("linux", "arm64")
    assert made.store.root == home / ".config/bundle/cache"
    assert made.options.min_speed == 7
    assert made.options.insecure == {"plain.example:5000"}


def test_what_takes_precedence(work: Path, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line, the environment, the profile, the project, the user, in this order."""
    user_file(work).write_text(USER)
    (work / "pyproject.toml").write_text(PROJECT)
    found = shown(console)
    assert found["keys"] == (str(work / "project.key"), "pyproject.toml:5")
    assert found['registries.mirrors."docker.io"'] == ("project.example", "pyproject.toml:7")
    assert found['registries.mirrors."quay.io"'][0] == "user.example/quay"
    assert job().options.mirrors == {"docker.io": "project.example", "quay.io": "user.example/quay"}

    (work / "profiles/shop.yaml").write_text(
        "application: compose\nversion: '1'\nplatform: linux/arm/v7\n"
        "registries:\n  mirrors: {docker.io: profile.example}\n  insecure: [other.example]\n"
    )
    found = shown(console, "-p", "shop")
    assert found["platform"] == ("linux/arm/v7", "profiles/shop.yaml:3")
    assert found['registries.mirrors."docker.io"'] == ("profile.example", "profiles/shop.yaml:5")
    assert job().options.insecure == {"plain.example:5000", "other.example"}

    monkeypatch.setenv("BUNDLE_KEY", "a.key\nb.key\n")
    monkeypatch.setenv("BUNDLE_CACHE", "/env")
    found = shown(console, "-p", "shop")
    assert found["keys"] == ("a.key", "$BUNDLE_KEY")
    assert found["cache"] == ("/env", "$BUNDLE_CACHE")

    made = job(
        platforms=("linux/amd64",), mirrors=("docker.io=line.example",), min_speed=0, cache_dir=Path("/line")
    )
    assert made.platform == Platform("linux", "amd64")
    assert made.options.mirrors["docker.io"] == "line.example"
    assert made.options.min_speed == 0
    assert made.store.root == Path("/line")


def test_which_project(work: Path, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pyproject.toml beside the profile, or above its folder `profiles`; else of the working folder."""
    (work / "pyproject.toml").write_text('[tool.bundle]\nkeys = ["above.key"]\n')
    (work / "beside").mkdir()
    (work / "beside/pyproject.toml").write_text('[tool.bundle]\nkeys = ["beside.key"]\n')
    (work / "beside/other.yaml").write_text("application: compose\nversion: '1'\n")
    assert shown(console, "-p", "shop")["keys"][0] == str(work / "above.key")
    assert shown(console, "-p", "beside/other.yaml")["keys"][0] == str(work / "beside/beside.key")
    assert shown(console, "-p", "demo")["keys"][0] == str(work / "above.key")
    monkeypatch.chdir(work / "beside")
    assert shown(console, "-p", "../profiles/shop.yaml")["keys"][0] == str(work / "above.key")
    assert shown(console)["keys"][0] == str(work / "beside/beside.key")


def test_a_configured_key_signs_and_is_trusted(work: Path, console: Console) -> None:
    assert console("keygen", "--output", "keys").code == 0
    user_file(work).write_text(
        f'keys = ["{work}/keys/bundle.key"]\ntrusted_keys = ["{work}/keys/bundle.pub"]\n'
    )
    assert console("revoke", "--output", "out").code == 0
    (work / "empty.tar").touch()
    assert "not a bundle" in console("verify", "empty.tar").err
    (work / "keys/bundle.pub").unlink()
    refused = console("verify", "empty.tar")
    assert refused.code == ExitCode.USAGE
    assert f"{user_file(work)}:2: trusted_keys: {work}/keys/bundle.pub does not exist" in refused.err


def test_certificates_that_are_missing(work: Path) -> None:
    (work / "pyproject.toml").write_text('[tool.bundle.registries]\nca_file = "ca.pem"\n')
    with pytest.raises(
        BundleError, match=r"pyproject\.toml:2: registries\.ca_file: .*/work/ca\.pem does not"
    ):
        job()
    (work / "ca.pem").touch()
    assert job().options.ca_file == work / "ca.pem"


def test_bundle_config_names_the_users_file(
    work: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file(work).write_text("platform = 'linux/arm64'")
    monkeypatch.setenv("BUNDLE_CONFIG", "")
    assert shown(console)["platform"][1] == "default"
    monkeypatch.setenv("BUNDLE_CONFIG", "ci.toml")
    assert "$BUNDLE_CONFIG: ci.toml does not exist" in console("config").err
    (work / "ci.toml").write_text("platform = 'linux/s390x'")
    assert shown(console)["platform"] == ("linux/s390x", "ci.toml:1")


WRONG = {
    "key": ("platfrom = 'x'", "ci.toml:1: platfrom: unknown key", "did you mean `platform`?"),
    "key below": ("a.b = 1\n", "ci.toml:1: a: unknown key", "keys here: "),
    "key in a table": ("\n[registries]\nmirors = 1", "ci.toml:3: registries.mirors: unknown", "`mirrors`?"),
    "kind": ("keys = 'a.key'", "ci.toml:1: keys: must be a list, not the string 'a.key'", 'write ["a.key"]'),
    "platform": ("platform = 'arm64'", "ci.toml:1: platform: ", "for example linux/amd64"),
    "mirror": (
        '[registries.mirrors]\n"docker.io" = "https://m"',
        'ci.toml:2: registries.mirrors."docker.io": ', "leave out the scheme",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "says", "hint"), WRONG.values(), ids=WRONG)
def test_mistakes_are_told_with_file_line_and_key(
    work: Path, console: Console, monkeypatch: pytest.MonkeyPatch, text: str, says: str, hint: str
) -> None:
    (work / "ci.toml").write_text(text)
    monkeypatch.setenv("BUNDLE_CONFIG", "ci.toml")
    done = console("config")
    assert done.code == ExitCode.USAGE
    assert says in done.err
    assert hint in done.err


@pytest.mark.parametrize("line", ['trusted_keys = ["bundle.pub"]', 'cache = ".."'])
def test_a_project_says_neither_whom_to_trust_nor_where_files_are_removed(
    work: Path, console: Console, line: str
) -> None:
    (work / "pyproject.toml").write_text(f"[tool.bundle]\n{line}\n")
    (work / "bundle.tar").touch()
    done = console("verify", "bundle.tar")
    assert done.code == ExitCode.USAGE
    key = line.partition(" ")[0]
    assert f"pyproject.toml:2: tool.bundle.{key}: only your own configuration can say this" in done.err
    assert f"move it to {user_file(work)}" in done.err


def test_a_pyproject_of_other_tools_says_nothing(work: Path, console: Console) -> None:
    (work / "pyproject.toml").write_text("[tool.other]\nkeys = 1\n")
    assert shown(console)["keys"][1] == "default"
    assert "pyproject.toml: has no [tool.bundle]" in console("config").out
    (work / "pyproject.toml").write_text("[tool]\nbundle = 1\n")
    assert "pyproject.toml:2: tool.bundle: must be a table" in console("config").err
