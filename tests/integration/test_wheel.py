"""The wheel is complete: installed alone, outside the checkout, it builds a bundle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry, make_image
from tests.support.programs import need_module, run

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installed:
    """Wheel installed by pip into a folder."""

    wheel: Path
    folder: Path
    work: Path

    def bundle(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the installed `bundle`; the checkout is not on its path."""
        return subprocess.run(
            [sys.executable, self.folder / "bin/bundle", *arguments],
            cwd=self.work,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.work),
                "PYTHONPATH": str(self.folder),
                "BUNDLE_CACHE": str(self.work / "cache"),
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    need_module("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    target = folder / "installed"
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile",
        "--disable-pip-version-check", "--target", target, wheel,
    )  # fmt: skip
    work = folder / "work"
    work.mkdir()
    return Installed(wheel, target, work)


def test_the_wheel_holds_every_file(installed: Installed) -> None:
    tracked = run("git", "ls-files", "bundler", "plugins", "profiles", cwd=ROOT).splitlines()
    with zipfile.ZipFile(installed.wheel) as archive:
        names = set(archive.namelist())
    for path in tracked:
        inside = path.removeprefix("plugins/")
        if path.startswith("profiles/"):
            inside = "bundler/builtin_profiles" + path.removeprefix("profiles")
        assert inside in names, f"{path} is not in the wheel"
    docs = run("git", "ls-files", "docs/*.md", "docs/**/*.md", cwd=ROOT).splitlines()
    assert {"bundler/pages" + path.removeprefix("docs") for path in docs} <= names
    assert not any(name.startswith("bundler/site") for name in names), "only a release builds it"
    strange = {n for n in names if not n.startswith("bundler") or "__pycache__" in n or "/tests/" in n}
    assert strange == set()


def test_the_installed_program_is_not_the_checkout(installed: Installed) -> None:
    code = "import bundler, bundler_installer; print(bundler.__file__, bundler_installer.__file__)"
    result = run(sys.executable, "-c", code, cwd=installed.work, env={"PYTHONPATH": str(installed.folder)})
    assert all(path.startswith(str(installed.folder)) for path in result.split())


def test_the_wheel_ships_profiles_and_plugins(installed: Installed) -> None:
    profiles = json.loads(installed.bundle("profiles", "--json").stdout)
    own = {path.stem for path in (ROOT / "profiles").glob("*.yaml")}
    assert own <= {profile["name"] for profile in profiles}
    assert {profile["origin"] for profile in profiles} == {"built-in"}
    assert all(str(installed.folder) in profile["path"] for profile in profiles)
    plugins = {plugin["name"] for plugin in json.loads(installed.bundle("plugins", "--json").stdout)}
    assert {"registry", "docker", "compose", "dify", "signature", "installer"} <= plugins


def test_the_installed_wheel_builds_and_verifies_a_bundle(installed: Installed) -> None:
    with SampleRegistry() as registry:
        registry.add_image("hello", "1.0", make_image({"etc/release": b"x"}, {"Cmd": ["/bin/sh"]}))
        assert installed.bundle("keygen").returncode == 0
        mirror = f"registry.demo.example={registry.host}"
        built = installed.bundle("build", "--profile", "demo", "--registry-mirror", mirror)
    assert built.returncode == 0, built.stderr
    (path,) = (installed.work / "dist").glob("*.tar")
    verified = installed.bundle("verify", str(path), "--key", "bundle.pub")
    assert verified.returncode == 0, verified.stderr


def test_the_installed_program_prints_its_documentation(installed: Installed) -> None:
    page = installed.bundle("docs", "how-to/keys")
    assert page.stdout == (ROOT / "docs/how-to/keys.md").read_text()
    assert str(installed.folder) in installed.bundle("docs", "keys", "--path").stdout


def test_a_site_and_links_are_in_the_wheel_where_they_are_given(tmp_path: Path) -> None:
    need_module("hatchling")
    (tmp_path / "site/how-to").mkdir(parents=True)
    (tmp_path / "site/index.html").write_text("start")
    (tmp_path / "site/how-to/keys.html").write_text("keys")
    given = {"BUNDLE_DOCS_SITE": str(tmp_path / "site"), "BUNDLE_REPOSITORY": "https://git.example/a/bundle/"}
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, env={**os.environ, **given}, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("bundler/site/how-to/keys.html") == b"keys"
        (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
    assert "Project-URL: Repository, https://git.example/a/bundle\n" in metadata
    assert "Project-URL: Changelog, https://git.example/a/bundle/blob/main/CHANGELOG.md\n" in metadata
    for wrong in ({"BUNDLE_DOCS_SITE": str(tmp_path)}, {"BUNDLE_REPOSITORY": "git.example"}):
        refused = subprocess.run(
            build, cwd=ROOT, env={**os.environ, **wrong}, capture_output=True, text=True, check=False
        )
        assert refused.returncode != 0
        assert "".join(wrong) in refused.stderr


def test_the_schema_is_a_json_schema_that_takes_our_profiles_and_refuses_mistakes(
    installed: Installed,
) -> None:
    need_module("jsonschema")
    import jsonschema  # noqa: PLC0415 only this test needs it
    import yaml  # noqa: PLC0415 likewise

    schema = json.loads(installed.bundle("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in (ROOT / "profiles").glob("*.yaml"):
        found = [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))]
        assert found == [], path
    for wrong in (
        {"verson": "1"},
        {"application": "compose", "settings": {"projekt": "x"}},
        {"version": 1.1},
        {"sources": "docker"},
        {"requirements": {"cpu": {"minimum": "many"}}},
    ):
        assert not validator.is_valid(wrong), wrong
    for right in ({"extends": "demo", "sources+": ["docker"]}, {"extends": ["a", "b"], "version": None}):
        assert validator.is_valid(right), right
